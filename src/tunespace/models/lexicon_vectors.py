"""Embeddings of lexicon entries: weights of concepts as vectors."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.errors import ModelError
from tunespace.models.onnx_towers import normalize_rows
from tunespace.text import Lexicon, ParsedQuery

Vectors = npt.NDArray[np.float32]


# Weight of unwanted terms, which must not outweigh wanted ones: with 1, "piano but not sad"
# returned no piano.
_NEGATIVE_WEIGHT = 0.5


class LexiconVectors:
    """Lexicon of a model in its embedding space.

    Attributes:
        lexicon: Lexicon entries.
        concepts: Names of the first dimensions, in order. Further dimensions have no names: they
            distinguish music, and text embeddings are zero there.
        dim: Dimension of the embedding space.
    """

    def __init__(self, lexicon: Lexicon, concepts: tuple[str, ...], dim: int) -> None:
        """Take the parts; ``load`` reads them from files."""
        self.lexicon = lexicon
        self.concepts = concepts
        self.dim = dim
        self._column = {name: column for column, name in enumerate(concepts)}

    @classmethod
    def load(
        cls, lexicon: Path, languages: Path | None, concepts: Path, dim: int
    ) -> "LexiconVectors":
        """Load the tables of a model folder.

        Raises:
            ModelError: The tables cannot be read or do not match.
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
        """Return the ``(dim,)`` float32 unit embedding of an entry, the weights of its concepts.

        Raises:
            ModelError: The weights are not valid, or name an unknown concept.
        """
        vector = np.zeros(self.dim, np.float32)
        try:
            for name, weight in self.lexicon.entries[word].concepts.items():
                vector[self._column[name]] = weight
        except (KeyError, ValueError) as error:
            raise ModelError(f"the lexicon's entry {word!r} cannot be read: {error}") from error
        return normalize_rows(vector)

    def embed_terms(self, reading: ParsedQuery) -> Vectors:
        """Return the ``(dim,)`` float32 sum of a query's terms, unwanted ones subtracted."""
        total = np.zeros(self.dim, np.float32)
        for term in reading.terms:
            weight = _NEGATIVE_WEIGHT if term.negated else 1.0
            total += self.vector(term.word) * np.float32(weight if term.wanted else -weight)
        return total
