"""Clips from the grooves of MMA, an accompaniment generator: their instruments and tempo are known.

Each groove has a name, most a line of description, and its tracks say which instruments play. Key,
mode, tempo, chords and sound font are drawn. All grooves of a style are in one split.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.systems import words
from benchmarks.systems.rendering import FONTS, SECONDS, render

STYLES = Path("/usr/share/mma/lib/stdlib")
EACH = 7
_ENDS = re.compile(r"(intro|end|ending|fill|tag|break|pickup)\d*$", re.IGNORECASE)
_CHORDS = {
    "major key": (
        ("I", "vi", "IV", "V"),
        ("I", "IV", "V", "I"),
        ("I", "iii", "IV", "V"),
        ("I", "V", "vi", "IV"),
    ),
    "minor key": (
        ("i", "iv", "V", "i"),
        ("i", "bVI", "bVII", "i"),
        ("i", "bVII", "bVI", "V"),
        ("i", "bVI", "iv", "V"),
    ),
}
_STEPS = {
    "I": 0,
    "i": 0,
    "bII": 1,
    "ii": 2,
    "iii": 4,
    "IV": 5,
    "iv": 5,
    "V": 7,
    "bVI": 8,
    "vi": 9,
    "bVII": 10,
}
_NOTES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

# What MMA calls an instrument, in the words of people; the first that fits.
_INSTRUMENTS = (
    (r"rhodes|e\.?piano|electricpiano|piano2|piano3|chorusedpiano|wurl", "electric piano"),
    (r"honky", "honky-tonk piano"),
    (r"piano", "piano"),
    (r"harpsi", "harpsichord"),
    (r"clavinet", "clavinet"),
    (r"nylon|steel|12string|acoustic.*guitar", "acoustic guitar"),
    (r"overdrive|distort", "distorted guitar"),
    (r"guitar", "electric guitar"),
    (r"acousticbass|uprightbass", "double bass"),
    (r"synthbass", "synth bass"),
    (r"bass(?!oon)", "bass guitar"),
    (r"accordion|bandoneon", "accordion"),
    (r"harmonica", "harmonica"),
    (r"organ", "organ"),
    (r"banjo", "banjo"),
    (r"mandolin", "mandolin"),
    (r"ukulele", "ukulele"),
    (r"violin|fiddle", "violin"),
    (r"viola|cello", "cello"),
    (r"string|pizzicato", "strings"),
    (r"choir|voice|aahs|oohs", "choir"),
    (r"trumpet|cornet", "trumpet"),
    (r"trombone", "trombone"),
    (r"tuba", "tuba"),
    (r"frenchhorn|brass|horn", "brass"),
    (r"sax", "saxophone"),
    (r"clarinet", "clarinet"),
    (r"oboe|bassoon", "oboe"),
    (r"flute|piccolo|recorder|whistle|ocarina|pan", "flute"),
    (r"vibra", "vibraphone"),
    (r"marimba|xylo|kalimba", "marimba"),
    (r"glock|celesta|musicbox|bell", "bells"),
    (r"harp", "harp"),
    (r"sitar|shamisen|koto", "sitar"),
    (r"steeldrum", "steel drums"),
    (r"lead|pad|synth|fx|atmos|crystal|sweep", "synthesizer"),
)
_PERCUSSION = re.compile(
    r"conga|bongo|timbale|clave|cabasa|maraca|shaker|guiro|agogo|tambourine|triangle|cowbell|whistle|vibraslap",
    re.IGNORECASE,
)
_STYLE_WORDS = (
    "rock",
    "swing",
    "jazz",
    "blues",
    "waltz",
    "march",
    "bossa nova",
    "samba",
    "latin",
    "tango",
    "rumba",
    "salsa",
    "mambo",
    "cha cha",
    "beguine",
    "bolero",
    "polka",
    "country",
    "bluegrass",
    "folk",
    "ballad",
    "funk",
    "soul",
    "reggae",
    "ska",
    "disco",
    "dance",
    "pop",
    "hip hop",
    "gospel",
    "ragtime",
    "dixieland",
    "boogie",
    "shuffle",
    "big band",
    "bebop",
    "calypso",
    "klezmer",
    "metal",
    "techno",
    "house",
    "merengue",
    "foxtrot",
    "motown",
    "r&b",
    "fusion",
    "afro-cuban",
    "hawaiian",
    "celtic",
    "new age",
    "punk",
    "slow rock",
    "soft",
    "arpeggio",
    "light",
    "heavy",
)
_SPELLED = {
    "bossanova": "bossa nova",
    "chacha": "cha cha",
    "hiphop": "hip hop",
    "bigband": "big band",
    "rhumba": "rumba",
    "broken chord": "arpeggio",
    "jive": "swing",
    "loud": "heavy",
}


def grooves() -> list[dict[str, Any]]:
    """Return every self-contained groove with its style."""
    found = []
    for file in sorted(STYLES.glob("*.mma")):
        said = subprocess.run(
            ["mma", "-Djs", file], capture_output=True, text=True, check=False
        ).stdout
        try:
            listed = json.loads(said[said.index("[") :], strict=False)
        except ValueError:  # it writes some that are no JSON
            continue
        beats = re.search(
            r"^\s*time\s+(\d+)", file.read_text("utf-8", "replace"), re.IGNORECASE | re.MULTILINE
        )
        about = {"style": file.stem, "beats": int(beats[1]) if beats else 4}
        found += [
            one | about for one in listed if not _ENDS.search(one["groove"]) and one["tracks"]
        ]
    return found


def known_of(groove: dict[str, Any]) -> dict[str, list[str]]:
    """Return the tags of a groove that do not depend on random choices."""
    text = f"{groove['style']} {groove['groove']} {groove['description']}".lower()
    text = re.sub(r"[_-]", " ", text)
    for spelled, word in _SPELLED.items():
        text = text.replace(spelled, word)
    style = [word for word in _STYLE_WORDS if word in text]
    if groove["beats"] == 3 and "waltz" not in style:
        style.append("waltz")
    instruments: list[str] = []
    drums = percussion = False
    for track in groove["tracks"]:
        voices = [v for v in track["voice"] if v] if isinstance(track["voice"], list) else []
        if not voices or not any(part and part != "z" for part in track["sequence"]):
            continue
        if track["track"].startswith("DRUM"):
            percussion |= bool(_PERCUSSION.search(voices[0]))
            drums |= not _PERCUSSION.search(voices[0])
            continue
        name = next(
            (word for like, word in _INSTRUMENTS if re.search(like, voices[0], re.IGNORECASE)), ""
        )
        if name:
            instruments.append(name)
    instruments += ["drums"] * drums + ["percussion"] * percussion
    return {
        "style": style,
        "instrument": list(dict.fromkeys(instruments)),
        "other": [] if drums or percussion else ["no drums"],
    }


def rows(folder: Path, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Return the clips to render: some grooves of each style."""
    random = np.random.default_rng(seed)
    by_style: dict[str, list[dict[str, Any]]] = {}
    for groove in grooves():
        by_style.setdefault(groove["style"], []).append(groove)
    for style, some in by_style.items():
        for n in random.permutation(len(some))[:EACH]:
            groove = some[n]
            mode = str(random.choice(list(_CHORDS)))
            chords = _CHORDS[mode][int(random.integers(4))]
            beats = int(random.integers(60, 190))
            root = int(random.integers(12))
            font = FONTS[int(random.integers(len(FONTS)))]
            known = known_of(groove) | {"tempo": [words.tempo(beats)], "mode": [mode]}
            texts = [words.caption(known, random) for _ in range(2)]
            if groove["description"]:
                # What MMA's authors say of it, with what was drawn.
                texts.append(
                    f"{groove['description'].strip().rstrip('.')}, {known['tempo'][0]}, "
                    f"in a {mode}."
                )
            yield {
                "audio": str(folder / f"groove-{groove['groove'].lower()}.flac".replace(" ", "")),
                "source": "grooves",
                "group": f"mma {style}",
                "title": "",
                "artist": "",
                "album": "",
                "tags": words.tags(known),
                "captions": texts,
                "job": (
                    "groove",
                    groove["groove"],
                    style,
                    groove["beats"],
                    beats,
                    root,
                    chords,
                    str(font),
                ),
            }


def make(row: dict[str, Any]) -> None:
    """Render a clip."""
    _, name, _, meter, beats, root, chords, font = row["job"]
    bars = max(4, round(SECONDS * beats / 60 / meter))
    lines = [f"Tempo {beats}", f"Time {meter}", f"Groove {name}"]
    for n in range(bars):
        step = chords[n % len(chords)]
        note = _NOTES[(root + _STEPS[step]) % 12]
        lines.append(f"{n + 1} {note}{'m' if step.islower() and not step.startswith('b') else ''}")
    with tempfile.TemporaryDirectory() as work:
        song, midi = Path(work) / "song.mma", Path(work) / "song.mid"
        song.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run(
            ["mma", song, "-f", midi], capture_output=True, text=True, check=False
        )
        if not midi.exists():
            raise RuntimeError(f"{name}: {done.stdout.strip()[-200:]}")
        render(midi, Path(font), Path(row["audio"]))
