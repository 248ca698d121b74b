"""Lexicon of music words, with the audible concepts that each stands for.

A lexicon is a table of word, kind, caption-like description and weights of audible concepts. A
second table maps words of other languages, and synonyms in English, to words of the first.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tunespace.text.normalize import fold, max_token_count, tokenize

# Words that do not describe music.
STOP_WORDS = frozenset(
    "song songs music musical sound sounds track tracks recording recordings tune tunes piece "
    "the a an of with and in for to on some by that is it its this but me my i want like".split()
)

# A Russian adjective in the dictionary's form (folded), and its other endings.
_RUSSIAN_MASCULINE = ("ыи", "ии", "ои")
_RUSSIAN_ENDINGS = "ое ее ая яя ые ие ого его ую юю ом ем ым им ых их ыми ими".split()

_MIN_LENGTH_ONE_TYPO = 5
_MIN_LENGTH_TWO_TYPOS = 10


class Entry(NamedTuple):  # thousands are made in a search: a dataclass takes 8 ms longer
    """Word of the lexicon.

    Attributes:
        word: Word in its usual spelling.
        kind: mood, genre, theme, instrument, sound, vocal, place, rhythm or era.
        description: Sound of the music that the word describes, without the word itself.
        weights: Weights as in the table: ``concept:weight,concept:weight``.

    Examples:
        >>> from tunespace import load_model
        >>> load_model().lexicon_vectors.lexicon.entries["banjo"].word
        'banjo'
    """

    word: str
    kind: str
    description: str
    weights: str

    @property
    def concepts(self) -> dict[str, float]:
        """Weight of each concept, -3 to 3, relative to a large mixed collection.

        Parsed on access: a search needs only a few of several thousand entries.

        Raises:
            ValueError: A weight is not a number.
        """
        pairs = (pair.rsplit(":", 1) for pair in self.weights.split(",") if pair)
        return {name: float(weight) for name, weight in pairs}


@dataclass(frozen=True)
class Lexicon:
    """Lexicon entries, and the words of other languages that map to them.

    Attributes:
        entries: Entries by word.
        languages: Maps words of other languages and English synonyms to words of ``entries``.

    Examples:
        >>> from tunespace import load_model
        >>> load_model().lexicon_vectors.lexicon.entries["banjo"].kind
        'instrument'
    """

    entries: dict[str, Entry]
    languages: dict[str, str]

    @classmethod
    def load(cls, lexicon: Path, languages: Path | None = None) -> "Lexicon":
        """Load both tables.

        Args:
            lexicon: Tab-separated file with the header word, kind, description, concepts.
            languages: Tab-separated file without header: word, language, word of the lexicon.

        Raises:
            ValueError: A row is not valid, or maps to a word that is not in the lexicon.
        """
        entries = {entry.word: entry for entry in _entries(lexicon)}
        pointers: dict[str, str] = {}
        if languages is not None:
            with languages.open(encoding="utf-8", newline="") as file:
                for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                    word, _, term = row
                    if term not in entries:
                        raise ValueError(
                            f"{languages}: {word!r} maps to {term!r}, which is not in the lexicon"
                        )
                    pointers.setdefault(word, term)
        return cls(entries, pointers)

    def prepare(self) -> None:
        """Compute the tables that every query needs, which are otherwise computed on first use."""
        _ = self.english_keys, self.foreign_keys, self.max_tokens

    @cached_property
    def english_keys(self) -> dict[str, str]:
        """Maps the normalised key of a word to the word."""
        keys: dict[str, str] = {}
        for word in self.entries:
            keys.setdefault(fold(word), word)
        return keys

    @cached_property
    def foreign_keys(self) -> dict[str, str]:
        """Maps the normalised key of a word of ``languages`` to its lexicon entry."""
        keys: dict[str, str] = {}
        for word, term in self.languages.items():
            keys.setdefault(fold(word), term)
        for key, term in list(keys.items()):
            if key.endswith(_RUSSIAN_MASCULINE):
                for ending in _RUSSIAN_ENDINGS:
                    keys.setdefault(key[:-2] + ending, term)
        return keys

    def nearest(self, key: str) -> str:
        """Return the lexicon token nearest to a misspelled key; empty if there is none or several.

        A typing error is one inserted, deleted, replaced or transposed letter, in long words up to
        two. The first letter is assumed to be right.
        """
        if len(key) < _MIN_LENGTH_ONE_TYPO or not (key.isascii() and key.isalpha()):
            return ""
        from rapidfuzz import process  # needed for unknown words only
        from rapidfuzz.distance import OSA

        cutoff = 1 if len(key) < _MIN_LENGTH_TWO_TYPOS else 2
        choices = self._by_initial.get(key[0], ())
        near = process.extract(key, choices, scorer=OSA.distance, score_cutoff=cutoff, limit=None)
        least = min((distance for _, distance, _ in near), default=0)
        nearest = [token for token, distance, _ in near if distance == least]
        return nearest[0] if len(nearest) == 1 else ""

    @cached_property
    def token_keys(self) -> frozenset[str]:
        """Keys of all tokens of all terms in all languages."""
        return frozenset(t.key for term in (*self.entries, *self.languages) for t in tokenize(term))

    @cached_property
    def _by_initial(self) -> dict[str, list[str]]:
        """Tokens of English terms by first letter."""
        tokens: dict[str, list[str]] = {}
        for key in sorted({token.key for word in self.entries for token in tokenize(word)}):
            if len(key) >= _MIN_LENGTH_ONE_TYPO - 1 and key.isascii() and key.isalpha():
                tokens.setdefault(key[0], []).append(key)
        return tokens

    @cached_property
    def max_tokens(self) -> int:
        """Upper bound of the number of tokens in a term."""
        return max(map(max_token_count, (*self.entries, *self.languages)), default=0)


def _entries(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = next(rows, [])
        if header != ["word", "kind", "description", "concepts"]:
            raise ValueError(f"{path}: unexpected header {header}")
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"{path}: invalid row {row}")
            yield Entry(*row)
