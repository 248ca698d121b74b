"""ECALS: 513,977 previews of the Million Song Dataset with 1,054 tags (Doh et al. 2023).

Extended cleaned tags, and an artist-disjoint split. Tags are merged from Last.fm, AllMusic and
others. ``retrieval`` are the 1,000 tracks whose joined tags are the sentences in TTMR's table: each
sentence has one relevant track there, so others with the same tags count as wrong.
"""

import json
from pathlib import Path
from typing import Any, ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, first_existing, read_table
from tunespace.evaluation.protocols import Protocol, SentenceToMusic, TagToMusic

_FOLDER = "ecals_annotation"
_PARTS: dict[str, tuple[str, ...]] = {"test": ("test_track",), "valid": ("valid_track",)}
_PARTS |= {"train": ("train_track", "extra_track"), "retrieval": ("test_track",)}


class Ecals(Dataset):
    """ECALS; see the module."""

    name: ClassVar[str] = "ecals"
    title: ClassVar[str] = "MSD with the ECALS tags and split"
    citation: ClassVar[str] = (
        "S. Doh, M. Won, K. Choi, J. Nam: Toward universal text-to-music retrieval. ICASSP 2023; "
        "T. Bertin-Mahieux, D. P. W. Ellis, B. Whitman, P. Lamere: The Million Song Dataset. ISMIR "
        "2011"
    )
    licence: ClassVar[str] = "tags CC BY 4.0; audio is its owners'"
    needs: ClassVar[str] = (
        f"Put the published folder {_FOLDER} (annotation.json, ecals_track_split.json, "
        "multiquery_samples.json) into one folder, and there a table paths.tsv with the columns "
        "track_id and path (the archive has that mapping only as Python pickles, which are not "
        "read because they can run code); previews go where paths.tsv says, relative to the "
        "folder. Name the folder with --root."
    )
    splits: ClassVar[tuple[str, ...]] = ("test", "retrieval", "valid", "train")
    protocols: ClassVar[tuple[Protocol, ...]] = (TagToMusic(), SentenceToMusic())

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read the published JSON files."""
        chosen = self.resolve_split(split)
        folder = first_existing([root / _FOLDER]) or root
        annotation = self._read(folder / "annotation.json")
        parts = self._read(folder / "ecals_track_split.json")
        if not (root / "paths.tsv").exists():
            raise self.missing_files_error(str(root / "paths.tsv"))
        paths = {row["track_id"]: row["path"] for row in read_table(root / "paths.tsv", "\t")}
        try:
            tracks = [track for name in _PARTS[chosen] for track in parts.get(name, ())]
            if chosen == "retrieval":
                wanted = set(self._read(folder / "multiquery_samples.json"))
                tracks = [track for track in tracks if track in wanted]
            items = [
                Item(
                    track_id=track,
                    audio=root / paths[track],
                    tags=tuple(annotation[track]["tag"]),
                    captions=(", ".join(annotation[track]["tag"]),),
                    split=chosen,
                )
                for track in tracks
            ]
        except (KeyError, TypeError) as error:
            raise DataError([f"{folder} does not fit together ({error!r})"]) from error
        return Manifest(f"{self.name} ({chosen})", tuple(items), {}, self.citation, self.licence)

    def _read(self, path: Path) -> Any:  # noqa: ANN401 - what a JSON file holds
        if not path.exists():
            raise self.missing_files_error(str(path))
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError([f"{path} cannot be read ({error})"]) from error
