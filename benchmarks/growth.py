"""Measure what each operation costs in libraries of different sizes.

    python benchmarks/growth.py --out benchmarks/results/growth.json

The files exist and are tiny; their records are stored as if they had been embedded. So the figures
are those of scanning, comparing and storing, without the time of the model.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tunespace import load_model
from tunespace.library import Library
from tunespace.library.index.embed_files import content_hash
from tunespace.library.index.scan import scan
from tunespace.library.m3u8 import format_m3u8
from tunespace.library.store.records import TrackEmbedding
from tunespace.library.store.sqlite import SqliteStore
from tunespace.library.tags import Tags

_PER_FOLDER = 1000
_GENRES = ("Jazz", "Rock", "Folk", "Techno", "Classical")


def fill(folder: Path, music: Path, tracks: int) -> None:
    """Make files, and a library in which they are embedded."""
    for n in range(tracks):
        path = music / f"{n // _PER_FOLDER:04}" / f"{n:07}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % n)
    model = load_model()
    random = np.random.default_rng(0)
    store = SqliteStore(folder)
    with store.writing():
        space = store.ensure_space(model, "")
        store.activate(space)
        store.add_roots([str(music)])
        for n, file in enumerate(scan(music)):
            vector = random.standard_normal(model.dim).astype(np.float32)
            vector /= np.linalg.norm(vector)
            tags = Tags(
                title=f"Title {n}",
                artist=f"Artist {n // 40}",
                genre=_GENRES[n % 5],
                year=1960 + n % 60,
            )
            spans = np.array([[0, 10]], np.float32)
            embedding = TrackEmbedding(
                content_hash(file.path), 200.0, vector, spans, vector[None], tags
            )
            store.save_track(file.path, file.stamp, embedding, space)
    store.close()


def write_tone(path: Path) -> None:
    """Write two seconds of a tone."""
    tone = 8000 * np.sin(np.arange(32_000) * 2 * np.pi * 440 / 16_000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(tone.astype("<i2").tobytes())


def measure(tracks: int) -> dict[str, float]:
    """Return the seconds of each operation in a library of a size."""
    place = Path(tempfile.mkdtemp(prefix="growth-"))
    music, folder = place / "music", place / "library"
    fill(folder, music, tracks)
    seconds: dict[str, float] = {}

    def timed(name: str, run: Callable[[Library], object]) -> None:
        with Library.open(folder) as library:
            began = time.perf_counter()
            run(library)
            seconds[name] = round(time.perf_counter() - began, 3)

    timed("index again", lambda lib: lib.index([music]))
    for path in (music / "0001").iterdir():
        os.utime(path)
    timed("1,000 files touched", lambda lib: lib.index([music]))
    (music / "0001").rename(music / "renamed")
    timed("a folder of 1,000 renamed", lambda lib: lib.index([music]))
    for n in range(100):
        (music / "0000" / f"broken {n}.mp3").write_bytes(b"broken %d" % n)
    timed("100 new files that cannot be read", lambda lib: lib.index([music]))
    write_tone(music / "0000" / "tone.wav")
    timed("one new file, with the model", lambda lib: lib.index([music]))
    timed(
        "tags of a folder of 1,000 read again", lambda lib: lib.index([music / "0004"], reread=True)
    )
    shutil.move(music / "0002", place / "away")
    timed("a folder of 1,000 removed", lambda lib: lib.index([music]))
    timed("forget a folder of 1,000", lambda lib: lib.forget(music / "0003"))
    music.rename(place / "disk")
    timed("relocate all", lambda lib: lib.relocate(music, place / "disk"))
    timed("first search", lambda lib: lib.search("calm piano"))
    timed("search with a filter", lambda lib: lib.search("calm piano", where="year < 1970"))
    timed("facets", lambda lib: lib.facets())
    timed("integrity check", lambda lib: lib.check_integrity())
    timed("playlist of 10,000", lambda lib: format_m3u8(lib.tracks(limit=10_000)[0], "/"))
    shutil.rmtree(place)
    return seconds


def main() -> None:
    """Measure, print and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tracks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    record = {
        "command": "python benchmarks/growth.py --out benchmarks/results/growth.json "
        f"--tracks {' '.join(map(str, arguments.tracks))}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "seconds": {str(tracks): measure(tracks) for tracks in arguments.tracks},
    }
    arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
