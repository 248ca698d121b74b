"""Principal directions: unnamed dimensions that distinguish music beside the concepts.

Two pieces of one artist can be similar in ways that 95 concepts do not describe. The joint outputs
of the taggers contain more: their principal directions, with variances partly equalised, so that
rare qualities count beside common ones (half of a whitening: with all of it, noise would count as
much as signal).
"""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def principal_directions(outputs: Vectors, count: int) -> tuple[Vectors, Vectors]:
    """Fit principal directions to the outputs for a collection.

    Args:
        outputs: ``(excerpts, outputs)`` float32.
        count: Maximum number of directions.

    Returns:
        ``(outputs, count)`` float32 and ``(count,)`` float32: ``outputs @ weights + intercept`` has
        mean 0, and the square root of each direction's standard deviation as its standard
        deviation.
    """
    mean = outputs.mean(axis=0, dtype=np.float64)
    centred = outputs - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(outputs))
    kept = np.argsort(-variances)[:count]
    kept = kept[variances[kept] > 1e-9 * variances.max()]
    weights = directions[:, kept] / variances[kept] ** 0.25
    return weights.astype(np.float32), (-mean @ weights).astype(np.float32)
