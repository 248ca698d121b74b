"""Build the clips of the benchmark: ``python -m benchmarks.systems.build --shared FOLDER``.

Four sources, about 2,700 clips; see the README beside this file. What is there is kept, so a build
that was stopped goes on. ``manifest.jsonl`` says all that is known; its splits are disjoint in
artists (grooves: in styles; scores: in pieces).
"""

import argparse
import hashlib
import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.systems import grooves, recordings, scores

from tunespace.training.collaborative_filtering import similar_artists

HERE = Path("build/systems")
_MAKERS = {"groove": grooves.make, "score": scores.make, "cut": recordings.make}
# Tags that fewer clips carry say nothing that could be measured.
_LEAST = 8


def split_of(group: str) -> str:
    """Return the split of an artist: a fifth is test, a tenth validation."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    return "test" if place < 0.2 else "validation" if place < 0.3 else "train"


def make(row: dict[str, Any]) -> dict[str, Any] | str:
    """Make one clip; return the reason if it cannot be made."""
    beside = Path(row["audio"]).with_suffix(".json")
    if beside.exists() and Path(row["audio"]).exists():
        kept: dict[str, Any] = json.loads(beside.read_text("utf-8"))
        return kept
    try:
        _MAKERS[row["job"][0]](row)
    except Exception as error:  # noqa: BLE001 - whatever one clip brings, the others are made
        return f"{Path(row['audio']).name}: {error!r:.200}"
    del row["job"]
    beside.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    return row


def graph(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return five similar artists of each artist, by shared tags; rare tags weigh more."""
    counts = Counter(tag for row in rows for tag in row["tags"])
    place = {tag: n for n, tag in enumerate(sorted(counts))}
    vectors: dict[str, np.ndarray] = {}
    for row in rows:
        if row["artist"]:
            found = vectors.setdefault(row["artist"], np.zeros(len(place), np.float32))
            for tag in row["tags"]:
                found[place[tag]] += np.log(len(rows) / counts[tag])
    unit = {name: row / max(float(np.linalg.norm(row)), 1e-9) for name, row in vectors.items()}
    return similar_artists(unit, most=5)


def main() -> None:
    """Make missing clips and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--shared", type=Path, required=True, help="folder with emotify, teachers, debian-music"
    )
    parser.add_argument(
        "--music", type=Path, required=True, help="where debian-music was fetched to"
    )
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    folder: Path = (arguments.out / "audio").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    shared: Path = arguments.shared
    names = json.loads((shared / "teachers/tags.json").read_text("utf-8"))
    rows = [
        *recordings.emotify(shared / "emotify", folder),
        *grooves.rows(folder),
        *scores.rows(folder),
        *recordings.free_music(
            shared / "debian-music/tracks.tsv",
            shared / "teachers/targets-debian-music.npz",
            names,
            arguments.music,
            folder,
        ),
    ]
    made: list[dict[str, Any]] = []
    with ProcessPoolExecutor() as pool:
        for n, row in enumerate(pool.map(make, rows, chunksize=4), start=1):
            if isinstance(row, str):
                print(f"left out: {row}")
            else:
                made.append(row)
            if n % 200 == 0:
                print(f"{n} of {len(rows)}", flush=True)
    counts = Counter(tag for row in made for tag in set(row["tags"]))
    alike = graph(made)
    with (arguments.out / "manifest.jsonl").open("w", encoding="utf-8") as file:
        for row in made:
            row["tags"] = [tag for tag in row["tags"] if counts[tag] >= _LEAST]
            if not row["tags"]:
                continue
            row["split"] = split_of(row.pop("group"))
            row["similar_artists"] = alike.get(row["artist"], [])
            row["audio"] = str(Path(row["audio"]).relative_to(arguments.out.resolve()))
            row["track_id"] = Path(row["audio"]).stem
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    for source in dict.fromkeys(row["source"] for row in made):
        some = [row for row in made if row["source"] == source]
        print(f"{source}: {len(some)}", dict(Counter(row.get("split", "none") for row in some)))
    print(f"{sum(count >= _LEAST for count in counts.values())} tags:", counts.most_common(150))


if __name__ == "__main__":
    main()
