"""Which words fit a track best, and why.

Words compete for one track here, so what all music has in common is subtracted first: the mean of
the library, or of the model's reference where there is no library. (Genre accuracy on Emotify's 400
clips .623 without, .635 with.)
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunespace.errors import ModelError
from tunespace.library.search.score_calibration import calibrate
from tunespace.models import Model

Vectors = npt.NDArray[np.float32]

# Kinds of words as people ask for them, and as the lexicon calls them.
KINDS = {
    "genre": "genre",
    "mood": "mood",
    "instrument": "instrument",
    "voice": "vocal",
    "tempo": "rhythm",
    "use": "theme",
}
# A word that means nearly the same as a better one says nothing new.
_SYNONYM = 0.85
_REASONS = 3


@dataclass(frozen=True)
class DescriptiveWord:
    """A word that fits a track.

    Attributes:
        word: Of the lexicon.
        score: 0..100, as a search for the word would score the track.
        because: Concepts that the word asks for and the track has, strongest first; those that the
            word excludes and the track lacks begin with "no ".
    """

    word: str
    score: float
    because: tuple[str, ...]


def describe(
    model: Model, vector: Vectors, collection: Vectors, *, top: int
) -> dict[str, list[DescriptiveWord]]:
    """The words that fit a track best, by kind.

    Args:
        model: Its lexicon has the words.
        vector: ``(dim,)`` float32, unit length, of the track.
        collection: ``(tracks, dim)`` float32, unit rows, of the library; may be empty.
        top: Most words of each kind.

    Raises:
        ModelError: The model has no lexicon.
    """
    words = model.lexicon_vectors
    if words is None:
        raise ModelError(f"{model.name} has no lexicon to take words from")
    background = collection if len(collection) >= len(model.reference) else model.reference
    mean = background.mean(axis=0) if len(background) else np.zeros(model.dim, np.float32)
    entries = list(words.lexicon.entries.values())
    vectors = np.stack([words.vector(entry.word) for entry in entries])
    own = vector - mean
    fits = vectors @ own / max(float(np.linalg.norm(own)), 1e-9)
    kinds = np.array([entry.kind for entry in entries])
    found: dict[str, list[DescriptiveWord]] = {}
    for shown, kind in KINDS.items():
        rows = np.flatnonzero(kinds == kind)
        best: list[int] = []
        for row in rows[np.argsort(-fits[rows], kind="stable")]:
            if len(best) == top or fits[row] <= 0:
                break
            if not best or float((vectors[best] @ vectors[row]).max()) < _SYNONYM:
                best.append(int(row))
        found[shown] = [
            DescriptiveWord(
                entries[row].word,
                calibrate(vectors[row], model.reference, collection @ vectors[row])(
                    float(vectors[row] @ vector)
                ),
                _reasons(vectors[row], own, words.concepts),
            )
            for row in best
        ]
        found[shown].sort(key=lambda word: -word.score)
    return found


def _reasons(word: Vectors, own: Vectors, concepts: tuple[str, ...]) -> tuple[str, ...]:
    shares = word * own
    strongest = np.argsort(-shares)[:_REASONS]
    return tuple(
        ("" if word[column] > 0 else "no ") + concepts[column].replace("_", " ")
        for column in strongest
        if shares[column] > 0
    )
