"""All vectors of a space as one memory-mapped matrix, made from the store.

float32, scanned exactly by one matrix product: 100,000 x 95 takes 1.9 ms on one core. A scan in
int8 (numkong) took 1.5 ms and costs 46 MB installed, so it has to wait for wider spaces.
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

from tunespace.library.store.sqlite import Space, Store

# So many times as long as opening a state took passes before the next is opened.
_RELOAD_PAUSE_FACTOR = 10.0


@dataclass(frozen=True)
class VectorMatrix:
    """The vectors of a space.

    Attributes:
        generation: Of the store that it was made from.
        ids: ``(tracks,)`` int64, ascending.
        vectors: ``(tracks, dim)`` float32, unit rows.
    """

    generation: int
    ids: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]

    def vector_of(self, id_: int) -> npt.NDArray[np.float32] | None:
        """``(dim,)`` float32 of a track; none where it has no vector."""
        row = int(np.searchsorted(self.ids, id_))
        if row == len(self.ids) or self.ids[row] != id_:
            return None
        vector: npt.NDArray[np.float32] = self.vectors[row]
        return vector

    def rows_of(self, tracks: set[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Rows, ascending, of those of some tracks that have vectors."""
        ids = np.sort(np.array(list(tracks), np.int64) if isinstance(tracks, set) else tracks)
        rows = np.searchsorted(self.ids, ids)
        rows = rows[rows < len(self.ids)] if len(self.ids) else rows[:0]
        return rows[np.isin(self.ids[rows], ids)]


class MatrixCache:
    """The matrix of one library, for all threads that search it: opened once for each state.

    Attributes:
        behind: Whether searches go on with the last state while the next is opened beside them:
            while a library is being indexed it changes every second, and opening 100,000 vectors
            takes half of one.
    """

    def __init__(self, *, behind: bool = False) -> None:
        """Opens nothing yet."""
        self.behind = behind
        self._lock = threading.Lock()
        self._matrix: VectorMatrix | None = None
        self._space = -1
        self._newest = 0
        self._opening: threading.Thread | None = None
        self._not_before = 0.0

    def open(self, store: Store, space: Space) -> VectorMatrix:
        """The matrix of the store as it is now, or as it was a moment ago."""
        with self._lock:
            matrix = self._matrix
            if matrix is None or self._space != space.id or not self.behind:
                if matrix is None or (self._space, matrix.generation) != (
                    space.id,
                    store.generation,
                ):
                    matrix = open_matrix(store, space)
                    self._matrix, self._space = matrix, space.id
                return matrix
            idle = self._opening is None or not self._opening.is_alive()
            if (
                idle
                and matrix.generation != store.generation
                and time.monotonic() > self._not_before
            ):
                self._opening = threading.Thread(
                    target=self._open_next, args=(store.folder, space), daemon=True
                )
                self._opening.start()
            return matrix

    def _open_next(self, folder: Path, space: Space) -> None:
        began = time.monotonic()
        store = Store(folder, create=False)  # a connection belongs to a thread
        try:
            newest = store.newest(space)
            with self._lock:
                matrix, before = self._matrix, self._newest
            grown = _append_new(store, space, matrix, before) if matrix is not None else None
            if grown is None:
                grown = open_matrix(store, space)
        finally:
            store.close()
        with self._lock:
            if self._space == space.id:
                self._matrix, self._newest = grown, newest
            now = time.monotonic()
            self._not_before = now + _RELOAD_PAUSE_FACTOR * (now - began)


def _append_new(store: Store, space: Space, old: VectorMatrix, newest: int) -> VectorMatrix | None:
    """The matrix with what was stored since; none where it has to be made anew."""
    generation = store.generation
    new_ids, blobs, total = store.vectors_since(space, newest)
    if store.generation != generation:  # written between the readings: the next time, then
        return old
    fresh = np.array(new_ids, np.int64)
    kept = ~np.isin(old.ids, fresh)
    if int(kept.sum()) + len(fresh) != total:  # some were removed
        return None
    ids = np.concatenate([old.ids[kept], fresh])
    vectors = np.concatenate(
        [old.vectors[kept], np.frombuffer(b"".join(blobs), np.float32).reshape(-1, space.dim)]
    )
    order = np.argsort(ids, kind="stable")
    if np.array_equal(order, np.arange(len(ids))):  # new tracks have higher ids, mostly
        return VectorMatrix(generation, ids, vectors)
    return VectorMatrix(generation, ids[order], vectors[order])


def open_matrix(store: Store, space: Space) -> VectorMatrix:
    """The matrix of the store as it is now; made when there is none yet.

    Where its folder cannot be written, it is made in memory.
    """
    generation = store.generation
    folder = store.folder / "vectors"
    place = folder / f"{space.id}-{generation}"
    try:
        return _open_mapped(place, generation)
    except OSError:
        pass
    ids, vectors = store.vectors(space)
    if store.generation != generation:  # written between the two readings
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
