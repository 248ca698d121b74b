"""Base class of published data sets."""

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
    """Published data set.

    Attributes:
        name: Name on the command line.
        title: Full name.
        citation: Authors, title, venue, year.
        licence: Licences of annotations and audio.
        needs: Instructions for a user who has no files yet.
        splits: Names of splits; the first is the default.
        protocols: Protocols that are run.
        checksums: sha256 of published files, by path within the folder.

    Examples:
        >>> from tunespace.evaluation.datasets import DATASETS
        >>> DATASETS["gtzan"].splits
        ('filtered-test', 'all')
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
        """Read the official files.

        Args:
            root: Folder of the files.
            split: One of ``splits``; empty for the first.

        Raises:
            DataError: Files are missing or differ from the published ones; the message states what
                to put where.
        """
        raise NotImplementedError

    def resolve_split(self, split: str) -> str:
        """Return a split, or the default split if it is empty.

        Raises:
            DataError: There is no such split.
        """
        if split and split not in self.splits:
            known = ", ".join(self.splits)
            raise DataError([f"{self.name}: there is no split {split!r}; it has {known}"])
        return split or self.splits[0]

    def modified_files(self, root: Path) -> list[str]:
        """Return the files that exist but differ from the published ones."""
        return [
            name
            for name, expected in self.checksums.items()
            if (root / name).exists() and sha256_of(root / name) != expected
        ]

    def missing_files_error(self, what: str) -> DataError:
        """Return the error for missing files."""
        return DataError([f"{self.name}: {what} is missing.\n{self.needs}"])


def first_existing(paths: Sequence[Path]) -> Path | None:
    """Return the first path that exists."""
    return next((path for path in paths if path.exists()), None)


def audio_by_id(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by name without suffix; empty if there is no folder."""
    return {path.stem: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def read_table(
    path: Path, delimiter: str = ",", *, quoted: bool | None = None
) -> Iterator[dict[str, str]]:
    """Read a table of separated values; names of columns are stripped.

    Args:
        path: Path of the file.
        delimiter: Separator of values.
        quoted: Whether values may be quoted; None for all tables but tab-separated ones.

    Raises:
        DataError: The table cannot be read.
    """
    try:
        for _, row in read_delimited(path, delimiter, quoted=quoted, wrong=raise_unreadable):
            yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError([f"{path} cannot be read ({error})"]) from error
