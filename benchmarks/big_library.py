"""Create a library of many tracks without audio files, to measure search.

    python benchmarks/big_library.py FOLDER TRACKS

Vectors are drawn around those of the model's reference, so that they lie as music lies; each track
has 24 windows, as a song of four minutes has. Names are made up of syllables.
"""

import sys
from pathlib import Path

import numpy as np

from tunespace import load_model
from tunespace.library.store.records import TrackEmbedding
from tunespace.library.store.sqlite import SqliteStore
from tunespace.library.tags import Tags

SYLLABLES = [c + v for c in "bdfglmnprst" for v in "aeiou"]
GENRES = ["Jazz", "Rock", "Pop", "Classical", "Electronic", "Folk", "Hip-Hop", "Metal"]
WINDOWS = 24
AT_ONCE = 5000


def make(folder: Path, count: int) -> None:
    """Add tracks until the library has ``count``."""
    model = load_model()
    random = np.random.default_rng(0)
    spans = np.stack([np.arange(WINDOWS) * 10.0, np.arange(1, WINDOWS + 1) * 10.0], axis=1)

    def name(parts: int) -> str:
        return "".join(random.choice(SYLLABLES, parts)).title()

    artists = [f"{name(3)} {name(2)}" for _ in range(max(1, count // 12))]
    store = SqliteStore(folder)
    for first in range(0, count, AT_ONCE):
        size = min(AT_ONCE, count - first)
        centres = model.reference[random.integers(len(model.reference), size=size)]
        vectors = centres + 0.06 * random.normal(size=centres.shape).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        with store.writing():
            space = store.ensure_space(model, "")
            store.activate(space)
            for n, vector in enumerate(vectors, start=first):
                windows = vector + 0.05 * random.normal(size=(WINDOWS, model.dim))
                windows /= np.linalg.norm(windows, axis=1, keepdims=True)
                tags = Tags(
                    title=f"{name(2)} {name(3)}",
                    artist=artists[n % len(artists)],
                    album=f"{name(4)} {n // 12}",
                    genre=GENRES[n % len(GENRES)],
                    year=1950 + n % 75,
                )
                seconds = 240.0 + float(random.normal())
                embedding = TrackEmbedding(
                    n.to_bytes(16, "big"),
                    seconds,
                    vector.astype(np.float32),
                    spans.astype(np.float32),
                    windows.astype(np.float32),
                    tags,
                )
                store.save_track(f"/music/{n // 1000}/{n}.mp3", 1, 1, embedding, space)
        print(f"{first + size:,} tracks", flush=True)
    store.close()


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
