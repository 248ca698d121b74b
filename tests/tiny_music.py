"""A few seconds of tones with words about them: music that a small network can learn."""

import csv
from pathlib import Path

import numpy as np

import sounds

KINDS = {"low": 150.0, "middle": 700.0, "high": 3000.0}
LOUD = {"loud": 0.5, "quiet": 0.02}

# The smallest sizes that every part allows.
SMALL = (
    "front_end.n_mels=16",
    "seconds=0.64",
    "audio_tower.channels=4",
    "audio_tower.width=8",
    "audio_tower.layers=1",
    "audio_tower.heads=2",
    "text_tower.width=16",
    "text_tower.layers=1",
    "text_tower.heads=2",
    "projection.dim=8",
    "schedule.batch_size=8",
    "schedule.epochs=2",
)


def manifest(folder: Path, *, copies: int = 3, extra: tuple[dict[str, str], ...] = ()) -> Path:
    """Writes ``music.csv`` with a file for each kind, loudness and copy, each by another artist."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    rows = []
    for copy in range(copies):
        for kind, hertz in KINDS.items():
            for loud, level in LOUD.items():
                name = f"{kind}-{loud}-{copy}.wav"
                tone = sounds.tone(1.5, 16_000, hertz * random.uniform(0.9, 1.1), level)
                sounds.wav(folder / name, tone)
                split = "validation" if copy == copies - 1 else "train"
                tags = f"{kind}; {loud}; tone"
                caption = f"a {loud} tone, {kind}"
                rows.append({"audio": name, "tags": tags, "caption": caption, "split": split})
                rows[-1] |= {"artist": f"artist {copy}", "title": f"{kind} {copy}"}
    path = folder / "music.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows([*rows, *(dict.fromkeys(rows[0], "") | row for row in extra)])
    return path
