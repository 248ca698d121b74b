"""Song Describer: 1,106 sentences by listeners on 706 two-minute excerpts of MTG-Jamendo.

For evaluation only. ``full`` are all sentences, ``valid`` the 746 (547 tracks) that were validated;
papers use both, often without stating which. A track has one to five sentences, so music-to-text
retrieval has several relevant texts, and recall@k is not the hit rate@k. The music is in the test
split of MTG-Jamendo's split-0: other splits have it in their training data.
"""

from pathlib import Path
from typing import ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, first_existing, read_table
from tunespace.evaluation.protocols import MusicToText, Protocol, SentenceToMusic

_FILE = "song_describer.csv"


class SongDescriber(Dataset):
    """Song Describer; see the module."""

    name: ClassVar[str] = "song-describer"
    title: ClassVar[str] = "The Song Describer Dataset"
    citation: ClassVar[str] = (
        "I. Manco, B. Weck, S. Doh, M. Won, Y. Zhang, D. Bogdanov, et al.: The Song Describer "
        "Dataset: a corpus of audio captions for music-and-language evaluation. Machine Learning "
        "for Audio Workshop, NeurIPS 2023"
    )
    licence: ClassVar[str] = "captions CC BY-SA 4.0; audio Creative Commons, per track"
    needs: ClassVar[str] = (
        f"Put {_FILE} and the unpacked audio.zip (folder audio with 00/1051200.2min.mp3 and so "
        "on) into one folder and name it with --root."
    )
    splits: ClassVar[tuple[str, ...]] = ("full", "valid")
    protocols: ClassVar[tuple[Protocol, ...]] = (SentenceToMusic(), MusicToText())

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read the published table; one clip for each track, with all of its sentences."""
        chosen = self.resolve_split(split)
        if not (root / _FILE).exists():
            raise self.missing_files_error(str(root / _FILE))
        captions: dict[str, list[str]] = {}
        rows: dict[str, dict[str, str]] = {}
        try:
            for row in read_table(root / _FILE):
                if chosen == "full" or row["is_valid_subset"].strip().lower() == "true":
                    captions.setdefault(row["track_id"], []).append(row["caption"].strip())
                    rows[row["track_id"]] = row
            items = [_item(row, tuple(captions[track]), root) for track, row in rows.items()]
        except KeyError as error:
            raise DataError(
                [f"{root / _FILE} is not in the published format ({error!r})"]
            ) from error
        return Manifest(f"{self.name} ({chosen})", tuple(items), {}, self.citation, self.licence)


def _item(row: dict[str, str], captions: tuple[str, ...], root: Path) -> Item:
    path = row["path"]
    short = path.removesuffix(".mp3") + ".2min.mp3"
    audio = first_existing([root / "audio" / short, root / "audio" / path, root / path])
    return Item(
        track_id=row["track_id"],
        audio=audio or root / "audio" / short,
        artist_id=row.get("artist_id", ""),
        captions=captions,
    )
