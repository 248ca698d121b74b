"""What is meant by "calmer", "without drums" or "more like the second one", beside some results.

A remark changes the question that was asked; it is none by itself. It becomes terms to add, and a
filter where it speaks of years.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tunespace.library.query import Term, Text, TrackLike
from tunespace.text import Lexicon
from tunespace.text.folding import fold

_SOME = 0.5
_LITTLE = 0.3
_MUCH = 1.0
_AWAY = -0.5

_ORDINALS = {
    name: n
    for n, names in enumerate(
        (
            "first 1st one",
            "second 2nd two",
            "third 3rd three",
            "fourth 4th four",
            "fifth 5th five",
            "sixth 6th six",
            "seventh 7th seven",
            "eighth 8th eight",
            "ninth 9th nine",
            "tenth 10th ten",
        )
    )
    for name in names.split()
}
_PARTS = re.compile(r"\s*(?:[,;]|\b(?:and|but|plus)\b)\s*")
_POLITE = re.compile(
    r"^(?:(?:now|please|ok|okay|then|make it|make them|something|somewhat|can it be|can you|it "
    r"should be|should be|give me|show me|i want|with|just)\s+)+"
)
_LITTLE_WORDS = re.compile(r"^(?:a (?:little|bit|little bit|touch|tad)|slightly|somewhat)\s+")
_MUCH_WORDS = re.compile(r"^(?:much|a lot|lots|way|far|even|really|very much)\s+")
_MORE = re.compile(r"^(?:more of|more)\s+")
_LESS = re.compile(
    r"^(?:(?:without any|without|less of|less|fewer|no more|not so|not too|not that|not as|not|no|"
    r"remove|minus)\s+|-\s*)"
)
_LIKE = re.compile(r"^(?:like|similar to|in the style of|close to|near)\s+")
_UNLIKE = re.compile(r"^(?:unlike|different from)\s+")
_THE_ONE = re.compile(
    r"^(?:the\s+)?(?:(?:number|no\.?|track|song|#)\s*)?(?P<which>\w+?)(?:\s+(?:one|track|song|result))?$"
)
_AFTER = re.compile(r"^(?:from\s+)?(?:after|since|later than|newer than)\s+(?P<year>\d{4})$")
_BEFORE = re.compile(r"^(?:from\s+)?(?:before|until|earlier than|older than)\s+(?P<year>\d{4})$")
_IN = re.compile(r"^(?:only\s+)?(?:from|in)\s+(?:the\s+)?(?P<decade>(?:19|20)?\d0)'?s$")


@dataclass(frozen=True)
class Remark:
    """What a remark comes to.

    Attributes:
        terms: To add to the query, or to put in the place of its terms of the same thing.
        labels: Of each term, for people; empty for a track, whose title the asker knows.
        where: A filter to add; empty for none.
    """

    terms: tuple[Term, ...] = ()
    labels: tuple[str, ...] = ()
    where: str = ""


def refine(remark: str, shown: Sequence[int], lexicon: Lexicon | None) -> Remark:
    """Reads a remark.

    Args:
        remark: As it was said.
        shown: Ids of the tracks that are shown, in their order.
        lexicon: Knows which words there are, as "calm" behind "calmer".
    """
    said = " ".join(remark.lower().replace("\u2019", "'").split()).rstrip(".!?")
    said = said.removesuffix(" please")
    terms: list[Term] = []
    labels: list[str] = []
    filters: list[str] = []
    for part in _parts(said, lexicon):
        if where := _years(part):
            filters.append(where)
            continue
        term, label = _term(part, shown, lexicon)
        terms.append(term)
        labels.append(label)
    return Remark(tuple(terms), tuple(labels), " and ".join(filters))


def _parts(said: str, lexicon: Lexicon | None) -> list[str]:
    """The remark cut at commas and "and", but not within a term such as "drum and bass"."""
    known = lexicon.english if lexicon else {}
    words = said.split(" ")
    kept: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(4, len(words) - at), 1, -1):
            some = words[at : at + length]
            if "and" in some[1:-1] and fold(" ".join(some)) in known:
                kept.append(" ".join(some).replace(" and ", " \0 "))
                at += length
                break
        else:
            kept.append(words[at])
            at += 1
    parts = _PARTS.split(" ".join(kept))
    return [part.replace("\0", "and") for part in parts if part.strip(" \0")]


def _term(part: str, shown: Sequence[int], lexicon: Lexicon | None) -> tuple[Term, str]:
    part = _POLITE.sub("", part)
    weight = _SOME
    if found := _LITTLE_WORDS.match(part):
        part, weight = part[found.end() :], _LITTLE
    elif found := _MUCH_WORDS.match(part):
        part, weight = part[found.end() :], _MUCH
    if found := _UNLIKE.match(part):
        part, weight = "like " + part[found.end() :], _AWAY
    elif found := _LESS.match(part):
        part, weight = part[found.end() :], _AWAY if weight == _SOME else -weight
    elif found := _MORE.match(part):
        part = part[found.end() :]
    alike = _LIKE.match(part)
    if alike:
        part = part[alike.end() :]
    track = _the_one(part, shown)
    if track is not None and (alike or not part.isalpha() or part.startswith("the ")):
        return Term(TrackLike(track), weight), ""
    word = _positive(part, lexicon)
    return Term(Text(word), weight), word


def _the_one(part: str, shown: Sequence[int]) -> int | None:
    """The track that "the second one" is."""
    found = _THE_ONE.match(part)
    if found is None or not shown:
        return None
    which = found["which"]
    if which == "last":
        return shown[-1]
    place = int(which) - 1 if which.isdecimal() else _ORDINALS.get(which, -1)
    return shown[place] if 0 <= place < len(shown) else None


def _positive(word: str, lexicon: Lexicon | None) -> str:
    """The word that a comparative compares, where the lexicon has it and not the other."""
    known = lexicon.english if lexicon else {}
    if not word.endswith("er") or fold(word) in known:
        return word
    stem = word[:-2]
    candidates = [stem, stem + "e"]
    if stem.endswith("i"):
        candidates.insert(0, stem[:-1] + "y")
    if len(stem) > 2 and stem[-1] == stem[-2]:
        candidates.append(stem[:-1])
    return next((candidate for candidate in candidates if fold(candidate) in known), word)


def _years(part: str) -> str:
    part = _POLITE.sub("", part)
    if found := _AFTER.match(part):
        return f"year >= {found['year']}"
    if found := _BEFORE.match(part):
        return f"year <= {found['year']}"
    if found := _IN.match(part):
        decade = found["decade"]
        first = int(decade) if len(decade) == 4 else int(decade) + (2000 if decade < "30" else 1900)
        return f"year >= {first} and year <= {first + 9}"
    return ""
