"""Clips cut from recordings: Emotify with its listeners' emotions, and free music of games.

Nobody has labelled the free music: its tags are what taggers hear in it (their surest words, and
among clips the surest tenth or so of each), its captions are made of them. Such labels are noisy.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from benchmarks.systems import words
from benchmarks.systems.rendering import RATE

from tunespace.evaluation import load_data

SECONDS = 20.0
_MOST = 6
_KIND = {"genre": "style", "instrument": "instrument", "mood/theme": "mood"}
_WORDS = {
    "chillout": "chill-out",
    "classical": "classical",
    "easylistening": "easy listening",
    "hiphop": "hip hop",
    "instrumentalpop": "instrumental pop",
    "newage": "new age",
    "popfolk": "folk",
    "poprock": "rock",
    "triphop": "trip hop",
    "acousticguitar": "acoustic guitar",
    "computer": "synthesizer",
    "drummachine": "drum machine",
    "electricguitar": "electric guitar",
    "electricpiano": "electric piano",
    "bass": "bass guitar",
    "voice": "singing",
    "film": "cinematic",
}
_MSD = {
    "female vocalists": "instrument",
    "blues": "style",
    "country": "style",
    "punk": "style",
    "sad": "mood",
    "happy": "mood",
    "Mellow": "mood",
    "party": "mood",
    "80s": "style",
}


def emotify(root: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Return the 400 clips of Emotify with genre and dominant emotions."""
    random = np.random.default_rng(1)
    for item in load_data("emotify", root=root)[0].items:
        mood = list(item.tags)
        if not mood:
            mood = [item.captions[0].split(",")[0].removeprefix("a ")]
        known = {"style": [item.labels["genre"]], "mood": mood}
        yield {
            "audio": str(folder / f"emotify-{int(item.track_id):03d}.flac"),
            "source": "emotify",
            "group": f"artist {item.artist}",
            "title": item.title,
            "artist": item.artist,
            "album": item.album,
            "tags": words.tags(known),
            "captions": [words.caption(known, random) for _ in range(2)],
            "job": ("cut", str(item.audio), 10.0),
        }


def free_music(
    tracks: Path, targets: Path, tags: dict[str, list[str]], music: Path, folder: Path
) -> Iterator[dict[str, Any]]:
    """Return a segment of each free track, with tags of published taggers.

    Args:
        tracks: Table of the tracks.
        targets: What the taggers say.
        tags: Names of their outputs.
        music: Where the tracks are.
        folder: Where clips go.
    """
    random = np.random.default_rng(2)
    with tracks.open(newline="", encoding="utf-8") as file:
        known = {
            f"{row['package']}/{row['path'].replace('!/', '/')}": row
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }
    with np.load(targets) as found:
        paths, starts = found["path"].astype(str), found["start"]
        scores = {
            name: 1 / (1 + np.exp(-found[name].astype(np.float32)))
            for name in ("jamendo-fcn", "msd-fcn")
        }
    columns: list[tuple[str, str, np.ndarray]] = []
    for n, name in enumerate(tags["jamendo"]):
        kind, word = name.split("---")
        columns.append((_KIND[kind], _WORDS.get(word, word), scores["jamendo-fcn"][:, n]))
    for name, kind in _MSD.items():
        columns.append((kind, name.lower(), scores["msd-fcn"][:, tags["msd"].index(name)]))
    values = np.stack([column for _, _, column in columns], axis=1)
    # Against the tag's own distribution: some outputs are always high.
    standing = values.argsort(0).argsort(0) / len(values)
    sure = (standing > 0.85) & (values > 0.05)
    seen: set[str] = set()
    for n, path in enumerate(paths):
        if path in seen or not (music / path).exists():
            continue
        seen.add(path)
        order = [k for k in np.argsort(-(standing[n] + 0.3 * values[n])) if sure[n, k]][:_MOST]
        if len(order) < 2:
            continue
        heard: dict[str, list[str]] = {}
        for k in order:
            kind, word, _ = columns[k]
            if word not in heard.setdefault(kind, []):
                heard[kind].append(word)
        row = known.get(path, {})
        artist = row.get("artist", "") or ""
        artist = "" if artist.startswith("<") else artist
        yield {
            "audio": str(folder / f"free-{len(seen):04d}.flac"),
            "source": "free music",
            "group": f"artist {artist}" if artist else path.split("/")[0],
            "title": row.get("title", "") or "",
            "artist": artist,
            "album": row.get("album", "") or "",
            "tags": words.tags(heard),
            "captions": [words.caption(heard, random) for _ in range(2)],
            "job": ("cut", str(music / path), float(starts[n]) + 4.0),
        }


def make(row: dict[str, Any]) -> None:
    """Cut a clip: 22,050 Hz, mono, FLAC."""
    from tunespace.audio import decode_blocks

    _, source, start = row["job"]
    blocks = list(decode_blocks(Path(source), RATE, start=start, duration=SECONDS))
    if sum(map(len, blocks)) < 3 * RATE:
        blocks = list(decode_blocks(Path(source), RATE, duration=SECONDS))
    heard = np.concatenate(blocks)
    if len(heard) < 3 * RATE:
        raise RuntimeError(f"{source}: shorter than three seconds")
    heard = heard / max(1.0, float(np.abs(heard).max()))
    out = Path(row["audio"])
    partial = out.with_suffix(".partial")
    with av.open(str(partial), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=RATE, layout="mono")
        stream.format = "s16"
        for first in range(0, len(heard), 4096):
            block = np.round(heard[first : first + 4096] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, first
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    partial.replace(out)
