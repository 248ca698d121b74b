"""Calibrate cosines to scores of 0 to 100.

A cosine of .21 is high for one query and low for another. A track is therefore compared with music
in general: an equal mixture of the model's reference, music of many kinds, and the library itself.
A score of 50 means one standard deviation above the mean of that mixture, which about one track in
six reaches; 90 means two. A library without opera gives low scores to "opera", and a library of
nothing but jazz still gives high ones to "jazz".
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# One standard deviation above the mean is 50 points, two are 90.
_Z_AT_50 = 1.0
_STEEPNESS = 1.28
_MAX_LIBRARY_WEIGHT = 0.5


@dataclass(frozen=True)
class ScoreCalibration:
    """Map from cosines of one query to scores.

    Attributes:
        mean: Mean cosine of music in general.
        deviation: Standard deviation of these cosines.
    """

    mean: float
    deviation: float

    def scores_of(self, cosines: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the scores of many cosines, accurate to a tenth of a point."""
        steps = np.linspace(-1, 1, 4001)
        at_steps = np.array([self(step) for step in steps])
        scores: npt.NDArray[np.float32] = np.interp(cosines, steps, at_steps).astype(np.float32)
        return scores

    def __call__(self, cosine: float) -> float:
        """Return the score of a cosine, 0 to 100."""
        z = (cosine - self.mean) / self.deviation
        return 50 * (1 + math.erf(_STEEPNESS * (z - _Z_AT_50) / math.sqrt(2)))


def calibrate(
    query: npt.NDArray[np.float32],
    reference: npt.NDArray[np.float32],
    cosines: npt.NDArray[np.float32],
) -> ScoreCalibration:
    """Calibrate the scores of one query.

    Args:
        query: ``(dim,)`` float32, unit length.
        reference: ``(tracks, dim)`` float32, unit rows, reference of the model; may be empty.
        cosines: ``(tracks,)`` float32, cosines of the library's tracks.
    """
    samples = [values for values in (reference @ query, cosines) if len(values) > 1]
    if not samples:
        return ScoreCalibration(0.0, 1 / math.sqrt(len(query)))
    weights = [1.0]
    if len(samples) == 2:  # a few tracks are no sample of music in general
        weight = min(_MAX_LIBRARY_WEIGHT, len(cosines) / len(reference))
        weights = [1 - weight, weight]
    mean = sum(w * float(p.mean()) for w, p in zip(weights, samples, strict=True))
    square = sum(w * float(p @ p) / len(p) for w, p in zip(weights, samples, strict=True))
    return ScoreCalibration(mean, max(math.sqrt(max(square - mean**2, 0.0)), 1e-3))
