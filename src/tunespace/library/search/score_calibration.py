"""Scores that people can read: 0 to 100, from cosines that they cannot.

A cosine of .21 is much for one query and little for another. So a track is compared with music in
general: half of it the model's reference, music of many kinds, half of it the library itself. 50
means as near as one standard deviation above that mixture, which about one track in six of it
reaches; 90 means two deviations. A library without any opera gives low scores to "opera", and a
library of nothing but jazz still gives good ones to "jazz".
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# One deviation above the middle is 50 points, two are 90.
_Z_AT_50 = 1.0
_STEEPNESS = 1.28
_MAX_LIBRARY_WEIGHT = 0.5


@dataclass(frozen=True)
class ScoreCalibration:
    """How cosines of one query become scores."""

    mean: float
    deviation: float

    def scores_of(self, cosines: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The same of many, to a tenth of a point."""
        steps = np.linspace(-1, 1, 4001)
        scores = np.array([self(step) for step in steps])
        found: npt.NDArray[np.float32] = np.interp(cosines, steps, scores).astype(np.float32)
        return found

    def __call__(self, cosine: float) -> float:
        """0..100, rising with the cosine."""
        z = (cosine - self.mean) / self.deviation
        return 50 * (1 + math.erf(_STEEPNESS * (z - _Z_AT_50) / math.sqrt(2)))


def calibrate(
    query: npt.NDArray[np.float32],
    reference: npt.NDArray[np.float32],
    cosines: npt.NDArray[np.float32],
) -> ScoreCalibration:
    """The scale of one query.

    Args:
        query: ``(dim,)`` float32, unit length.
        reference: ``(tracks, dim)`` float32, unit rows; may be empty.
        cosines: ``(tracks,)`` float32, of the library.
    """
    parts = [values for values in (reference @ query, cosines) if len(values) > 1]
    if not parts:
        return ScoreCalibration(0.0, 1 / math.sqrt(len(query)))
    weights = [1.0]
    if len(parts) == 2:  # a handful of tracks says little about music in general
        share = min(_MAX_LIBRARY_WEIGHT, len(cosines) / len(reference))
        weights = [1 - share, share]
    mean = sum(w * float(p.mean()) for w, p in zip(weights, parts, strict=True))
    square = sum(w * float(p @ p) / len(p) for w, p in zip(weights, parts, strict=True))
    return ScoreCalibration(mean, max(math.sqrt(max(square - mean**2, 0.0)), 1e-3))
