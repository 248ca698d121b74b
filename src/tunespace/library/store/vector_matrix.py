"""Embeddings of a space as one memory-mapped matrix, derived from the store.

float32, scanned exactly by one matrix product: 100,000 x 95 takes 1.9 ms on one core. A scan in
int8 (numkong) took 1.5 ms and costs 46 MB installed; it pays off for wider spaces only.
"""

import json
import os
import shutil
import threading
import time
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import mkdtemp
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from tunespace.files import replacing, sync_folder, write_text
from tunespace.library.store.base import Store
from tunespace.library.store.records import Space

# Pause between two reloads in the background, as a multiple of the duration of the last one.
_RELOAD_PAUSE_FACTOR = 10.0
_IDS, _VECTORS, _CHECKSUMS = "ids.npy", "vectors.npy", "checksums.json"

DAMAGED_ARRAYS = (OSError, ValueError, KeyError, EOFError, BadZipFile)
"""Errors of numpy for a file of arrays that is missing, empty, cut or not one."""


@dataclass(frozen=True)
class VectorMatrix:
    """Embeddings of a space.

    Attributes:
        revision: Revision of the store that the matrix was read from.
        ids: ``(tracks,)`` int64 track ids, ascending.
        vectors: ``(tracks, dim)`` float32, unit rows.
    """

    revision: str
    ids: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]

    def is_of(self, store: Store) -> bool:
        """Return whether the matrix was read from a store in this or an earlier generation."""
        identity, _, rest = self.revision.partition("-")
        return identity == store.identity and int(rest.partition("-")[0]) <= store.generation

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
    """Matrix of one library, shared by all threads that search it and opened once a revision.

    Attributes:
        background: Whether searches go on with the last revision while the next one is opened in
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

    def clear(self) -> None:
        """Forget the matrix: the store was replaced."""
        with self._lock:
            self._matrix, self._last_vector_id = None, 0

    def open(self, store: Store, space: Space) -> VectorMatrix:
        """Return the matrix of the store's current revision, or of a recent one."""
        with self._lock:
            matrix = self._matrix
            if matrix is not None and not matrix.is_of(store):
                matrix = None
            if matrix is None or self._space != space.id or not self.background:
                if matrix is None or (self._space, matrix.revision) != (space.id, store.revision):
                    matrix = open_matrix(store, space)
                    self._matrix, self._space = matrix, space.id
                return matrix
            is_idle = self._opening is None or not self._opening.is_alive()
            if (
                is_idle
                and matrix.revision != store.revision
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
    revision = store.revision
    if not old.is_of(store):
        return None
    new_ids, new_vectors, total = store.vectors_since(space, last_vector_id)
    if store.revision != revision:  # written between the two reads: try again later
        return old
    kept = ~np.isin(old.ids, new_ids)
    if int(kept.sum()) + len(new_ids) != total:  # tracks were deleted
        return None
    ids = np.concatenate([old.ids[kept], new_ids])
    vectors = np.concatenate([old.vectors[kept], new_vectors])
    order = np.argsort(ids, kind="stable")
    if np.array_equal(order, np.arange(len(ids))):  # new tracks usually have higher ids
        return VectorMatrix(revision, ids, vectors)
    return VectorMatrix(revision, ids[order], vectors[order])


def open_matrix(store: Store, space: Space) -> VectorMatrix:
    """Open the matrix of the store's current revision, and write it if there is none yet.

    A stored matrix is used only if its checksum is right. If its folder is not writable, the matrix
    is held in memory.
    """
    revision = store.revision
    folder = store.folder / "vectors"
    place = folder / f"{space.id}-{revision}"
    try:
        return _open_mapped(place, revision)
    except DAMAGED_ARRAYS:
        pass  # missing, or damaged
    ids, vectors = store.vectors(space)
    if store.revision != revision:  # written between the two reads
        return open_matrix(store, space)
    try:
        folder.mkdir(exist_ok=True)
        _write(folder, place, ids, vectors)
        for old in folder.iterdir():
            if old != place and not old.name.startswith("new-"):
                shutil.rmtree(old, ignore_errors=True)
        return _open_mapped(place, revision)
    except DAMAGED_ARRAYS:
        return VectorMatrix(revision, ids, vectors)


def _write(
    folder: Path, place: Path, ids: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]
) -> None:
    """Write a matrix so that it is complete, or missing, after a power failure."""
    new = Path(mkdtemp(dir=folder, prefix="new-"))
    for name, array in ((_IDS, ids), (_VECTORS, vectors)):
        with replacing(new / name) as file:
            np.save(file, array)
    sums = {name: _checksum(new / name) for name in (_IDS, _VECTORS)}
    write_text(new / _CHECKSUMS, json.dumps(sums))
    try:
        os.replace(new, place)
    except OSError:  # another reader was first, or a damaged matrix is in its place
        try:
            _open_mapped(place, "")
            shutil.rmtree(new, ignore_errors=True)
        except DAMAGED_ARRAYS:
            shutil.rmtree(place)
            os.replace(new, place)
    sync_folder(folder)


def _open_mapped(place: Path, revision: str) -> VectorMatrix:
    """Open a stored matrix.

    Raises:
        OSError: A file is missing or truncated.
        ValueError: The content is not what was written.
        KeyError: The checksums are incomplete.
    """
    sums = json.loads((place / _CHECKSUMS).read_text(encoding="utf-8"))
    # Before the files are parsed: a damaged header may lead to any error.
    if {name: _checksum(place / name) for name in (_IDS, _VECTORS)} != sums:
        raise ValueError(f"{place} is damaged")
    ids = np.load(place / _IDS)
    vectors = np.load(place / _VECTORS, mmap_mode="r" if len(ids) else None)
    return VectorMatrix(revision, ids, np.asarray(vectors))


def _checksum(path: Path) -> str:
    """Return the checksum of a file.

    Raises:
        ValueError: The file is empty.
    """
    from xxhash import xxh3_128_hexdigest  # as fast as memory: a search reads the matrix anyway

    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return xxh3_128_hexdigest(content)
