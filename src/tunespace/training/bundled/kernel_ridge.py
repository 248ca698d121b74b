"""Embed words that are in no lexicon: kernel ridge regression from similar lexicon words.

Kernel ridge regression (Saunders et al. 1998). Similarity is that of a strong sentence encoder and
of static word vectors; the word vectors know names of genres and instruments that are rare in the
encoder's training data.
"""

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tunespace.models.onnx_towers import normalize_rows

Vectors = npt.NDArray[np.float32]

_WORD = re.compile(r"[a-z0-9]+")
# Found by cross-validation over the words of the lexicon (docs/lab/bundled-model.md).
_SHARE_OF_SENTENCES = 0.75
_SHARPNESS = 3.0
_PENALTY = 0.25


class KernelRidge:
    """Map from texts to a space, fitted on texts with known embeddings."""

    def __init__(self, sentences: Vectors, words: Vectors, points: Vectors) -> None:
        """Fit the map.

        Args:
            sentences: ``(texts, width)`` float32, unit rows of a strong sentence encoder.
            words: ``(texts, other width)`` float32, unit rows or zero, see ``mean_words``.
            points: ``(texts, dim)`` float32 known embeddings.
        """
        self._sentences, self._words = sentences, words
        self._mean = points.mean(axis=0, dtype=np.float64)
        kernel = self._kernel(sentences, words)
        kernel[np.diag_indices_from(kernel)] += _PENALTY
        self._weights = np.linalg.solve(kernel, points - self._mean)

    def __call__(self, sentences: Vectors, words: Vectors) -> Vectors:
        """Return ``(texts, dim)`` float32, not normalised: the shorter, the less certain."""
        rows = [
            self._kernel(sentences[first : first + 1024], words[first : first + 1024])
            @ self._weights
            for first in range(0, len(sentences), 1024)
        ]
        points: Vectors = (np.concatenate(rows) + self._mean).astype(np.float32)
        return points

    def _kernel(self, sentences: Vectors, words: Vectors) -> npt.NDArray[np.float64]:
        by_sentence = np.exp(_SHARPNESS * (sentences @ self._sentences.T - 1.0))
        by_word = np.exp(_SHARPNESS * (words @ self._words.T - 1.0))
        share = _SHARE_OF_SENTENCES
        kernel: npt.NDArray[np.float64] = share * by_sentence + (1 - share) * by_word
        return kernel.astype(np.float64)


def mean_words(texts: list[str], vectors: Mapping[str, Vectors], width: int) -> Vectors:
    """Return ``(texts, width)`` float32 unit rows or zero: the mean of each text's words."""
    rows = np.zeros((len(texts), width), np.float32)
    for row, text in zip(rows, texts, strict=True):
        known = [vectors[word] for word in _WORD.findall(text.lower()) if word in vectors]
        if known:
            row[:] = np.mean(known, axis=0)
    return normalize_rows(rows)
