"""Filters on metadata: ``year >= 1990 and genre = "Jazz"``.

A small language of its own, parsed into SQL with parameters: nothing that a user types becomes SQL.

    filter      = disjunction
    disjunction = conjunction ("or" conjunction)*
    conjunction = condition ("and" condition)*
    condition   = "not" condition | "(" filter ")" | field operator value
    operator    = = != < <= > >= ~ !~          (~ contains)
    value       = a number, a word, or text in single or double quotes

Text is compared without case, accents, spaces and hyphens. ``genre = Jazz`` also finds a track
whose genres are "Jazz, Blues".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tunespace.errors import QueryError
from tunespace.text.normalize import fold

NUMBERS = {"year": "year", "seconds": "seconds", "duration": "seconds"}
TEXTS = {
    "title": "title_key",
    "artist": "artist_key",
    "album": "album_key",
    "genre": "genre_key",
    "path": "CAST(path AS TEXT)",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<operator><=|>=|!=|!~|=|<|>|~)|(?P<paren>[()])"
    r"|(?P<word>[^\s()=<>!~\"';]+))"
)
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")
_LONGEST = 10_000


@dataclass(frozen=True)
class Where:
    """A filter as SQL: a condition on the table of tracks, and its parameters."""

    sql: str
    parameters: tuple[str | float, ...]


def parse_where(text: str) -> Where:
    """Reads a filter.

    Raises:
        QueryError: It cannot be read; says where and what is expected.
    """
    parser = _Parser(_tokens(text))
    where = parser.disjunction()
    if parser.left:
        raise QueryError(f"the filter has {parser.left[0]!r} where it should end or say and, or")
    return where


def _tokens(text: str) -> list[str]:
    if len(text) > _LONGEST:
        raise QueryError(f"the filter is longer than {_LONGEST} characters")
    found: list[str] = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryError(f"the filter cannot be read from {text[at : at + 20]!r} on")
        found.append(match.group().strip())
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.left = tokens
        self.depth = 0

    def disjunction(self) -> Where:
        return self._joined("or", self._conjunction)

    def _conjunction(self) -> Where:
        return self._joined("and", self._condition)

    def _joined(self, word: str, part: Callable[[], Where]) -> Where:
        parts = [part()]
        while self.left and self.left[0].lower() == word:
            self.left.pop(0)
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        sql = f" {word.upper()} ".join(part.sql for part in parts)
        return Where(f"({sql})", tuple(p for part in parts for p in part.parameters))

    def _condition(self) -> Where:
        first = self._next("a field, not, or (")
        if first == "(" or first.lower() == "not":
            self.depth += 1
            if self.depth > 50:
                raise QueryError("the filter is nested too deeply")
            if first == "(":
                inner = self.disjunction()
                if self._next(")") != ")":
                    raise QueryError("the filter has a ( without its )")
            else:
                inner = self._condition()
                # An unknown year is not after 1990, hence it is "not year > 1990".
                inner = Where(f"(NOT coalesce({inner.sql}, 0))", inner.parameters)
            self.depth -= 1
            return inner
        field = first.lower()
        if field not in NUMBERS and field not in TEXTS:
            raise QueryError(
                f"the filter has no field {first!r}: fields are {', '.join((*TEXTS, *NUMBERS))}"
            )
        operator = self._next("an operator")
        if operator not in _OPERATORS:
            raise QueryError(f"the filter has {operator!r} where {' '.join(_OPERATORS)} can stand")
        value = self._next(f"a value for {field}")
        if value in ("(", ")", *_OPERATORS):
            raise QueryError(f"the filter has {value!r} where {field} should have a value")
        value = value[1:-1] if value[0] in "\"'" else value
        return (
            _number(field, operator, value) if field in NUMBERS else _text(field, operator, value)
        )

    def _next(self, expected: str) -> str:
        if not self.left:
            raise QueryError(f"the filter ends where {expected} should follow")
        return self.left.pop(0)


def _number(field: str, operator: str, value: str) -> Where:
    if operator in ("~", "!~"):
        raise QueryError(f"the filter asks whether {field} contains something; it is a number")
    try:
        number = float(value)
    except ValueError:
        raise QueryError(f"the filter compares {field} with {value!r}, not with a number") from None
    return Where(f"({NUMBERS[field]} {operator} ?)", (number,))


def _text(field: str, operator: str, value: str) -> Where:
    column = TEXTS[field]
    key = value if field == "path" else fold(value)
    if operator in ("~", "!~"):
        found = Where(f"(instr({column}, ?) > 0)", (key,))
    elif field == "genre" and operator in ("=", "!="):
        found = Where("(instr(genre_key, ?) > 0)", (f",{key},",))  # see Store._put_tags
    else:
        return Where(f"({column} {operator} ?)", (key,))
    return Where(f"(NOT {found.sql})", found.parameters) if operator[0] == "!" else found
