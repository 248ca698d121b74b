"""Filters on metadata as trees, which each store evaluates in its own language.

``tunespace.library.search.filter_parser`` builds them from text.
"""

from dataclasses import dataclass

NUMBER_FIELDS = ("year", "seconds")
TEXT_FIELDS = ("title", "artist", "album", "genre", "path")
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")


@dataclass(frozen=True)
class Comparison:
    """Comparison of one field with a value.

    Attributes:
        field: One of ``NUMBER_FIELDS`` or ``TEXT_FIELDS``.
        operator: One of ``OPERATORS``; ``~`` means "contains", for text fields only. ``=`` on
            ``genre`` is true if any of a track's genres equals the value.
        value: Number for a number field, text for a text field. Text is compared without case,
            accents, spaces and hyphens, except for ``path``.
    """

    field: str
    operator: str
    value: float | str


@dataclass(frozen=True)
class Conjunction:
    """True if all parts are true."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Disjunction:
    """True if any part is true."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Negation:
    """True if the part is false or unknown: ``not year > 1990`` includes tracks without a year."""

    part: "Filter"


Filter = Comparison | Conjunction | Disjunction | Negation
