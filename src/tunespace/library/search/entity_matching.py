"""Names in a query: artists and titles, which no embedding of audio can know.

43 % of real requests for music name an artist (Doh et al. 2024). A name is taken as one where the
library has it; what is left of the query is read as a description.
"""

import re
from dataclasses import dataclass

from tunespace.library.store.sqlite import Store
from tunespace.text import Lexicon
from tunespace.text.lexicon import STOP_WORDS
from tunespace.text.normalize import Token, fold, tokenize

# What leads up to a name when it is likeness that is meant, and when it is the artist.
_CUES = {
    "like": ("in the style of", "reminiscent of", "sounds like", "similar to", "like", "à la"),
    "by": ("songs by", "music by", "from", "by"),
}
# The same as keys of their words, in the order in which they are tried: longer ones first.
_CUE_KEYS = [
    (kind, [fold(word) for word in phrase.split()])
    for kind, phrases in _CUES.items()
    for phrase in sorted(phrases, key=len, reverse=True)
]
_LONGEST_NAME = 6
# Words of a query that a title must share; shorter queries are tags more often than titles.
_SHORTEST_TITLE = 2


@dataclass(frozen=True)
class NameMatch:
    """What names a query holds.

    Attributes:
        rest: The query without them.
        artists: Folded keys of artists whose tracks are asked for.
        like: Folded keys of artists whose likeness is asked for.
        titled: Ids of tracks whose title, with or without artist and album, is the query.
    """

    rest: str
    artists: frozenset[str] = frozenset()
    like: frozenset[str] = frozenset()
    titled: frozenset[int] = frozenset()


def match_names(query: str, store: Store, lexicon: Lexicon | None) -> NameMatch:
    """Finds the names that a query and the library share."""
    words = tokenize(query)[:50]
    artists: set[str] = set()
    like: set[str] = set()
    taken: set[int] = set()
    known = _known_artists(words, store)
    at = 0
    while at < len(words):
        cue, before = _cue(words, at)
        for length in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
            name = words[at : at + length]
            key = "".join(token.key for token in name)
            # "calm" is a wish for calm music, also where an artist is called so.
            alone = length == len(words) > 1
            if key in known and (cue or alone or not _is_descriptive(name, lexicon)):
                (like if cue == "like" else artists).add(key)
                taken.update(range(at - before, at + length))
                at += length - 1
                break
        at += 1
    rest = " ".join(token.text for n, token in enumerate(words) if n not in taken)
    if not taken:
        return NameMatch(query, titled=_match_titles(words, store, lexicon))
    return NameMatch(rest, frozenset(artists), frozenset(like))


def _known_artists(words: list[Token], store: Store) -> set[str]:
    keys = {
        "".join(token.key for token in words[at : at + length])
        for at in range(len(words))
        for length in range(1, min(_LONGEST_NAME, len(words) - at) + 1)
    }
    keys.discard("")
    marks = ",".join("?" * len(keys))
    found = store.select(
        f"SELECT DISTINCT artist_key FROM tracks WHERE artist_key IN ({marks})",
        sorted(keys),
    )
    return {key for (key,) in found}


def _cue(words: list[Token], at: int) -> tuple[str, int]:
    """What the words before a name say about it, and how many they are."""
    before = [token.key for token in words[:at]]
    for kind, cue in _CUE_KEYS:
        if before[-len(cue) :] == cue:
            return kind, len(cue)
    return "", 0


def _is_descriptive(name: list[Token], lexicon: Lexicon | None) -> bool:
    """Whether a name is made of words that describe music: "Air", "Love", "Jazz"."""
    keys = [token.key for token in name]
    if all(key in STOP_WORDS for key in keys):
        return True
    if lexicon is None:
        return False
    whole = "".join(keys)
    return whole in lexicon.english_keys or all(
        key in lexicon.english_keys or key in STOP_WORDS or key in lexicon.foreign_keys
        for key in keys
    )


def _match_titles(words: list[Token], store: Store, lexicon: Lexicon | None) -> frozenset[int]:
    """Tracks that have every word of the query in their title, artist or album."""
    keys = [re.sub(r"\W", " ", token.text).split() for token in words]
    terms = [word for key in keys for word in key]
    ordinary = _is_descriptive(words, lexicon)
    if len(terms) < _SHORTEST_TITLE or ordinary:
        whole = fold(" ".join(token.text for token in words))
        if not whole or (len(words) == 1 and ordinary):
            return frozenset()
        found = store.select("SELECT id FROM tracks WHERE title_key = ? LIMIT 200", (whole,))
        return frozenset(id_ for (id_,) in found)
    match = " ".join(f'"{term}"' for term in terms)
    found = store.select("SELECT rowid FROM names WHERE names MATCH ? LIMIT 200", (match,))
    return frozenset(id_ for (id_,) in found)
