"""What every data set says about itself."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunespace.data.manifest import Manifest
from tunespace.data.tables import raise_unreadable, read_delimited
from tunespace.errors import DataError
from tunespace.evaluation.protocols import Protocol
from tunespace.models.config import sha256_of


@dataclass(frozen=True)
class Dataset:
    """A published data set.

    Attributes:
        name: On the command line.
        title: For people.
        citation: Authors, title, place, year.
        licence: Of labels and audio.
        needs: What to put where, for a user who has nothing yet.
        splits: Names; the first is the one that is judged where none is named.
        protocols: What is run.
        checksums: SHA-256 of published files, by their path within the folder.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    licence: ClassVar[str]
    needs: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    protocols: ClassVar[tuple[Protocol, ...]]
    checksums: ClassVar[dict[str, str]] = {}

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Reads the official files.

        Args:
            root: Folder that holds them.
            split: One of ``splits``; the first without.

        Raises:
            DataError: Files are missing or are not what was published; says what to put where.
        """
        raise NotImplementedError

    def resolve_split(self, split: str) -> str:
        """The split that is meant.

        Raises:
            DataError: There is no such split.
        """
        if split and split not in self.splits:
            known = ", ".join(self.splits)
            raise DataError([f"{self.name}: there is no split {split!r}; it has {known}"])
        return split or self.splits[0]

    def modified_files(self, root: Path) -> list[str]:
        """Files that are there, but not as they were published."""
        return [
            name
            for name, expected in self.checksums.items()
            if (root / name).exists() and sha256_of(root / name) != expected
        ]

    def missing_files_error(self, what: str) -> DataError:
        """The error for files that are not there."""
        return DataError([f"{self.name}: {what} is not there.\n{self.needs}"])


def first_existing(paths: Sequence[Path]) -> Path | None:
    """The first of the paths that is there."""
    return next((path for path in paths if path.exists()), None)


def audio_by_id(folder: Path) -> dict[str, Path]:
    """The files of a folder, by name without suffix; none where there is no folder."""
    return {path.stem: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def read_table(
    path: Path, delimiter: str = ",", *, quoted: bool | None = None
) -> Iterator[dict[str, str]]:
    """Rows of a file of separated values; names of columns without the blanks around them.

    Args:
        path: Of the file.
        delimiter: Between values.
        quoted: Whether values can stand in quotes; without it, in all but tables with tabs.

    Raises:
        DataError: It cannot be read.
    """
    try:
        for _, row in read_delimited(path, delimiter, quoted=quoted, wrong=raise_unreadable):
            yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError([f"{path} cannot be read ({error})"]) from error
