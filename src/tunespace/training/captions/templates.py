"""Caption templates: write a sentence about tags.

The kind of each tag (genre, instrument, mood, ...) is looked up in the lexicon of the bundled
model; other tags go into a clause for any kind. The templates follow the structure of MusicCaps'
captions in our own words: what it is, what plays, how it feels, where it could be played, in this
order and in others.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from tunespace.models.registry import BUNDLED, DEFAULT
from tunespace.text import Lexicon

_WHAT = ("a {x} track", "a {x} song", "a piece of {x} music", "{x} music", "this is {x}")
_WITH = ("with {x}", "featuring {x}", "played on {x}", "in which one hears {x}", "built on {x}")
_FEELS = (
    "it feels {x}",
    "the mood is {x}",
    "it sounds {x}",
    "with a {x} feel",
    "it comes across as {x}",
)
_FOR = ("fit for {x}", "it could be heard at {x}", "something for {x}")
_ANY = ("{x}", "one would call it {x}", "tagged as {x}")


def write_caption(tags: Sequence[str], random: np.random.Generator) -> str:
    """Return a sentence that names each of the tags once."""
    sorts: dict[str, list[str]] = {"genre": [], "instrument": [], "mood": [], "use": [], "": []}
    for tag in tags:
        sorts[tag_kind(tag)].append(tag)
    clauses = []
    # Moods precede the genre as often as they have a clause of their own.
    if sorts["genre"] and sorts["mood"] and random.random() < 0.5:
        sorts["genre"][0] = f"{sorts['mood'].pop()} {sorts['genre'][0]}"
    for sort, templates in (
        ("genre", _WHAT),
        ("instrument", _WITH),
        ("mood", _FEELS),
        ("use", _FOR),
        ("", _ANY),
    ):
        if sorts[sort]:
            way = templates[int(random.integers(len(templates)))]
            clauses.append(way.replace("{x}", _listed(sorts[sort])))
    if len(clauses) > 1 and random.random() < 0.3:
        clauses = [clauses[n] for n in random.permutation(len(clauses))]
    joined = (", " if random.random() < 0.6 else ". ").join(clauses)
    return joined[0].upper() + joined[1:] + "."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


_TAG_KINDS: Mapping[str, str] = {
    "genre": "genre",
    "instrument": "instrument",
    "vocal": "instrument",
    "mood": "mood",
    "sound": "mood",
    "rhythm": "mood",
    "era": "mood",
    "theme": "use",
    "place": "use",
}


@cache
def lexicon() -> Lexicon:
    """Return the lexicon of the bundled model."""
    return Lexicon.load(BUNDLED / DEFAULT / "lexicon.tsv", None)


def tag_kind(tag: str) -> str:
    """Return the kind of a tag in the lexicon: genre, instrument, mood or use; empty for others."""
    entry = lexicon().entries.get(tag.casefold())
    return _TAG_KINDS.get(entry.kind, "") if entry is not None else ""
