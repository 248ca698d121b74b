"""Clips from public-domain scores: the corpus of music21 (folk songs, dances, chorales, masses).

Instrument, tempo and sound font are drawn; mode is measured on the notes (Krumhansl and Schmuckler,
as music21 has it). Composer and kind of tune are what the corpus says. Every score is in one split.
"""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.systems import words
from benchmarks.systems.rendering import FONTS, SECONDS, render

# Folder of the corpus: what it is, and how many are taken.
FOLDERS = {
    "bach": (("Bach", "baroque", "chorale"), 45),
    "palestrina": (("Palestrina", "renaissance", "sacred music"), 45),
    "monteverdi": (("Monteverdi", "madrigal", "renaissance"), 30),
    "trecento": (("trecento", "medieval"), 30),
    "mozart": (("Mozart", "classical", "string quartet music"), 20),
    "haydn": (("Haydn", "classical", "string quartet music"), 20),
    "beethoven": (("Beethoven", "classical", "string quartet music"), 20),
    "oneills1850": (("Irish", "folk"), 30),
    "ryansMammoth": (("fiddle tune", "folk"), 60),
    "airdsAirs": (("Scottish", "folk"), 25),
    "essenFolksong": (("folk song", "folk"), 25),
    "joplin": (("Joplin", "ragtime"), 3),
}
# General MIDI programs.
INSTRUMENTS = {
    "piano": 0,
    "harpsichord": 6,
    "organ": 19,
    "accordion": 21,
    "acoustic guitar": 24,
    "violin": 40,
    "strings": 48,
    "choir": 52,
    "trumpet": 56,
    "saxophone": 65,
    "clarinet": 71,
    "flute": 73,
    "harp": 46,
    "marimba": 12,
    "synthesizer": 81,
    "banjo": 105,
}
_TUNES = ("jig", "reel", "hornpipe", "waltz", "polka", "march", "strathspey", "air", "schottische")
_QUARTERS = 40.0


def rows(folder: Path, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Return the clips to render; ``make`` adds the words that depend on the notes."""
    from music21 import corpus

    random = np.random.default_rng(seed)
    paths: dict[str, list[Path]] = {}
    for path in corpus.corpora.CoreCorpus().getPaths():
        name = next((part for part in path.parts[-4:-1] if part in FOLDERS), "")
        if name and path.suffix in {".mxl", ".xml", ".krn", ".abc"}:
            paths.setdefault(name, []).append(path)
    for name, (about, most) in FOLDERS.items():
        there = sorted(paths.get(name, []))
        # Few files, each with hundreds of songs.
        several = name in {"essenFolksong", "airdsAirs"}
        if not there:
            continue
        chosen = random.choice(len(there), size=most, replace=several or most > len(there))
        for n, place in enumerate(chosen):
            path = there[int(place)]
            yield {
                "audio": str(folder / f"score-{name.lower()}-{n:03d}.flac"),
                "source": "scores",
                "group": f"{name} {n}" if several else path.stem,
                "title": "",
                "artist": "",
                "album": "",
                "tags": [],
                "captions": [],
                "job": (
                    "score",
                    str(path),
                    list(about),
                    str(random.choice(list(INSTRUMENTS))),
                    int(random.integers(60, 180)),
                    str(FONTS[int(random.integers(len(FONTS)))]),
                    int(random.integers(2**31)),
                ),
            }


def make(row: dict[str, Any]) -> None:
    """Render a clip, and complete its tags, captions and title."""
    from music21 import converter, instrument, stream, tempo

    _, path, about, name, beats, font, seed = row["job"]
    random = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = converter.parse(path)
        if isinstance(score, stream.Opus):
            one = list(score.scores)[int(random.integers(len(score.scores)))]
            row["group"] = f"{Path(path).stem} {one.metadata.number or one.metadata.title}"
            score = one
        title = (score.metadata.title or "").strip() if score.metadata else ""
        short = stream.Score()
        parts = list(score.parts) or [score]
        for part in parts[:5]:
            notes = part.flatten().notesAndRests.stream()
            kept = stream.Part()
            kept.insert(0, instrument.instrumentFromMidiProgram(INSTRUMENTS[name]))
            kept.insert(0, tempo.MetronomeMark(number=beats))
            for element in notes:
                # Grace notes, which have no length, become endless ones in the file.
                brief = 0 < element.quarterLength <= 16
                if brief and element.offset < min(_QUARTERS, SECONDS * beats / 60):
                    kept.insert(element.offset, element)
            short.insert(0, kept)
        mode = short.analyze("key").mode
        with tempfile.TemporaryDirectory() as work:
            midi = Path(work) / "score.mid"
            short.write("midi", midi)
            render(midi, Path(font), Path(row["audio"]))
    tune = [kind for kind in _TUNES if kind in title.lower()]
    parts_word = ["solo"] if len(parts) == 1 else ["polyphonic"]
    known = {
        "style": [*about[1:], about[0], *tune],
        "instrument": [name],
        "tempo": [words.tempo(beats)],
        "mode": [f"{mode} key"],
        "other": ["no drums", *parts_word],
    }
    row["title"] = title
    row["tags"] = words.tags(known)
    row["captions"] = [words.caption(known, random) for _ in range(2)]
