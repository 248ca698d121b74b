"""Synthetic queries: texts made from a lexicon to train a sentence encoder.

A text comes with the lexicon words that it is made of, so that its embedding is known: the sum of
theirs. A typing error does not change the meaning.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunespace.text.lexicon import Entry

_ALONE = (
    "{} music",
    "{} song",
    "{} songs",
    "something {}",
    "music that is {}",
    "{} track",
    "a {} tune",
    "some {}",
)
# By kind of word: m mood, g genre, i instrument, v vocal, t theme, p place, r rhythm, e era,
# s sound.
_PATTERNS = (
    "{m} {g}",
    "{m}, {m} {g}",
    "a {m} {g} song with {i}",
    "{g} with {i} and {v}",
    "{m} {i}",
    "{i} and {i}, {m}",
    "{s} {g} with a {r}",
    "{m} music for {t}",
    "{g} from the {e}",
    "{e} {g}, {m}",
    "{m} {g} from {p}",
    "something {m} and {m} with {i}",
    "{v} over {s} {i}",
    "{g} and {g}",
    "{g}, {m}, {i}",
    "{m}, {r}, {i}, {v}",
    "{i} playing {m} {g}",
    "a {s}, {m} piece for {i} and {i}",
    "an instrumental that is {m} and {s}",
    "{m} {v}",
    "{t}, {m}, {g}",
    "{r}, {s}",
    "this is {m} {g}, it has {i} and {v} and suits {t}",
    "the recording is {s} and {m}, {i} plays over a {r}",
)
_KINDS = {
    "m": "mood",
    "g": "genre",
    "i": "instrument",
    "v": "vocal",
    "t": "theme",
    "p": "place",
    "r": "rhythm",
    "e": "era",
    "s": "sound",
}
_SLOT = re.compile(r"\{(\w)\}")
_MIN_LENGTH_ONE_TYPO = 6
_LONGEST_PIECE = 7


@dataclass(frozen=True)
class SyntheticQuery:
    """Text with known meaning.

    Attributes:
        text: The text.
        words: Lexicon words that it is made of.
    """

    text: str
    words: tuple[str, ...]


def synthetic_queries(entries: Sequence[Entry], count: int, seed: int) -> list[SyntheticQuery]:
    """Return texts made from the words of a lexicon.

    Args:
        entries: Lexicon entries.
        count: Number of combinations; in addition to every word alone, every description, every
            word within a phrase, and long words with a typing error.
        seed: Random seed.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    texts = [SyntheticQuery(entry.word, (entry.word,)) for entry in entries]
    texts += [SyntheticQuery(entry.description, (entry.word,)) for entry in entries]
    for entry in entries:
        texts.append(SyntheticQuery(draw.choice(_ALONE).format(entry.word), (entry.word,)))
        if len(entry.word) >= _MIN_LENGTH_ONE_TYPO:
            texts.append(SyntheticQuery(with_typo(entry.word, draw), (entry.word,)))
    return texts + list(_combinations(entries, count, draw))


def _combinations(
    entries: Sequence[Entry], count: int, draw: random.Random
) -> Iterator[SyntheticQuery]:
    by_kind: dict[str, list[str]] = {}
    for entry in entries:
        by_kind.setdefault(entry.kind, []).append(entry.word)
    possible = [
        pattern
        for pattern in _PATTERNS
        if all(_KINDS[slot] in by_kind for slot in _SLOT.findall(pattern))
    ]
    if not possible:
        return
    for _ in range(count):
        pattern = draw.choice(possible)
        words: list[str] = []

        def fill(slot: re.Match[str], words: list[str] = words) -> str:
            words.append(draw.choice(by_kind[_KINDS[slot[1]]]))
            return words[-1]

        text = _SLOT.sub(fill, pattern)
        yield SyntheticQuery(text, tuple(words))


def with_typo(word: str, draw: random.Random) -> str:
    """Return a word with one letter doubled, deleted, or transposed with the next."""
    at = draw.randrange(1, len(word) - 1)
    kind = draw.randrange(3)
    if kind == 0:
        return word[:at] + word[at] + word[at:]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def pieces(entries: Sequence[Entry], seed: int) -> list[str]:
    """Return clauses and parts of the descriptions that are no lexicon words, sorted."""
    known = {entry.word.lower() for entry in entries}
    parts: set[str] = set()
    for entry in entries:
        parts.update(clause.strip() for clause in entry.description.split(","))
        # By word: what is left out of the lexicon changes nothing for the others.
        draw = random.Random(f"{seed} {entry.word}")  # noqa: S311 - no secret
        words = entry.description.replace(",", "").split()
        for _ in range(3):
            length = draw.randint(1, 5)
            first = draw.randrange(max(1, len(words) - length + 1))
            parts.add(" ".join(words[first : first + length]))
    return sorted(
        piece
        for piece in parts
        if len(piece) > 2 and len(piece.split()) <= _LONGEST_PIECE and piece.lower() not in known
    )
