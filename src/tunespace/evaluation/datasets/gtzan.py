"""GTZAN: 1,000 clips of 30 s in ten genres.

Known faults: repeated and distorted clips, wrong labels, one artist in train and test (Sturm 2013).
``filtered-test`` are the 290 clips of the fault-filtered, artist-disjoint split of Kereliuk et al.
2015, ``all`` are all clips. One file, jazz.00054, is unreadable in common copies.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.evaluation.datasets.base import Dataset, audio_by_id
from tunespace.evaluation.protocols import Protocol, ZeroShot

GENRES = "blues classical country disco hiphop jazz metal pop reggae rock".split()
_FILTERED_TEST = """
blues 12-28 61-72 98-99
classical 11-29 34-41 49 77-79
country 30-40 43-44 46-48 50-51 53-64
disco 1 21 58 62-66 69 76-88 91-94 96-97 99
hiphop 0 26-27 30 40 43-45 51-54 62-75 99
jazz 73-99
metal 12-15 22-23 25-33 38-39 67 70 73-75 78 83 85 87-88
pop 0-1 13-14 43 63-66 69-79 82 88-96
reggae 34-40 46-48 52-53 64-68 71 79 82-84 87-90
rock 10-15 27-37 39-48 86-90
"""


def _ranges(text: str) -> Iterator[int]:
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


FILTERED_TEST = {
    genre: tuple(_ranges(numbers))
    for genre, _, numbers in (line.partition(" ") for line in _FILTERED_TEST.split("\n") if line)
}
"""Numbers of the clips of each genre, ends included."""


class Gtzan(Dataset):
    """GTZAN; see the module."""

    name: ClassVar[str] = "gtzan"
    title: ClassVar[str] = "GTZAN genre collection"
    citation: ClassVar[str] = (
        "G. Tzanetakis, P. Cook: Musical genre classification of audio signals. IEEE Transactions "
        "on Speech and Audio Processing 10(5), 2002; filtered split: C. Kereliuk, B. L. Sturm, J. "
        "Larsen: Deep learning and music adversaries. IEEE Transactions on Multimedia 17(11), 2015"
    )
    licence: ClassVar[str] = "audio is its owners'; for research"
    needs: ClassVar[str] = (
        "Put the ten folders blues to rock (with blues.00000.wav or .au and so on; also inside "
        "genres or genres_original) into one folder and name it with --root."
    )
    splits: ClassVar[tuple[str, ...]] = ("filtered-test", "all")
    protocols: ClassVar[tuple[Protocol, ...]] = (
        ZeroShot(name="genre", words=(("hiphop", "hip hop"),)),
    )

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """List the clips."""
        chosen = self.resolve_split(split)
        inner = (root / name for name in ("genres_original", "genres", "."))
        folder = next((path for path in inner if (path / GENRES[0]).is_dir()), None)
        if folder is None:
            raise self.missing_files_error(str(root / GENRES[0]))
        items = []
        for genre in GENRES:
            files = audio_by_id(folder / genre)
            wanted = FILTERED_TEST[genre] if chosen == "filtered-test" else range(100)
            for number in wanted:
                name = f"{genre}.{number:05}"
                audio = files.get(name, folder / genre / f"{name}.wav")
                items.append(Item(track_id=name, audio=audio, labels={"genre": genre}))
        return Manifest(f"{self.name} ({chosen})", tuple(items), {}, self.citation, self.licence)
