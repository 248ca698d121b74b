"""MagnaTagATune: 25,863 clips of 29 s with 188 tags by players of a game.

The usual splits by folder: 0 to b train, c validation, d to f test. The 50 most frequent tags are
evaluated. ``clean-*`` leave out clips without any of these (15,244, 1,529 and 4,332 clips remain,
as in Lee et al. 2017 and Won et al. 2020); papers use both. Clips of one artist are in several
folders: neither split is artist-disjoint.
"""

from collections import Counter
from pathlib import Path
from typing import ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, first_existing, read_table
from tunespace.evaluation.protocols import (
    NegationPairs,
    Protocol,
    SameArtist,
    TagToMusic,
    UnseenTags,
)

_TAGS, _CLIPS = "annotations_final.csv", "clip_info_final.csv"
_FOLDERS = {"train": "0123456789ab", "validation": "c", "test": "def"}
_COMMONEST = 50


class MagnaTagATune(Dataset):
    """MagnaTagATune; see the module."""

    name: ClassVar[str] = "magnatagatune"
    title: ClassVar[str] = "MagnaTagATune"
    citation: ClassVar[str] = (
        "E. Law, K. West, M. Mandel, M. Bay, J. S. Downie: Evaluation of algorithms using games: "
        "the case of music tagging. ISMIR 2009"
    )
    licence: ClassVar[str] = "Magnatune recordings, CC BY-NC-SA"
    needs: ClassVar[str] = (
        f"Put {_TAGS}, {_CLIPS} and the unpacked mp3 archive (folders 0 to f, also inside a folder "
        "mp3) into one folder and name it with --root."
    )
    splits: ClassVar[tuple[str, ...]] = (
        "test",
        "validation",
        "train",
        "clean-test",
        "clean-validation",
        "clean-train",
    )
    protocols: ClassVar[tuple[Protocol, ...]] = (
        TagToMusic(),
        SameArtist(),
        NegationPairs(),
        UnseenTags(),
    )

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read both published tables."""
        chosen = self.resolve_split(split)
        for name in (_TAGS, _CLIPS):
            if not (root / name).exists():
                raise self.missing_files_error(str(root / name))
        try:
            items = _items(root, chosen)
        except (KeyError, ValueError) as error:
            raise DataError([f"{root} is not in the published format ({error!r})"]) from error
        return Manifest(f"{self.name} ({chosen})", tuple(items), {}, self.citation, self.licence)


def _items(root: Path, split: str) -> list[Item]:
    rows = list(read_table(root / _TAGS, "\t", quoted=True))
    tags = [name for name in rows[0] if name not in ("clip_id", "mp3_path")] if rows else []
    counts = Counter({tag: sum(row[tag] == "1" for row in rows) for tag in tags})
    # Counter keeps the order of the columns for equal counts.
    common = {tag for tag, _ in counts.most_common(_COMMONEST)}
    about = {row["clip_id"]: row for row in read_table(root / _CLIPS, "\t", quoted=True)}
    part = split.removeprefix("clean-")
    items = []
    for row in rows:
        path = row["mp3_path"]
        carried = tuple(tag for tag in tags if tag in common and row[tag] == "1")
        if path[:1] not in _FOLDERS[part] or (split.startswith("clean-") and not carried):
            continue
        clip = about.get(row["clip_id"], {})
        audio = first_existing([root / "mp3" / path, root / path])
        items.append(
            Item(
                track_id=row["clip_id"],
                audio=audio or root / path,
                title=clip.get("title", ""),
                artist=clip.get("artist", ""),
                album=clip.get("album", ""),
                tags=carried,
                split=part,
            )
        )
    return items
