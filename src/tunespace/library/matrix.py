"""All vectors of a space as one memory-mapped matrix, made from the store.

float32, scanned exactly by one matrix product: 100,000 x 95 takes 1.9 ms on one core. A scan in
int8 (numkong) took 1.5 ms and costs 46 MB installed, so it has to wait for wider spaces.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

from tunespace.library.store import Space, Store


@dataclass(frozen=True)
class Matrix:
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


def open_matrix(store: Store, space: Space) -> Matrix:
    """The matrix of the store as it is now; made when there is none yet.

    Where its folder cannot be written, it is made in memory.
    """
    generation = store.generation
    folder = store.folder / "vectors"
    place = folder / f"{space.id}-{generation}"
    try:
        return _mapped(place, generation)
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
        return _mapped(place, generation)
    except OSError:
        return Matrix(generation, ids, vectors)


def _mapped(place: Path, generation: int) -> Matrix:
    ids = np.load(place / "ids.npy")
    vectors = np.load(place / "vectors.npy", mmap_mode="r" if len(ids) else None)
    return Matrix(generation, ids, np.asarray(vectors))
