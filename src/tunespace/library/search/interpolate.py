"""Interpolate between two tracks: a path of tracks in even steps."""

import numpy as np
import numpy.typing as npt

from tunespace.library.store.vector_matrix import VectorMatrix

Vectors = npt.NDArray[np.float32]


def path_between(matrix: VectorMatrix, start: int, end: int, count: int) -> list[int]:
    """Return the rows of a path: each track is the nearest to an even step between both ends.

    Args:
        matrix: Embeddings of the library.
        start: Row of the first track.
        end: Row of the last track.
        count: Number of tracks, both ends included; fewer if the library has fewer.
    """
    if start == end:
        return [start]
    first, last = matrix.vectors[start], matrix.vectors[end]
    angle = float(np.arccos(np.clip(first @ last, -1.0, 1.0)))
    is_taken = np.zeros(len(matrix.vectors), bool)
    is_taken[[start, end]] = True
    between: list[int] = []
    for fraction in np.linspace(0, 1, max(2, count))[1:-1]:
        if is_taken.all():
            break
        cosines = matrix.vectors @ _interpolate(first, last, angle, float(fraction))
        cosines[is_taken] = -np.inf
        row = int(cosines.argmax())
        is_taken[row] = True
        between.append(row)
    return [start, *between, end]


def _interpolate(first: Vectors, last: Vectors, angle: float, fraction: float) -> Vectors:
    """Return a vector on the great circle (slerp); linear if both ends are equal or opposite.

    The result is not normalised: only its direction counts.
    """
    weights = (1 - fraction, fraction)
    if np.sin(angle) >= 1e-4:
        weights = (np.sin((1 - fraction) * angle), np.sin(fraction * angle))
    vector: Vectors = (weights[0] * first + weights[1] * last).astype(np.float32)
    return vector
