"""Ways of writing that are found in captions: each with places for words of a kind.

"A mellow jazz tune with piano" becomes "a {mood} {genre} tune with {instrument}"; said of a clip
that is tagged sad, folk, banjo it is "a sad folk tune with banjo". The kinds of words are those of
the lexicon, as in ``captions``.
"""

import re
from collections.abc import Sequence

import numpy as np

from tunespace.training.captions.templates import tag_kind

_MOST_WAYS, _MOST_PLACES, _LONGEST = 5_000, 5, 200
# Words of a term at most, as in "singer-songwriter" or "women's choir music".
_MOST_WORDS = 3
_WORD = re.compile(r"[\w'&-]+")
_PLACE = re.compile(r"\{(genre|instrument|mood|use)\}")


def mine_templates(captions: Sequence[str]) -> tuple[str, ...]:
    """The ways in which captions are written, each once, in their order.

    Args:
        captions: Of clips to learn from.
    """
    found: dict[str, None] = {}
    for caption in captions:
        way = _way(caption)
        if way:
            found[way] = None
        if len(found) == _MOST_WAYS:
            break
    return tuple(found)


def fill_template(
    templates: Sequence[str], tags: Sequence[str], random: np.random.Generator, tries: int = 50
) -> tuple[str, tuple[str, ...]] | None:
    """A caption about some of the tags, in one of the ways.

    Args:
        templates: Of ``mine_templates``.
        tags: In any order; the first of a kind fill its places.
        random: Source of what is drawn.
        tries: Ways that are looked at.

    Returns:
        The caption and the tags that it names; None where no way fits that was looked at.
    """
    if not templates:
        return None
    sorts: dict[str, list[str]] = {}
    for tag in tags:
        sorts.setdefault(tag_kind(tag), []).append(tag)
    for n in random.integers(len(templates), size=tries):
        way = templates[int(n)]
        places = _PLACE.findall(way)
        if all(len(sorts.get(kind, ())) >= places.count(kind) for kind in set(places)):
            left = {kind: list(some) for kind, some in sorts.items()}
            named: list[str] = []

            def put(place: re.Match[str], left: dict[str, list[str]] = left) -> str:
                named.append(left[place[1]].pop(0))  # noqa: B023 - used at once
                return named[-1]  # noqa: B023

            text = _PLACE.sub(put, way)
            return text[0].upper() + text[1:], tuple(named)
    return None


def _way(caption: str) -> str:
    """The caption with places; empty where it names nothing, or too much."""
    if len(caption) > _LONGEST or "{" in caption:
        return ""
    words = list(_WORD.finditer(caption))
    pieces: list[str] = []
    at = n = places = 0
    while n < len(words):
        for count in range(min(_MOST_WORDS, len(words) - n), 0, -1):
            first, last = words[n].start(), words[n + count - 1].end()
            kind = tag_kind(caption[first:last])
            if kind:
                pieces += [caption[at:first], f"{{{kind}}}"]
                at, places = last, places + 1
                n += count
                break
        else:
            n += 1
    return "".join([*pieces, caption[at:]]) if 0 < places <= _MOST_PLACES else ""
