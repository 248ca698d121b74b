"""Rank tracks by their cosines: the highest values, and batches of candidates under a filter."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tunespace.library.store.base import Store
from tunespace.library.store.filters import Filter
from tunespace.library.store.vector_matrix import VectorMatrix

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# Artist cap and duplicates may use up many candidates; SQLite takes this many parameters at once.
_MAX_BATCH = 4096
# Values that are compared as one block when the highest are selected.
_BLOCK = 256
# Number of the best candidates that a filter is tried on before it is evaluated for all tracks.
_FILTER_FIRST_COUNT = 1024


def candidate_batches(
    values: Vectors, matrix: VectorMatrix, store: Store, where: Filter | None, first_size: int
) -> Iterator[tuple[Rows, float]]:
    """Yield rows that a filter allows, highest values first, in growing batches.

    Args:
        values: ``(tracks,)`` float32; minus infinity for tracks that are no candidates.
        matrix: Embeddings of the library.
        store: Store of the library.
        where: Filter; None for none.
        first_size: Size of the first batch.

    Yields:
        Rows of a batch, and the lowest of their values.
    """
    left = values.copy()
    size = first_size
    if where is not None:
        # Most filters allow enough of the best candidates: then the others need not be evaluated.
        rows = top_rows(left, _FILTER_FIRST_COUNT)
        ids = matrix.ids[rows]
        rows = rows[np.isin(ids, store.matching_ids(where, ids))]
        if len(rows) >= size:
            rows = rows[:size]
            yield rows, float(left[rows[-1]])
            left[rows] = -np.inf
        is_refused = np.ones(len(left), bool)
        is_refused[matrix.rows_of(store.matching_ids(where))] = False
        left[is_refused] = -np.inf
    while len(rows := top_rows(left, size)):
        yield rows, float(left[rows[-1]])
        left[rows] = -np.inf
        size = min(4 * size, _MAX_BATCH)


def top_rows(values: Vectors, count: int) -> Rows:
    """Return the rows of the highest values that are not minus infinity, highest first.

    The ``count`` highest values lie in at most as many blocks, those with the highest maxima: one
    pass finds the blocks, and only these are sorted. A partition of a million values takes ten
    times as long.

    Examples:
        >>> top_rows(np.array([0.1, 0.9, 0.5], np.float32), 2).tolist()
        [1, 2]
    """
    count = min(count, len(values))
    rows = np.arange(len(values))
    blocks = len(values) // _BLOCK
    if count < blocks:
        maxima = values[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        chosen = np.argpartition(maxima, blocks - count)[blocks - count :]
        rows = (chosen[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
        rows = np.concatenate([rows, np.arange(blocks * _BLOCK, len(values))])
    some = values[rows]
    if count < len(rows):
        chosen = np.argpartition(some, len(rows) - count)[len(rows) - count :]
        rows, some = rows[chosen], some[chosen]
    rows = rows[np.lexsort((rows, -some))]
    return rows[np.isfinite(values[rows])]
