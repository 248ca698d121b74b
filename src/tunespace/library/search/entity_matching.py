"""Match artist names and titles in a query, which no audio embedding contains.

43 % of real requests for music name an artist (Doh et al. 2024). A name is matched if the library
has it; the rest of the query is read as a description.
"""

import re
from dataclasses import dataclass

from tunespace.library.store.base import Store
from tunespace.text import Lexicon
from tunespace.text.lexicon import STOP_WORDS
from tunespace.text.normalize import Token, fold, tokenize

# Words before a name: "like" asks for similar music, "by" for the artist's own.
_CUES = {
    "like": ("in the style of", "reminiscent of", "sounds like", "similar to", "like", "à la"),
    "by": ("songs by", "music by", "from", "by"),
}
# The same as normalised words, longer cues first.
_CUE_KEYS = [
    (kind, [fold(word) for word in phrase.split()])
    for kind, phrases in _CUES.items()
    for phrase in sorted(phrases, key=len, reverse=True)
]
_MAX_QUERY_WORDS = 50
_MAX_NAME_WORDS = 6
# A single word is more often a tag than a title.
_MIN_TITLE_WORDS = 2
_MAX_TITLES = 200


@dataclass(frozen=True)
class NameMatch:
    """Names in a query.

    Attributes:
        rest: The query without the names.
        artists: Normalised names of artists whose tracks are asked for.
        similar_to: Normalised names of artists that the music should sound like.
        title_ids: Ids of tracks whose title, with or without artist and album, is the query.
    """

    rest: str
    artists: frozenset[str] = frozenset()
    similar_to: frozenset[str] = frozenset()
    title_ids: frozenset[int] = frozenset()


def match_names(query: str, store: Store, lexicon: Lexicon | None) -> NameMatch:
    """Match the names in a query against the names in a library.

    Args:
        query: Text of the query.
        store: Store of the library.
        lexicon: Lexicon of the model: its words are descriptions before they are names.
    """
    words = tokenize(query)[:_MAX_QUERY_WORDS]
    artists: set[str] = set()
    similar_to: set[str] = set()
    taken: set[int] = set()
    known = _known_artists(words, store)
    at = 0
    while at < len(words):
        cue, before = _cue_before(words, at)
        for length in range(min(_MAX_NAME_WORDS, len(words) - at), 0, -1):
            name = words[at : at + length]
            key = "".join(token.key for token in name)
            # "calm" asks for calm music even if an artist has that name.
            is_whole_query = length == len(words) > 1
            if key in known and (cue or is_whole_query or not _is_descriptive(name, lexicon)):
                (similar_to if cue == "like" else artists).add(key)
                taken.update(range(at - before, at + length))
                at += length - 1
                break
        at += 1
    if not taken:
        return NameMatch(query, title_ids=_match_titles(words, store, lexicon))
    rest = " ".join(token.text for n, token in enumerate(words) if n not in taken)
    return NameMatch(rest, frozenset(artists), frozenset(similar_to))


def _known_artists(words: list[Token], store: Store) -> set[str]:
    keys = {
        "".join(token.key for token in words[at : at + length])
        for at in range(len(words))
        for length in range(1, min(_MAX_NAME_WORDS, len(words) - at) + 1)
    }
    return store.existing_artists(keys - {""})


def _cue_before(words: list[Token], at: int) -> tuple[str, int]:
    """Return the kind of the cue that ends before a word, and its number of words."""
    before = [token.key for token in words[:at]]
    for kind, cue in _CUE_KEYS:
        if before[-len(cue) :] == cue:
            return kind, len(cue)
    return "", 0


def _is_descriptive(name: list[Token], lexicon: Lexicon | None) -> bool:
    """Return whether a name consists of words that describe music: "Air", "Love", "Jazz"."""
    keys = [token.key for token in name]
    if all(key in STOP_WORDS for key in keys):
        return True
    if lexicon is None:
        return False
    words = lexicon.english_keys
    return "".join(keys) in words or all(
        key in words or key in STOP_WORDS or key in lexicon.foreign_keys for key in keys
    )


def _match_titles(words: list[Token], store: Store, lexicon: Lexicon | None) -> frozenset[int]:
    """Return ids of tracks that have every word of the query in title, artist or album."""
    terms = [part for token in words for part in re.sub(r"\W", " ", token.text).split()]
    is_descriptive = _is_descriptive(words, lexicon)
    if len(terms) >= _MIN_TITLE_WORDS and not is_descriptive:
        return frozenset(store.ids_matching_names(terms, _MAX_TITLES))
    title = fold(" ".join(token.text for token in words))
    if not title or (len(words) == 1 and is_descriptive):
        return frozenset()
    return frozenset(store.ids_of_title(title, _MAX_TITLES))
