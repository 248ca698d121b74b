"""Facets of a library: genres, decades, artists, folders and lengths with their counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tunespace.library.search.filter_parser import parse_filter
from tunespace.library.store.base import Store
from tunespace.library.store.filters import Conjunction, Filter
from tunespace.library.tags import split_genres
from tunespace.text.normalize import fold_name

_LENGTHS = (
    ("under 2 minutes", "seconds < 120"),
    ("2 to 6 minutes", "seconds >= 120 and seconds <= 360"),
    ("over 6 minutes", "seconds > 360"),
)


@dataclass(frozen=True)
class FacetValue:
    """Value of a facet.

    Attributes:
        name: Label of the value.
        where: Filter that matches its tracks, in the grammar of ``filter_parser``.
        count: Number of its tracks.

    Examples:
        >>> FacetValue("Jazz", "genre = 'Jazz'", 12).count
        12
    """

    name: str
    where: str
    count: int


def facets(store: Store, where: Filter | None, most: int) -> dict[str, list[FacetValue]]:
    """Count genres, decades, artists, folders and lengths of the tracks that match a filter.

    Args:
        store: Store of the library.
        where: Filter; None for all tracks.
        most: Maximum number of genres, artists and folders, the most frequent first. Decades and
            lengths are complete and in order.
    """
    genres = Counter[str]()
    for text, count in store.count_by("genre", where):
        for name in split_genres(text):
            genres[name.strip()] += count
    return {
        "genre": _named_values("genre", _merge_spellings(genres.items()), most),
        "decade": _decades(store, where),
        "artist": _named_values("artist", _merge_spellings(store.count_by("artist", where)), most),
        "folder": _folders(store, where, most),
        "length": _lengths(store, where),
    }


def _decades(store: Store, where: Filter | None) -> list[FacetValue]:
    decades = sorted((int(decade), count) for decade, count in store.count_by("decade", where))
    return [
        FacetValue(f"{decade}s", f"year >= {decade} and year <= {decade + 9}", count)
        for decade, count in decades
    ]


def _folders(store: Store, where: Filter | None, most: int) -> list[FacetValue]:
    folders = Counter[str]()
    for path, count in store.count_by("folder", where):
        folders[path.rstrip("/").rsplit("/", 1)[-1]] += count
    return [
        FacetValue(name, f"path ~ {_quoted(f'/{name}/')}", count)
        for name, count in folders.most_common(most)
        if name and _is_quotable(name)
    ]


def _lengths(store: Store, where: Filter | None) -> list[FacetValue]:
    values = []
    for name, text in _LENGTHS:
        length = parse_filter(text)
        count = store.count(length if where is None else Conjunction((where, length)))
        if count:
            values.append(FacetValue(name, text, count))
    return values


def _named_values(field: str, counts: Counter[str], most: int) -> list[FacetValue]:
    return [
        FacetValue(name, f"{field} = {_quoted(name)}", count)
        for name, count in counts.most_common(most)
        if _is_quotable(name)
    ]


def _merge_spellings(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    """Merge names that differ in case or accents only, under the most frequent spelling."""
    by_key: dict[str, Counter[str]] = {}
    for name, count in counts:
        if key := fold_name(name):
            by_key.setdefault(key, Counter())[name] += count
    return Counter({names.most_common(1)[0][0]: names.total() for names in by_key.values()})


def _is_quotable(text: str) -> bool:
    return not ('"' in text and "'" in text) and text.isprintable()


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'
