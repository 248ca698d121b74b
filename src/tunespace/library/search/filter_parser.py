"""Parser of filters on metadata: ``year >= 1990 and genre = "Jazz"``.

Grammar::

    filter      = disjunction
    disjunction = conjunction ("or" conjunction)*
    conjunction = condition ("and" condition)*
    condition   = "not" condition | "(" filter ")" | field operator value
    operator    = = != < <= > >= ~ !~          (~ contains)
    value       = a number, a word, or text in single or double quotes

Text is compared without case, accents, spaces and hyphens. ``genre = Jazz`` also matches a track
whose genres are "Jazz, Blues". A condition on an unknown year is false, and so is its opposite;
``not`` turns it into true.
"""

import re
from collections.abc import Callable

from tunespace.errors import QueryError
from tunespace.library.store.filters import (
    NUMBER_FIELDS,
    OPERATORS,
    TEXT_FIELDS,
    Comparison,
    Conjunction,
    Disjunction,
    Filter,
    Negation,
)

_ALIASES = {"duration": "seconds"}
_FIELDS = (*TEXT_FIELDS, *NUMBER_FIELDS, *_ALIASES)
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<operator><=|>=|!=|!~|=|<|>|~)|(?P<paren>[()])"
    r"|(?P<word>[^\s()=<>!~\"';]+))"
)
_MAX_LENGTH = 10_000
# The parser of SQLite has a stack of 100 entries; an alternation of `and` and `or` takes three.
_MAX_DEPTH = 20


def parse_filter(text: str) -> Filter:
    """Parse a filter.

    Raises:
        QueryError: The text is not a valid filter; the message says where and what is expected.

    Examples:
        >>> parse_filter("year >= 1990")
        Comparison(field='year', operator='>=', value=1990.0)
    """
    parser = _Parser(_tokenize(text))
    result = parser.disjunction()
    if parser.left:
        raise QueryError(
            f"the filter has {parser.left[0]!r} where `and`, `or` or the end is expected"
        )
    return result


def parse_optional_filter(text: str) -> Filter | None:
    """Parse a filter; None if the text is blank.

    Raises:
        QueryError: As in ``parse_filter``.
    """
    return parse_filter(text) if text.strip() else None


def _tokenize(text: str) -> list[str]:
    if len(text) > _MAX_LENGTH:
        raise QueryError(f"the filter is longer than {_MAX_LENGTH} characters")
    tokens: list[str] = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryError(f"the filter cannot be read from {text[at : at + 20]!r} on")
        tokens.append(match.group().strip())
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.left = tokens
        self.depth = 0

    def disjunction(self) -> Filter:
        return self._joined("or", Disjunction, self._conjunction)

    def _conjunction(self) -> Filter:
        return self._joined("and", Conjunction, self._condition)

    def _joined(
        self,
        word: str,
        node: type[Disjunction] | type[Conjunction],
        part: Callable[[], Filter],
    ) -> Filter:
        parts = [part()]
        while self.left and self.left[0].lower() == word:
            self.left.pop(0)
            parts.append(part())
        return parts[0] if len(parts) == 1 else node(tuple(parts))

    def _condition(self) -> Filter:
        first = self._next("a field, `not` or `(`")
        if first == "(" or first.lower() == "not":
            return self._nested(first)
        field = first.lower()
        if field not in _FIELDS:
            raise QueryError(
                f"unknown field in the filter: {first!r} (fields: {', '.join(_FIELDS)})"
            )
        operator = self._next("an operator")
        if operator not in OPERATORS:
            raise QueryError(
                f"the filter has {operator!r} where an operator is expected: {' '.join(OPERATORS)}"
            )
        value = self._next(f"a value for {field}")
        if value in ("(", ")", *OPERATORS):
            raise QueryError(f"the filter has {value!r} where a value for {field} is expected")
        value = value[1:-1] if value[0] in "\"'" else value
        return _comparison(field, operator, value)

    def _nested(self, first: str) -> Filter:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise QueryError("the filter is nested too deeply")
        if first == "(":
            inner = self.disjunction()
            if self._next("`)`") != ")":
                raise QueryError("the filter has a `(` without its `)`")
        else:
            inner = Negation(self._condition())
        self.depth -= 1
        return inner

    def _next(self, expected: str) -> str:
        if not self.left:
            raise QueryError(f"the filter ends where {expected} is expected")
        return self.left.pop(0)


def _comparison(field: str, operator: str, value: str) -> Comparison:
    name = _ALIASES.get(field, field)
    if name not in NUMBER_FIELDS:
        return Comparison(name, operator, value)
    if operator in ("~", "!~"):
        raise QueryError(f"the filter uses {operator} on {field}, which is a number, not text")
    try:
        return Comparison(name, operator, float(value))
    except ValueError:
        raise QueryError(f"the filter compares {field} with {value!r}, not with a number") from None
