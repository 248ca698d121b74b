"""What every data set says about itself."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunespace.errors import DataError
from tunespace.evaluation.manifest import Manifest
from tunespace.evaluation.protocols import Protocol


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
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    licence: ClassVar[str]
    needs: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    protocols: ClassVar[tuple[Protocol, ...]]

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Reads the official files.

        Args:
            root: Folder that holds them.
            split: One of ``splits``; the first without.

        Raises:
            DataError: Files are missing or are not what was published; says what to put where.
        """
        raise NotImplementedError

    def choose(self, split: str) -> str:
        """The split that is meant.

        Raises:
            DataError: There is no such split.
        """
        if split and split not in self.splits:
            known = ", ".join(self.splits)
            raise DataError([f"{self.name}: there is no split {split!r}; it has {known}"])
        return split or self.splits[0]

    def lacking(self, what: str) -> DataError:
        """The error for files that are not there."""
        return DataError([f"{self.name}: {what} is not there.\n{self.needs}"])


def read_table(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a file of separated values; names of columns without the blanks around them.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            tabs = delimiter == "\t"
            for row in csv.DictReader(
                lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
            ):
                if None in row or None in row.values():
                    raise DataError([f"{path}: a row has not as many values as there are columns"])
                yield {key.strip(): value for key, value in row.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError([f"{path} cannot be read ({error})"]) from error
