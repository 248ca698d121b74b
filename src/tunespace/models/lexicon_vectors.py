"""What words sound like: a lexicon's entries as vectors of concepts."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.errors import ModelError
from tunespace.models.onnx_towers import normalize_rows
from tunespace.text import Lexicon, ParsedQuery

Vectors = npt.NDArray[np.float32]


# What is not wanted must not outweigh what is: with 1, "piano but not sad" found no piano.
_NEGATIVE_WEIGHT = 0.5


class LexiconVectors:
    """The lexicon of a model, in its space.

    Attributes:
        lexicon: The entries.
        concepts: Names of the first dimensions, in order. What follows has no words: directions
            that tell music apart and that only music has.
        dim: Of the space.
    """

    def __init__(self, lexicon: Lexicon, concepts: tuple[str, ...], dim: int) -> None:
        """Takes the parts; ``load`` reads them from files."""
        self.lexicon = lexicon
        self.concepts = concepts
        self.dim = dim
        self._column = {name: column for column, name in enumerate(concepts)}

    @classmethod
    def load(
        cls, lexicon: Path, languages: Path | None, concepts: Path, dim: int
    ) -> "LexiconVectors":
        """Reads the tables of a model folder.

        Raises:
            ModelError: They cannot be read or do not belong together.
        """
        try:
            names = tuple(json.loads(concepts.read_text(encoding="utf-8")))
            words = cls(Lexicon.load(lexicon, languages), names, dim)
        except (OSError, ValueError) as error:
            raise ModelError(f"the lexicon of the model cannot be read: {error}") from error
        if len(names) > dim:
            raise ModelError(f"{concepts} names {len(names)} concepts, the model has {dim}")
        return words

    def vector(self, word: str) -> Vectors:
        """``(dim,)`` float32, unit length: the weights of an entry.

        Raises:
            ModelError: Its weights cannot be read, or it has a concept that is none.
        """
        vector = np.zeros(self.dim, np.float32)
        try:
            for name, weight in self.lexicon.entries[word].concepts.items():
                vector[self._column[name]] = weight
        except (KeyError, ValueError) as error:
            raise ModelError(f"the lexicon's entry {word!r} cannot be read: {error}") from error
        return normalize_rows(vector)

    def embed_terms(self, reading: ParsedQuery) -> Vectors:
        """``(dim,)`` float32: the sum of a query's terms, what is not wanted subtracted."""
        total = np.zeros(self.dim, np.float32)
        for term in reading.terms:
            weight = _NEGATIVE_WEIGHT if term.negated else 1.0
            total += self.vector(term.word) * np.float32(weight if term.wanted else -weight)
        return total
