"""What a library holds, counted: for chips that filter it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tunespace.library.search.filter_parser import Where
from tunespace.library.store.sqlite import GENRE_BOUNDARY, Store
from tunespace.text.normalize import fold

_LENGTHS = (
    ("under 2 minutes", "seconds < 120"),
    ("2 to 6 minutes", "seconds >= 120 and seconds <= 360"),
    ("over 6 minutes", "seconds > 360"),
)


@dataclass(frozen=True)
class FacetValue:
    """A value of a facet.

    Attributes:
        name: For people.
        where: The filter that leaves its tracks, as ``parse_where`` reads it.
        count: Of tracks.
    """

    name: str
    where: str
    count: int


def facets(store: Store, kept: Where, most: int) -> dict[str, list[FacetValue]]:
    """Genres, decades, artists, folders and lengths of the tracks that a filter leaves.

    Args:
        store: Of the library.
        kept: The filter.
        most: Values of each facet, the most frequent ones; decades and lengths in their order.
    """

    def counted(column: str) -> list[tuple[str, int]]:
        return store.select(
            f"SELECT {column}, count(*) FROM tracks WHERE reason IS NULL AND ({kept.sql}) "
            "GROUP BY 1",
            kept.parameters,
        )

    genres = _merged(
        (name.strip(), count)
        for text, count in counted("genre")
        for name in GENRE_BOUNDARY.split(text)
    )
    decades = sorted(
        (int(decade), count) for decade, count in counted("year / 10 * 10") if decade is not None
    )
    # The folder that a file is in: all before the last slash.
    folder = "rtrim(CAST(path AS TEXT), replace(CAST(path AS TEXT), '/', ''))"
    folders = Counter[str]()
    for path, count in counted(folder):
        folders[path.rstrip("/").rsplit("/", 1)[-1]] += count
    lengths = {
        name: sum(
            count
            for [count] in store.select(
                f"SELECT count(*) FROM tracks WHERE reason IS NULL AND ({kept.sql}) AND ({where})",
                kept.parameters,
            )
        )
        for name, where in _LENGTHS
    }
    return {
        "genre": [
            FacetValue(name, f"genre = {_quoted(name)}", count)
            for name, count in genres.most_common(most)
            if _can_be_quoted(name)
        ],
        "decade": [
            FacetValue(f"{decade}s", f"year >= {decade} and year <= {decade + 9}", count)
            for decade, count in decades
        ],
        "artist": [
            FacetValue(name, f"artist = {_quoted(name)}", count)
            for name, count in _merged(counted("artist")).most_common(most)
            if _can_be_quoted(name)
        ],
        "folder": [
            FacetValue(name, f"path ~ {_quoted(f'/{name}/')}", count)
            for name, count in folders.most_common(most)
            if name and _can_be_quoted(name)
        ],
        "length": [
            FacetValue(name, where, lengths[name]) for name, where in _LENGTHS if lengths[name]
        ],
    }


def _merged(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    """Names that differ in case or accents alone as one, under the most frequent of them."""
    by_key: dict[str, Counter[str]] = {}
    for name, count in counts:
        if key := fold(name or ""):
            by_key.setdefault(key, Counter())[name] += count
    return Counter({names.most_common(1)[0][0]: names.total() for names in by_key.values()})


def _can_be_quoted(text: str) -> bool:
    return not ('"' in text and "'" in text) and text.isprintable()


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'
