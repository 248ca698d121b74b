"""From one track to another in even steps."""

import numpy as np
import numpy.typing as npt

from tunespace.library.store.vector_matrix import VectorMatrix

Vectors = npt.NDArray[np.float32]


def path_between(matrix: VectorMatrix, start: int, end: int, count: int) -> list[int]:
    """Rows of a path: both ends and tracks between them, each the nearest to its place on the way.

    Args:
        matrix: Of the library.
        start: Row of the first track.
        end: Row of the last.
        count: Of tracks, both ends counted; fewer where the library has fewer.
    """
    if start == end:
        return [start]
    one, other = matrix.vectors[start], matrix.vectors[end]
    angle = float(np.arccos(np.clip(one @ other, -1.0, 1.0)))
    taken = np.zeros(len(matrix.vectors), bool)
    taken[[start, end]] = True
    between: list[int] = []
    for part in np.linspace(0, 1, max(2, count))[1:-1]:
        if taken.all():
            break
        cosines = matrix.vectors @ _interpolate(one, other, angle, float(part))
        cosines[taken] = -np.inf
        row = int(cosines.argmax())
        taken[row] = True
        between.append(row)
    return [start, *between, end]


def _interpolate(one: Vectors, other: Vectors, angle: float, part: float) -> Vectors:
    """A point on the great circle (slerp); on the chord where the ends are the same or opposite."""
    weights = (1 - part, part)
    if np.sin(angle) >= 1e-4:
        weights = (np.sin((1 - part) * angle), np.sin(part * angle))
    point: Vectors = (weights[0] * one + weights[1] * other).astype(np.float32)
    return point  # of whatever length: only its direction counts
