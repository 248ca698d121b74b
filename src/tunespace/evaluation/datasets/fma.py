"""FMA, the Free Music Archive: full tracks and 30 s clips with genres, artist-disjoint splits.

``small`` are 8,000 clips in 8 balanced genres, ``medium`` 25,000 in 16 unbalanced ones; the splits
are the published 80/10/10. The genre is the track's top genre. Three clips of ``small`` are too
short (99134, 108925, 133297) and are left out, as is usual.
"""

import csv
from pathlib import Path
from typing import ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, first_existing
from tunespace.evaluation.protocols import Protocol, SameArtist, ZeroShot

_BROKEN = {"99134", "108925", "133297"}
_PARTS = {"test": "test", "validation": "validation", "train": "training"}


class Fma(Dataset):
    """FMA; see the module."""

    name: ClassVar[str] = "fma"
    title: ClassVar[str] = "FMA: a dataset for music analysis"
    citation: ClassVar[str] = (
        "M. Defferrard, K. Benzi, P. Vandergheynst, X. Bresson: FMA: a dataset for music analysis. "
        "ISMIR 2017"
    )
    licence: ClassVar[str] = "metadata CC BY 4.0; audio Creative Commons, per track"
    needs: ClassVar[str] = (
        "Put fma_metadata (with tracks.csv) and fma_small or fma_medium (with 000/000002.mp3 and "
        "so on) into one folder and name it with --root."
    )
    splits: ClassVar[tuple[str, ...]] = tuple(
        f"{size}-{part}" for size in ("small", "medium") for part in _PARTS
    )
    protocols: ClassVar[tuple[Protocol, ...]] = (
        ZeroShot(
            name="genre",
            words=(("International", "world music"), ("Old-Time / Historic", "old-time")),
        ),
        SameArtist(),
    )

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read tracks.csv, whose header has three lines."""
        chosen = self.resolve_split(split)
        size, part = chosen.split("-")
        table = first_existing([root / "fma_metadata" / "tracks.csv", root / "tracks.csv"])
        if table is None:
            raise self.missing_files_error(str(root / "fma_metadata" / "tracks.csv"))
        items = []
        try:
            with table.open(encoding="utf-8", newline="") as lines:
                rows = csv.reader(lines)
                names = list(zip(next(rows), next(rows), strict=True))
                next(rows)  # the line with the name of the index
                at = {name: names.index(name) for name in _COLUMNS}
                for row in rows:
                    subsets = ("small",) if size == "small" else ("small", "medium")
                    here = row[at["set", "subset"]] in subsets
                    if here and row[at["set", "split"]] == _PARTS[part] and row[0] not in _BROKEN:
                        items.append(_item(row, at, root, part))
        except (OSError, StopIteration, ValueError, IndexError) as error:
            raise DataError([f"{table} is not in the published format ({error!r})"]) from error
        return Manifest(f"{self.name} ({chosen})", tuple(items), {}, self.citation, self.licence)


_COLUMNS = (
    ("set", "split"),
    ("set", "subset"),
    ("track", "genre_top"),
    ("track", "title"),
    ("artist", "name"),
    ("artist", "id"),
    ("album", "title"),
)


def _item(row: list[str], at: dict[tuple[str, str], int], root: Path, part: str) -> Item:
    path = Path(f"{int(row[0]):06}"[:3]) / f"{int(row[0]):06}.mp3"
    folders = [root / name / path for name in ("fma_small", "fma_medium", "fma_large")]
    return Item(
        track_id=row[0],
        audio=first_existing(folders) or folders[0],
        title=row[at["track", "title"]],
        artist=row[at["artist", "name"]],
        artist_id=row[at["artist", "id"]],
        album=row[at["album", "title"]],
        split=part,
        labels={"genre": row[at["track", "genre_top"]]},
    )
