"""Columns of a table: what their names mean, and which of their values are missing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunespace.errors import DataError

FIELDS = (
    "audio",
    "start",
    "duration",
    "track_id",
    "artist_id",
    "title",
    "artist",
    "album",
    "year",
    "split",
    "tags",
    "captions",
    "similar_artists",
)
# Other names of a field, as data sets and programs write them.
_ALIASES = {
    "path": "audio",
    "file": "audio",
    "filename": "audio",
    "file_name": "audio",
    "filepath": "audio",
    "file_path": "audio",
    "fname": "audio",
    "audio_path": "audio",
    "audio_file": "audio",
    "audio_filename": "audio",
    "caption": "captions",
    "text": "captions",
    "sentence": "captions",
    "description": "captions",
    "tag": "tags",
    "id": "track_id",
}
_NUMBERED = re.compile(r"(caption|text|sentence|description)_?\d+")
# Names of the numbers of rows, as pandas writes them.
_ROW_NUMBERS = re.compile(r"(unnamed:_\d+)?")
# Missing values, as programs write them into text.
_MISSING = frozenset({"nan", "<na>", "nat", "null"})


@dataclass(frozen=True)
class Columns:
    """Meaning of the columns of a table.

    Attributes:
        fields: Columns of each field, in their order; several for numbered captions only.
        labels: Columns of all other values.
        remarks: Columns that are not read, and why.
    """

    fields: Mapping[str, tuple[str, ...]]
    labels: tuple[str, ...]
    remarks: tuple[str, ...]

    def values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a row by field; those of several columns as a list."""
        found: dict[str, Any] = {}
        for field, columns in self.fields.items():
            values = [value for column in columns if not is_missing(value := row.get(column))]
            found[field] = values if len(columns) > 1 else (values or [None])[0]
        return found


def read_columns(names: Sequence[str], file: Path) -> Columns:
    """Return the meaning of the columns of a table.

    Args:
        names: Names of the columns.
        file: Path of the table, for errors.

    Raises:
        DataError: No column names the audio, or two columns of different names mean the same.

    Examples:
        >>> columns = read_columns(["File Name", "caption_1", "caption_2", "genre"], Path("t.csv"))
        >>> columns.fields["captions"], columns.labels
        (('caption_1', 'caption_2'), ('genre',))
    """
    candidates: dict[str, list[str]] = {}
    labels = []
    for name in names:
        key = _key(name)
        if _ROW_NUMBERS.fullmatch(key):
            continue
        field = key if key in FIELDS else _ALIASES.get(key)
        if field is None and _NUMBERED.fullmatch(key):
            field = "captions"
        if field is None:
            labels.append(name)
        else:
            candidates.setdefault(field, []).append(name)
    fields: dict[str, tuple[str, ...]] = {}
    remarks = []
    problems = []
    for field, columns in candidates.items():
        exact = [column for column in columns if _key(column) == field]
        numbered = all(_NUMBERED.fullmatch(_key(column)) for column in columns)
        if len(columns) == 1 or numbered:
            fields[field] = tuple(columns)
        elif len(exact) == 1:
            fields[field] = tuple(exact)
            left = ", ".join(repr(column) for column in columns if column not in exact)
            remarks.append(f"{file.name}: {exact[0]!r} is read as {field}, and not {left}")
        else:
            shown = " and ".join(repr(column) for column in columns)
            problems.append(f"{file}: {shown} all mean {field}: rename those that do not")
    if "audio" not in candidates:
        shown = ", ".join(repr(name) for name in names) or "none"
        problems.append(f"{file} names no audio: it needs a column 'audio'; its columns: {shown}")
    if problems:
        raise DataError(problems)
    return Columns(fields, tuple(labels), tuple(remarks))


def is_missing(value: object) -> bool:
    """Return whether a value is missing: nothing, or what programs write instead.

    Examples:
        >>> [is_missing(value) for value in (None, "", float("nan"), "NaN", 0)]
        [True, True, True, True, False]
    """
    if value is None or (isinstance(value, float) and value != value):
        return True
    return isinstance(value, str) and (not value.strip() or value.strip().lower() in _MISSING)


def _key(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())
