"""Rows of tables: values separated by commas or tabs, JSON lines, Parquet."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tunespace.errors import DataError

Row = tuple[int, dict[str, Any]]
Complain = Callable[[str], None]


def read_rows(file: Path, wrong: Complain) -> Iterator[Row]:
    """Rows of a table, each with its line (in Parquet its number, from 1).

    Args:
        file: .csv, .tsv, .jsonl, .ndjson or .parquet.
        wrong: Told of each row that is none; such rows are left out.

    Raises:
        DataError: The file cannot be read at all.
    """
    try:
        match file.suffix.lower():
            case ".csv" | ".tsv" as suffix:
                yield from separated(file, "," if suffix == ".csv" else "\t", wrong=wrong)
            case ".jsonl" | ".ndjson":
                yield from _json_lines(file, wrong)
            case ".parquet":
                yield from _parquet(file)
            case other:
                what = f"{other} files" if other else "a file without a suffix"
                raise DataError(
                    [f"{file}: {what} cannot be read; use .csv, .tsv, .jsonl or .parquet"]
                )
    except FileNotFoundError as error:
        raise DataError([f"{file} does not exist"]) from error
    except OSError as error:
        raise DataError([f"{file} cannot be read ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise DataError([f"{file} is not text in UTF-8 (byte {error.start:,})"]) from error
    except csv.Error as error:
        raise DataError([f"{file} cannot be read ({error})"]) from error


def stop(what: str) -> None:
    """For tables that are right or useless.

    Raises:
        DataError: Always.
    """
    raise DataError([what])


def separated(
    file: Path, delimiter: str = ",", *, quoted: bool | None = None, wrong: Complain
) -> Iterator[Row]:
    """Rows of separated values; names of columns without the blanks around them.

    Args:
        file: Of the table.
        delimiter: Between values.
        quoted: Whether values can stand in quotes; without it, in all but tables with tabs.
        wrong: Told of each row that has not as many values as there are columns.

    Raises:
        OSError, UnicodeDecodeError, csv.Error: It cannot be read.
    """
    plain = delimiter == "\t" if quoted is None else not quoted
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(
            lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
        )
        before = 1
        for row in reader:
            if None in row or None in row.values():
                count = len(reader.fieldnames or ())
                wrong(f"{file} line {before + 1}: there are not {count} values")
            else:
                yield before + 1, {key.strip(): value for key, value in row.items()}
            before = reader.line_num


def _json_lines(file: Path, wrong: Complain) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                wrong(f"{file} line {number}: is not JSON ({error})")
                continue
            if isinstance(row, dict):
                yield number, row
            else:
                wrong(f"{file} line {number}: is not an object")


def _parquet(file: Path) -> Iterator[Row]:
    if not file.exists():
        raise FileNotFoundError
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise DataError(
            [f"{file}: reading Parquet needs pyarrow: pip install 'tunespace[evaluate]'"]
        ) from error
    try:
        rows = parquet.read_table(file).to_pylist()
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise DataError([f"{file} cannot be read as Parquet ({error})"]) from error
    yield from enumerate(rows, start=1)
