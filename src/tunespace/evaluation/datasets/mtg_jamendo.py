"""MTG-Jamendo: 55,525 full tracks with 195 tags in three categories, artist-disjoint splits.

Five subsets (all tags, genre, instrument, mood and theme, the 50 most frequent tags), each in five
splits. Splits are read from the published ``autotagging*-{train,validation,test}.tsv``. The files
of ``raw_30s`` are whole tracks of at least 30 s, despite the name.
"""

from pathlib import Path
from typing import ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, first_existing
from tunespace.evaluation.protocols import (
    NegationPairs,
    Protocol,
    SameArtist,
    TagsToMusic,
    TagToMusic,
    UnseenTags,
)

_SUBSETS = ("top50tags", "genre", "instrument", "moodtheme", "all")
_PARTS = ("test", "validation", "train")
_CATEGORIES = {"mood/theme": "mood"}


class MtgJamendo(Dataset):
    """MTG-Jamendo; see the module."""

    name: ClassVar[str] = "mtg-jamendo"
    title: ClassVar[str] = "The MTG-Jamendo Dataset"
    citation: ClassVar[str] = (
        "D. Bogdanov, M. Won, P. Tovstogan, A. Porter, X. Serra: The MTG-Jamendo dataset for "
        "automatic music tagging. Machine Learning for Music Discovery Workshop, ICML 2019"
    )
    licence: ClassVar[str] = "metadata CC BY-NC-SA 4.0; audio Creative Commons, per track"
    needs: ClassVar[str] = (
        "Put the data set's repository into one folder, so that it holds data/splits/split-0 to "
        "split-4 (or splits/...), and the audio under audio/ as 00/7400.mp3 (raw_30s) or "
        "00/7400.low.mp3 (audio-low); name that folder with --root. Splits are named "
        "SUBSET-PART-N, as top50tags-test-0, with SUBSET of "
        f"{', '.join(_SUBSETS)} and PART of {', '.join(_PARTS)}."
    )
    splits: ClassVar[tuple[str, ...]] = tuple(
        f"{subset}-{part}-{number}" for number in range(5) for subset in _SUBSETS for part in _PARTS
    )
    protocols: ClassVar[tuple[Protocol, ...]] = (
        TagToMusic(),
        TagsToMusic(),
        SameArtist(),
        NegationPairs(),
        UnseenTags(),
    )

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read the tables of one split."""
        chosen = self.resolve_split(split)
        subset, part, number = chosen.split("-")
        name = "autotagging" if subset == "all" else f"autotagging_{subset}"
        relative = Path("splits") / f"split-{number}" / f"{name}-{part}.tsv"
        table = first_existing([root / "data" / relative, root / relative])
        if table is None:
            raise self.missing_files_error(str(root / "data" / relative))
        categories: dict[str, str] = {}
        items = [self._item(row, root, part, categories, table) for row in _rows(table)]
        return Manifest(
            f"{self.name} ({chosen})", tuple(items), categories, self.citation, self.licence
        )

    def _item(
        self, row: list[str], root: Path, part: str, categories: dict[str, str], table: Path
    ) -> Item:
        if len(row) < 6 or any("---" not in tag for tag in row[5:]):
            raise DataError([f"{table}: {row[0]!r} is not a row of the published format"])
        track, artist, _, path, _, *tags = row
        for tag in tags:
            category, _, word = tag.partition("---")
            categories[_word(word)] = _CATEGORIES.get(category, category)
        low = path.removesuffix(".mp3") + ".low.mp3"
        audio = first_existing([root / "audio" / path, root / "audio" / low, root / path])
        return Item(
            track_id=track,
            audio=audio or root / "audio" / path,
            artist_id=artist,
            album=row[2],
            tags=tuple(_word(tag.partition("---")[2]) for tag in tags),
            split=part,
        )


def _rows(table: Path) -> list[list[str]]:
    """Yield the rows after the header; a row has as many columns as its track has tags."""
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([f"{table} cannot be read ({error})"]) from error
    return [line.rstrip("\n").split("\t") for line in lines[1:] if line.strip()]


# Tags are written as one word; these are separated into words.
_WRITTEN = {
    "acidjazz": "acid jazz",
    "bluesrock": "blues rock",
    "bossanova": "bossa nova",
    "darkambient": "dark ambient",
    "doublebass": "double bass",
    "jazzfusion": "jazz fusion",
    "rocknroll": "rock and roll",
    "acousticguitar": "acoustic guitar",
    "acousticbassguitar": "acoustic bass guitar",
    "alternativerock": "alternative rock",
    "classicalguitar": "classical guitar",
    "classicrock": "classic rock",
    "deephouse": "deep house",
    "drummachine": "drum machine",
    "drumnbass": "drum and bass",
    "easylistening": "easy listening",
    "electricguitar": "electric guitar",
    "electricpiano": "electric piano",
    "hardrock": "hard rock",
    "hiphop": "hip hop",
    "indiepop": "indie pop",
    "instrumentalpop": "instrumental pop",
    "instrumentalrock": "instrumental rock",
    "newage": "new age",
    "newwave": "new wave",
    "pipeorgan": "pipe organ",
    "popfolk": "pop folk",
    "poprock": "pop rock",
    "postrock": "post rock",
    "progressiverock": "progressive rock",
    "psychedelicrock": "psychedelic rock",
    "punkrock": "punk rock",
    "rnb": "r&b",
    "singersongwriter": "singer songwriter",
    "synthpop": "synth pop",
    "triphop": "trip hop",
    "worldfusion": "world fusion",
}


def _word(tag: str) -> str:
    return _WRITTEN.get(tag, tag)
