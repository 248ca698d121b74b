"""Filters as SQL conditions on the table of tracks.

Only constants and question marks become SQL; every value is a parameter.
"""

import os
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, assert_never

from tunespace.library.store.filters import (
    NUMBER_FIELDS,
    Comparison,
    Conjunction,
    Disjunction,
    Filter,
    Negation,
)

_COLUMNS = {
    "year": "year",
    "seconds": "seconds",
    "title": "title_key",
    "artist": "artist_key",
    "album": "album_key",
    "genre": "genre_key",
    "path": "CAST(path AS TEXT)",
}


class Condition(NamedTuple):
    """SQL condition and its parameters."""

    sql: str
    parameters: tuple[str | float, ...]


def to_sql(filter_: Filter) -> Condition:
    """Return a filter as an SQL condition."""
    match filter_:
        case Comparison():
            return _comparison(filter_)
        case Conjunction(parts):
            return _joined(" AND ", parts)
        case Disjunction(parts):
            return _joined(" OR ", parts)
        case Negation(Negation(part)):  # SQLite's parser has a small stack
            return to_sql(part)
        case Negation(part):
            inner = to_sql(part)
            # A comparison with NULL is NULL, whose negation would be NULL again.
            return Condition(f"(NOT coalesce({inner.sql}, 0))", inner.parameters)
        case _:
            assert_never(filter_)


def path_key(path: bytes) -> str:
    """Return a path without case, and with accents as one of several systems writes them."""
    return unicodedata.normalize("NFC", path.decode("utf-8", "replace")).casefold()


def _joined(word: str, parts: Sequence[Filter]) -> Condition:
    conditions = [to_sql(part) for part in parts]
    sql = word.join(condition.sql for condition in conditions)
    return Condition(f"({sql})", tuple(p for c in conditions for p in c.parameters))


def _comparison(comparison: Comparison) -> Condition:
    field, operator, value = comparison.field, comparison.operator, comparison.value
    column = _COLUMNS[field]
    if field in NUMBER_FIELDS:
        return Condition(f"({column} {operator} ?)", (value,))
    from tunespace.text.normalize import fold_name  # most searches have no filter

    key = str(value) if field == "path" else fold_name(str(value))
    if field == "path" and operator in ("~", "!~"):
        condition = Condition("(instr(path_key(path), ?) > 0)", (path_key(os.fsencode(key)),))
    elif operator in ("~", "!~"):
        condition = Condition(f"(instr({column}, ?) > 0)", (key,))
    elif field == "genre" and operator in ("=", "!="):
        # The column holds each genre between commas: ",jazz,blues,".
        condition = Condition("(instr(genre_key, ?) > 0)", (f",{key},",))
    else:
        return Condition(f"({column} {operator} ?)", (key,))
    return (
        Condition(f"(NOT {condition.sql})", condition.parameters)
        if operator[0] == "!"
        else condition
    )
