"""Music words and what the music they describe sounds like.

A lexicon is a table: word, kind, a caption-like description, and weights of audible concepts. A
second table points from words of other languages, and from other ways to say it in English, to its
words.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tunespace.text.normalize import fold, max_token_count, tokenize

# They say that music is meant, not which.
STOP_WORDS = frozenset(
    "song songs music musical sound sounds track tracks recording recordings tune tunes piece "
    "the a an of with and in for to on some by that is it its this but me my i want like".split()
)

# A Russian adjective in the dictionary's form (folded), and its other endings.
_RUSSIAN_MASCULINE = ("ыи", "ии", "ои")
_RUSSIAN_ENDINGS = "ое ее ая яя ые ие ого его ую юю ом ем ым им ых их ыми ими".split()

_MIN_LENGTH_ONE_TYPO = 5
_MIN_LENGTH_TWO_TYPOS = 10


@dataclass(frozen=True)
class Entry:
    """A word of the lexicon.

    Attributes:
        word: As it is written.
        kind: mood, genre, theme, instrument, sound, vocal, place, rhythm or era.
        description: What music so described sounds like, without the word itself.
        weights: As the table has them, ``concept:weight,concept:weight``.
    """

    word: str
    kind: str
    description: str
    weights: str

    @property
    def concepts(self) -> dict[str, float]:
        """By concept, -3..3: how much stronger it is than in a big mixed collection.

        Read when it is asked for: a search needs a few of some thousand entries.

        Raises:
            ValueError: A weight is no number.
        """
        pairs = (pair.rsplit(":", 1) for pair in self.weights.split(",") if pair)
        return {name: float(weight) for name, weight in pairs}


@dataclass(frozen=True)
class Lexicon:
    """Entries by their words, in English and in the languages that point to them.

    Attributes:
        entries: By word.
        languages: By a word of another language, or another way to say it in English, a word of
            ``entries``.
    """

    entries: dict[str, Entry]
    languages: dict[str, str]

    @classmethod
    def load(cls, lexicon: Path, languages: Path | None = None) -> "Lexicon":
        """Reads both tables.

        Args:
            lexicon: Tab-separated with a header: word, kind, description, concepts.
            languages: Tab-separated without one: word, language, word of the lexicon.

        Raises:
            ValueError: A row cannot be read, or points to a word that is not there; says which.
        """
        entries = {entry.word: entry for entry in _entries(lexicon)}
        pointers: dict[str, str] = {}
        if languages is not None:
            with languages.open(encoding="utf-8", newline="") as file:
                for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                    word, _, term = row
                    if term not in entries:
                        raise ValueError(f"{languages}: {word!r} points to {term!r}, which is none")
                    pointers.setdefault(word, term)
        return cls(entries, pointers)

    @cached_property
    def english_keys(self) -> dict[str, str]:
        """By folded key, the word."""
        found: dict[str, str] = {}
        for word in self.entries:
            found.setdefault(fold(word), word)
        return found

    @cached_property
    def foreign_keys(self) -> dict[str, str]:
        """By folded key of a word that points to one of the lexicon, that one."""
        found: dict[str, str] = {}
        for word, term in self.languages.items():
            found.setdefault(fold(word), term)
        for key, term in list(found.items()):
            if key.endswith(_RUSSIAN_MASCULINE):
                for ending in _RUSSIAN_ENDINGS:
                    found.setdefault(key[:-2] + ending, term)
        return found

    def nearest(self, key: str) -> str:
        """What was meant by a key that is no word; empty where that is not plain.

        A slip is one letter more, less or other, or two that changed places; in long words two of
        these. The first letter is hardly ever wrong.
        """
        if len(key) < _MIN_LENGTH_ONE_TYPO or not (key.isascii() and key.isalpha()):
            return ""
        from rapidfuzz import process  # only a word that nothing else explains needs it
        from rapidfuzz.distance import OSA

        most = 1 if len(key) < _MIN_LENGTH_TWO_TYPOS else 2
        choices = self._by_initial.get(key[0], ())
        near = process.extract(key, choices, scorer=OSA.distance, score_cutoff=most, limit=None)
        least = min((distance for _, distance, _ in near), default=0)
        meant = [found for found, distance, _ in near if distance == least]
        return meant[0] if len(meant) == 1 else ""

    @cached_property
    def parts(self) -> frozenset[str]:
        """Keys of all tokens of all terms, whatever their language."""
        return frozenset(t.key for term in (*self.entries, *self.languages) for t in tokenize(term))

    @cached_property
    def _by_initial(self) -> dict[str, list[str]]:
        """Tokens of English terms by their first letter."""
        found: dict[str, list[str]] = {}
        for key in sorted({token.key for word in self.entries for token in tokenize(word)}):
            if len(key) >= _MIN_LENGTH_ONE_TYPO - 1 and key.isascii() and key.isalpha():
                found.setdefault(key[0], []).append(key)
        return found

    @cached_property
    def longest(self) -> int:
        """At least as many tokens as the longest term has."""
        return max(map(max_token_count, (*self.entries, *self.languages)), default=0)


def _entries(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = next(rows, [])
        if header != ["word", "kind", "description", "concepts"]:
            raise ValueError(f"{path}: its header is {header}")
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"{path}: cannot read {row}")
            yield Entry(*row)
