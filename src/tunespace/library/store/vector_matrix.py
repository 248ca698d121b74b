"""Embeddings of a space as one memory-mapped matrix, derived from the store.

float32, scanned exactly by one matrix product: 100,000 x 95 takes 1.9 ms on one core. A scan in
int8 (numkong) took 1.5 ms and costs 46 MB installed; it pays off for wider spaces only.
"""

import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

from tunespace.library.store.base import Store
from tunespace.library.store.records import Space

# Pause between two reloads in the background, as a multiple of the duration of the last one.
_RELOAD_PAUSE_FACTOR = 10.0


@dataclass(frozen=True)
class VectorMatrix:
    """Embeddings of a space.

    Attributes:
        generation: Generation of the store that the matrix was read from.
        ids: ``(tracks,)`` int64 track ids, ascending.
        vectors: ``(tracks, dim)`` float32, unit rows.
    """

    generation: int
    ids: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]

    def vector_of(self, id_: int) -> npt.NDArray[np.float32] | None:
        """Return the ``(dim,)`` float32 embedding of a track; None if it has none."""
        row = int(np.searchsorted(self.ids, id_))
        if row == len(self.ids) or self.ids[row] != id_:
            return None
        vector: npt.NDArray[np.float32] = self.vectors[row]
        return vector

    def rows_of(
        self, ids: set[int] | frozenset[int] | npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return the rows, ascending, of those ids that have an embedding."""
        wanted = np.sort(ids if isinstance(ids, np.ndarray) else np.array(list(ids), np.int64))
        rows = np.searchsorted(self.ids, wanted)
        rows = rows[rows < len(self.ids)] if len(self.ids) else rows[:0]
        return rows[np.isin(self.ids[rows], wanted)]


class MatrixCache:
    """Matrix of one library, shared by all threads that search it and opened once a generation.

    Attributes:
        background: Whether searches go on with the last generation while the next one is opened in
            a thread. While music is being indexed the library changes every second, and opening
            100,000 embeddings takes half a second.
    """

    def __init__(self, *, background: bool = False) -> None:
        """Create an empty cache."""
        self.background = background
        self._lock = threading.Lock()
        self._matrix: VectorMatrix | None = None
        self._space = -1
        self._last_vector_id = 0
        self._opening: threading.Thread | None = None
        self._not_before = 0.0

    def open(self, store: Store, space: Space) -> VectorMatrix:
        """Return the matrix of the store's current generation, or of a recent one."""
        with self._lock:
            matrix = self._matrix
            if matrix is None or self._space != space.id or not self.background:
                if matrix is None or (self._space, matrix.generation) != (
                    space.id,
                    store.generation,
                ):
                    matrix = open_matrix(store, space)
                    self._matrix, self._space = matrix, space.id
                return matrix
            is_idle = self._opening is None or not self._opening.is_alive()
            if (
                is_idle
                and matrix.generation != store.generation
                and time.monotonic() > self._not_before
            ):
                self._opening = threading.Thread(
                    target=self._open_next, args=(store, space), daemon=True
                )
                self._opening.start()
            return matrix

    def _open_next(self, store: Store, space: Space) -> None:
        began = time.monotonic()
        own = store.reopen()
        try:
            last = own.last_vector_id(space)
            with self._lock:
                matrix, before = self._matrix, self._last_vector_id
            new = _append_new(own, space, matrix, before) if matrix is not None else None
            if new is None:
                new = open_matrix(own, space)
        finally:
            own.close()
        with self._lock:
            if self._space == space.id:
                self._matrix, self._last_vector_id = new, last
            now = time.monotonic()
            self._not_before = now + _RELOAD_PAUSE_FACTOR * (now - began)


def _append_new(
    store: Store, space: Space, old: VectorMatrix, last_vector_id: int
) -> VectorMatrix | None:
    """Return the matrix with the embeddings stored since; None if it has to be read as a whole."""
    generation = store.generation
    new_ids, new_vectors, total = store.vectors_since(space, last_vector_id)
    if store.generation != generation:  # written between the two reads: try again later
        return old
    kept = ~np.isin(old.ids, new_ids)
    if int(kept.sum()) + len(new_ids) != total:  # tracks were deleted
        return None
    ids = np.concatenate([old.ids[kept], new_ids])
    vectors = np.concatenate([old.vectors[kept], new_vectors])
    order = np.argsort(ids, kind="stable")
    if np.array_equal(order, np.arange(len(ids))):  # new tracks usually have higher ids
        return VectorMatrix(generation, ids, vectors)
    return VectorMatrix(generation, ids[order], vectors[order])


def open_matrix(store: Store, space: Space) -> VectorMatrix:
    """Open the matrix of the store's current generation, and write it if there is none yet.

    If its folder is not writable, the matrix is held in memory.
    """
    generation = store.generation
    folder = store.folder / "vectors"
    place = folder / f"{space.id}-{generation}"
    try:
        return _open_mapped(place, generation)
    except OSError:
        pass
    ids, vectors = store.vectors(space)
    if store.generation != generation:  # written between the two reads
        return open_matrix(store, space)
    try:
        folder.mkdir(exist_ok=True)
        new = Path(mkdtemp(dir=folder, prefix="new-"))
        np.save(new / "ids.npy", ids)
        np.save(new / "vectors.npy", vectors)
        try:
            os.replace(new, place)
        except OSError:  # another reader was first
            shutil.rmtree(new, ignore_errors=True)
        for old in folder.iterdir():
            if old != place and not old.name.startswith("new-"):
                shutil.rmtree(old, ignore_errors=True)
        return _open_mapped(place, generation)
    except OSError:
        return VectorMatrix(generation, ids, vectors)


def _open_mapped(place: Path, generation: int) -> VectorMatrix:
    ids = np.load(place / "ids.npy")
    vectors = np.load(place / "vectors.npy", mmap_mode="r" if len(ids) else None)
    return VectorMatrix(generation, ids, np.asarray(vectors))
