"""Read tables: comma- or tab-separated values, JSON lines, Parquet, WebDataset shards."""

import codecs
import csv
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tunespace.audio.archives import PARQUET, TAR, member_path
from tunespace.errors import DataError

Row = tuple[int, dict[str, Any]]
ReportProblem = Callable[[str], None]
_AUDIO = frozenset(("aif", "aiff", "flac", "m4a", "mp3", "mp4", "oga", "ogg", "opus", "wav"))


def files_of(path: str | Path) -> list[Path]:
    """Return the files of a table: itself, all shards of a folder, or those that match a pattern.

    Raises:
        DataError: There are none.
    """
    whole = Path(path)
    if whole.is_dir():
        shards = sorted(file for suffix in (TAR, PARQUET) for file in whole.glob(f"*{suffix}"))
        if not shards:
            raise DataError([f"{whole} is a folder without shards (.tar or .parquet)"])
        return shards
    if "*" in whole.name and not whole.exists():
        shards = sorted(whole.parent.glob(whole.name))
        if not shards:
            raise DataError([f"{whole}: there are no such files"])
        return shards
    return [whole]


def read_rows(file: Path, wrong: ReportProblem) -> Iterator[Row]:
    """Yield the rows of a table, each with its line (in Parquet its number, from 1).

    Args:
        file: Path of a .csv, .tsv, .jsonl, .ndjson, .parquet or .tar file.
        wrong: Called for each invalid row; such rows are left out.

    Raises:
        DataError: The file cannot be read at all.
    """
    if file.exists() and not file.is_file():
        # It is read several times: its separator, its rows, its hash.
        raise DataError([f"{file} is not a regular file"])
    try:
        match file.suffix.lower():
            case ".csv" | ".tsv" as suffix:
                delimiter, skipped = _delimiter(file, "," if suffix == ".csv" else "\t")
                yield from read_delimited(file, delimiter, wrong=wrong, skipped_lines=skipped)
            case ".jsonl" | ".ndjson":
                yield from _json_lines(file, wrong)
            case ".parquet":
                yield from _parquet(file)
            case ".tar":
                yield from _shard(file, wrong)
            case other:
                what = f"{other} files" if other else "a file without a suffix"
                raise DataError(
                    [f"{file}: {what} cannot be read; use .csv, .tsv, .jsonl, .parquet or .tar"]
                )
    except FileNotFoundError as error:
        raise DataError([f"{file} does not exist"]) from error
    except OSError as error:
        raise DataError([f"{file} cannot be read ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise DataError([f"{file} is not text in UTF-8 (byte {error.start:,})"]) from error
    except csv.Error as error:
        raise DataError([f"{file} cannot be read ({error})"]) from error


def raise_unreadable(what: str) -> None:
    """Raise an error: the callback for tables in which no row may be invalid.

    Raises:
        DataError: Always.
    """
    raise DataError([what])


def read_delimited(
    file: Path,
    delimiter: str = ",",
    *,
    quoted: bool | None = None,
    wrong: ReportProblem,
    skipped_lines: int = 0,
) -> Iterator[Row]:
    """Yield rows of separated values; names of columns are stripped.

    Args:
        file: Path of the table.
        delimiter: Separator of values.
        quoted: Whether values may be quoted; None for all tables but tab-separated ones.
        wrong: Called for each row whose number of values differs from that of the columns.
        skipped_lines: Number of lines before the names of the columns.

    Raises:
        OSError, UnicodeDecodeError, csv.Error: The file cannot be read.
    """
    plain = delimiter == "\t" if quoted is None else not quoted
    with file.open(encoding=_encoding(file), newline="") as lines:
        for _ in range(skipped_lines):
            next(lines, "")
        reader = csv.DictReader(
            lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
        )
        before = 1 + skipped_lines
        for row in reader:
            if None in row or None in row.values():
                count = len(reader.fieldnames or ())
                wrong(f"{file} line {before + 1}: there are not {count} values")
            else:
                yield before + 1, {key.strip(): value for key, value in row.items()}
            before = reader.line_num + skipped_lines


def _encoding(file: Path) -> str:
    """Return the encoding of a table: UTF-8, or UTF-16 with its mark, as spreadsheets write it."""
    with file.open("rb") as opened:
        mark = opened.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _delimiter(file: Path, usual: str) -> tuple[str, int]:
    """Return the separator of a table, and the number of lines before the names of its columns."""
    with file.open(encoding=_encoding(file), newline="") as lines:
        names = next(lines, "").rstrip("\r\n")
        if names.lower().startswith("sep=") and len(names) == 5:  # for spreadsheets
            return names[4], 1
    if usual in names:
        return usual, 0
    return next((mark for mark in ("\t", ";", ",") if mark in names), usual), 0


def _json_lines(file: Path, wrong: ReportProblem) -> Iterator[Row]:
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
        table = parquet.ParquetFile(file)
        columns = table.schema_arrow.names
        # Audio bytes are not loaded before they are decoded.
        held = "audio" in columns and "audio.bytes" in {
            table.schema.column(n).path for n in range(len(table.schema))
        }
        wanted = [name for name in columns if name != "audio" or not held]
        number = 0
        for batch in table.iter_batches(columns=wanted):
            for row in batch.to_pylist() if wanted else [{} for _ in range(batch.num_rows)]:
                number += 1
                yield number, row | ({"audio": member_path(file, number)} if held else {})
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise DataError([f"{file} cannot be read as Parquet ({error})"]) from error


def _shard(file: Path, wrong: ReportProblem) -> Iterator[Row]:
    """Yield the samples of an archive: adjacent members with equal names up to the first dot."""
    try:
        with tarfile.open(file, "r:") as archive:
            samples = groupby(filter(tarfile.TarInfo.isfile, archive), key=_key)
            for number, (key, members) in enumerate(samples, start=1):
                row = _sample(archive, file, key, list(members), number, wrong)
                if row is not None:
                    yield number, row
    except tarfile.TarError as error:
        raise DataError(
            [f"{file} is no tar archive that can be read in places ({error})"]
        ) from error


def _key(info: tarfile.TarInfo) -> str:
    folder, slash, name = info.name.rpartition("/")
    return f"{folder}{slash}{name.split('.', 1)[0]}"


def _sample(
    archive: tarfile.TarFile,
    file: Path,
    key: str,
    members: Sequence[tarfile.TarInfo],
    number: int,
    wrong: ReportProblem,
) -> dict[str, Any] | None:
    row: dict[str, Any] = {}
    audio = ""
    for info in members:
        ending = info.name.rpartition("/")[2].partition(".")[2].lower()
        if ending in ("json", "txt"):
            opened = archive.extractfile(info)
            text = (opened.read() if opened else b"").decode("utf-8", "replace")
            if ending == "txt":
                row.setdefault("caption", text.strip())
                continue
            try:
                known = json.loads(text)
            except ValueError as error:
                wrong(f"{file} sample {number} ({key}): its .json is not JSON ({error})")
                return None
            if not isinstance(known, dict):
                wrong(f"{file} sample {number} ({key}): its .json is not an object")
                return None
            row |= known
        elif ending.rpartition(".")[2] in _AUDIO:
            audio = info.name
    return row | {"audio": member_path(file, audio) if audio else ""}
