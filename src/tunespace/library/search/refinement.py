"""Parse remarks on search results: "calmer", "without drums", "more like the second one".

A remark changes a query and is none by itself. It becomes terms to add, and a filter if it names
years.
"""

import re
from collections.abc import Sequence

from tunespace.library.query import QueryTerm, Refinement, Text, TrackRef
from tunespace.text import Lexicon, degree_words
from tunespace.text.normalize import fold

_DEFAULT_WEIGHT = 0.5
_LITTLE_WEIGHT = 0.3
_MUCH_WEIGHT = 1.0
_LESS_WEIGHT = -0.5

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
_PARTS = re.compile(r"\s*(?:[,;]|\b(?:and|but)\b)\s*")
_POLITE = re.compile(
    r"^(?:(?:now|please|ok|okay|then|make it|make them|something|somewhat|can it be|can you|it "
    r"should be|should be|give me|show me|i want|with|just)\s+)+"
)
_LIKE = re.compile(r"^(?:like|similar to|in the style of|close to|near)\s+")
_UNLIKE = re.compile(r"^(?:unlike|different from)\s+")
_SHOWN_TRACK = re.compile(
    r"^(?:the\s+)?(?:(?:number|no\.?|track|song|#)\s*)?(?P<which>\w+?)(?:\s+(?:one|track|song|result))?$"
)
_AFTER = re.compile(r"^(?:from\s+)?(?:after|since|later than|newer than)\s+(?P<year>\d{4})$")
_BEFORE = re.compile(r"^(?:from\s+)?(?:before|until|earlier than|older than)\s+(?P<year>\d{4})$")
_IN = re.compile(r"^(?:only\s+)?(?:from|in)\s+(?:the\s+)?(?P<decade>(?:19|20)?\d0)'?s$")


# Suffixes of comparatives, and endings of the base form: calmer, happier; German ruhiger and
# dunkler; Dutch donkerder; Swedish lugnare. Russian comparatives have adjectives' endings.
_COMPARATIVES = (
    ("ier", ("y",)),
    ("er", ("", "e")),
    ("ler", ("el",)),
    ("der", ("",)),
    ("are", ("", "a")),
)


def refine(remark: str, shown: Sequence[int], lexicon: Lexicon | None) -> Refinement:
    """Parse a remark.

    Args:
        remark: The remark.
        shown: Ids of the tracks that are shown, in order.
        lexicon: Lexicon that contains base forms, such as "calm" of "calmer"; None for none.
    """
    text = " ".join(remark.lower().replace("\u2019", "'").split()).rstrip(".!?")
    text = degree_words.PLEASE.sub("", text)
    terms: list[QueryTerm] = []
    labels: list[str] = []
    filters: list[str] = []
    for part in _parts(text, lexicon):
        if where := _year_filter(part):
            filters.append(where)
            continue
        term, label = _term(part, shown, lexicon)
        terms.append(term)
        labels.append(label)
    return Refinement(tuple(terms), tuple(labels), " and ".join(filters))


def _parts(text: str, lexicon: Lexicon | None) -> list[str]:
    """Split a remark at commas and "and", but not within a term such as "drum and bass"."""
    known = lexicon.english_keys if lexicon else {}
    words = text.split(" ")
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
    parts = [
        part for whole in degree_words.AND.split(" ".join(kept)) for part in _PARTS.split(whole)
    ]
    return [part.replace("\0", "and") for part in parts if part.strip(" \0")]


def _term(part: str, shown: Sequence[int], lexicon: Lexicon | None) -> tuple[QueryTerm, str]:
    part, weight = _degree(_POLITE.sub("", part))
    alike = _LIKE.match(part)
    if alike:
        part = part[alike.end() :]
    track = _shown_track(part, shown)
    if track is not None and (alike or not part.isalpha() or part.startswith("the ")):
        return QueryTerm(TrackRef(track), weight), ""
    word = _base_form(part, lexicon)
    return QueryTerm(Text(word), weight), word


def _degree(part: str) -> tuple[str, float]:
    """Return the subject of a part, and the weight that its degree words ask for."""
    weight = _DEFAULT_WEIGHT
    for pattern, degree_weight in (
        (degree_words.LITTLE, _LITTLE_WEIGHT),
        (degree_words.MUCH, _MUCH_WEIGHT),
    ):
        if match := pattern.match(part):
            part, weight = part[match.end() :], degree_weight
            break
    if match := degree_words.LITTLE_BEHIND.search(part):
        part, weight = part[: match.start()], _LITTLE_WEIGHT
    less = _LESS_WEIGHT if weight == _DEFAULT_WEIGHT else -weight
    if match := _UNLIKE.match(part):
        return "like " + part[match.end() :], _LESS_WEIGHT
    if match := degree_words.LESS.match(part):
        return part[match.end() :], less
    if match := degree_words.LESS_BEHIND.search(part):
        return part[: match.start()], less
    if match := degree_words.MORE.match(part):
        part = part[match.end() :]
    if match := degree_words.MORE_BEHIND.search(part):
        part = part[: match.start()]
    return part, weight


def _shown_track(part: str, shown: Sequence[int]) -> int | None:
    """Return the id of the track that a part such as "the second one" refers to."""
    match = _SHOWN_TRACK.match(part)
    if match is None or not shown:
        return None
    which = match["which"]
    if which == "last":
        return shown[-1]
    place = int(which) - 1 if which.isdecimal() else _ORDINALS.get(which, -1)
    return shown[place] if 0 <= place < len(shown) else None


def _base_form(word: str, lexicon: Lexicon | None) -> str:
    """Return the base form of a comparative, if the lexicon has only the base form."""
    if _is_word(word, lexicon):
        return word
    candidates: list[str] = []
    for ending, instead in _COMPARATIVES:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1 and not stem[-1].isspace():
            candidates += [stem + end for end in instead]
            if len(stem) > 2 and stem[-1] == stem[-2]:
                candidates.append(stem[:-1])
    return next((candidate for candidate in candidates if _is_word(candidate, lexicon)), word)


def _is_word(text: str, lexicon: Lexicon | None) -> bool:
    key = fold(text)
    return lexicon is not None and (key in lexicon.english_keys or key in lexicon.foreign_keys)


def _year_filter(part: str) -> str:
    part = _POLITE.sub("", part)
    if match := _AFTER.match(part):
        return f"year >= {match['year']}"
    if match := _BEFORE.match(part):
        return f"year <= {match['year']}"
    if match := _IN.match(part):
        decade = match["decade"]
        first = int(decade) if len(decade) == 4 else int(decade) + (2000 if decade < "30" else 1900)
        return f"year >= {first} and year <= {first + 9}"
    return ""
