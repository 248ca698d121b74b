"""Caption templates mined from captions: words of a kind are replaced by placeholders.

"A mellow jazz tune with piano" becomes "a {mood} {genre} tune with {instrument}"; filled with the
tags sad, folk, banjo it is "a sad folk tune with banjo". The kinds of words are those of the
lexicon, as in ``templates``.
"""

import re
from collections.abc import Sequence

import numpy as np

from tunespace.training.captions.templates import tag_kind

_MOST_WAYS, _MOST_PLACES, _LONGEST = 5_000, 5, 200
# Maximum number of words of a term, such as "singer-songwriter" or "women's choir music".
_MOST_WORDS = 3
_WORD = re.compile(r"[\w'&-]+")
_PLACE = re.compile(r"\{(genre|instrument|mood|use)\}")


def mine_templates(captions: Sequence[str]) -> tuple[str, ...]:
    """Return the templates of captions, each once, in order.

    Args:
        captions: Captions of the training clips.
    """
    templates: dict[str, None] = {}
    for caption in captions:
        way = _way(caption)
        if way:
            templates[way] = None
        if len(templates) == _MOST_WAYS:
            break
    return tuple(templates)


def fill_template(
    templates: Sequence[str], tags: Sequence[str], random: np.random.Generator, tries: int = 50
) -> tuple[str, tuple[str, ...]] | None:
    """Return a caption about some of the tags, by a random template.

    Args:
        templates: Templates of ``mine_templates``.
        tags: Tags in random order; the first of a kind fill its placeholders.
        random: Random generator.
        tries: Maximum number of templates to try.

    Returns:
        The caption and the tags in it; None if no tried template can be filled.
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
    """Return a caption with placeholders; empty if it has none or too many."""
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
