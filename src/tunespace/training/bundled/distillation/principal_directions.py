"""Directions of a space that no word names, and that tell music apart.

Two pieces of one artist can sound alike in ways that 95 concepts do not say. What taggers say
together holds more: its principal directions, each brought nearer to the spread of the others, so
that what is rare counts beside what is common (half of a whitening: with all of it, noise counts as
much as anything).
"""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def principal_directions(outputs: Vectors, count: int) -> tuple[Vectors, Vectors]:
    """Fits directions on what is said of a collection.

    Args:
        outputs: ``(excerpts, outputs)`` float32.
        count: Of directions, at most.

    Returns:
        ``(outputs, count)`` float32 and ``(count,)`` float32: ``outputs @ weights + intercept`` has
        mean 0, and the square root of each direction's deviation for its deviation.
    """
    mean = outputs.mean(axis=0, dtype=np.float64)
    centred = outputs - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(outputs))
    kept = np.argsort(-variances)[:count]
    kept = kept[variances[kept] > 1e-9 * variances.max()]
    weights = directions[:, kept] / variances[kept] ** 0.25
    return weights.astype(np.float32), (-mean @ weights).astype(np.float32)
