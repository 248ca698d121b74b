"""Segments of music for the student and its teachers.

Spectrograms are computed once and stored as one byte a value (about half a decibel), in order: an
interrupted run is resumed.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.audio import LogMel, decode_blocks
from tunespace.errors import AudioError

SEGMENT_SECONDS = 29.0


@dataclass(frozen=True)
class Segments:
    """Segments of audio files.

    Attributes:
        paths: ``(segments,)`` str file of each segment, relative to a music folder.
        starts: ``(segments,)`` float64 start in its file, in seconds.
    """

    paths: npt.NDArray[np.str_]
    starts: npt.NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> "Segments":
        """Load an ``.npz`` with ``path`` and ``start``."""
        with np.load(path, allow_pickle=False) as file:
            return cls(file["path"], file["start"])


@dataclass(frozen=True)
class Spectrograms:
    """Log-mel spectrograms of segments with one byte a value.

    Attributes:
        values: ``(segments, frames, n_mels)`` uint8.
        readable: ``(segments,)`` bool, False if the file is missing or unreadable.
        front_end: Front end; its range in dB is mapped to 0 to 255.
    """

    values: npt.NDArray[np.uint8]
    readable: npt.NDArray[np.bool_]
    front_end: LogMel

    def decibels(self, row: int, frames: slice = slice(None)) -> npt.NDArray[np.float32]:
        """Return one segment, or some of its frames, as ``(frames, n_mels)`` float32 decibels."""
        step = np.float32(decibels_per_step(self.front_end))
        decibels: npt.NDArray[np.float32] = self.values[row, frames] * step
        return decibels + np.float32(self.front_end.min_db)


def decibels_per_step(front_end: LogMel) -> float:
    """Return the decibels of one step if 255 steps cover the range of a front end."""
    return (front_end.max_db - front_end.min_db) / 255


def make_spectrograms(
    segments: Segments, music: Path, front_end: LogMel, cache: Path, *, workers: int
) -> Spectrograms:
    """Compute the spectrogram of each segment, or load it from ``cache``.

    Args:
        segments: Segments.
        music: Folder that their paths are relative to.
        front_end: Log-mel front end of the student.
        cache: Folder of the results; must belong to the same segments and front end.
        workers: Number of processes.
    """
    cache.mkdir(parents=True, exist_ok=True)
    frames = round(SEGMENT_SECONDS * front_end.sample_rate / front_end.hop)
    shape = (len(segments.paths), frames, front_end.n_mels)
    values = _memory_map(cache / "spectrograms.npy", shape)
    # 0 not tried yet, 1 done, 2 unreadable
    state = _memory_map(cache / "state.npy", shape[:1])
    wanted = [
        (path, [index for index, _ in group])
        for path, group in groupby(enumerate(segments.paths), lambda item: str(item[1]))
    ]
    left = [(path, rows) for path, rows in wanted if not state[rows].all()]
    with ProcessPoolExecutor(workers) as pool:
        jobs = {
            pool.submit(_of_one_file, music / path, segments.starts[rows], frames, front_end): rows
            for path, rows in left
        }
        for done, job in enumerate(as_completed(jobs), start=1):
            rows = jobs[job]
            made = job.result()
            if isinstance(made, str):
                print(made, flush=True)
            else:
                values[rows] = made
                values.flush()
            state[rows] = 2 if isinstance(made, str) else 1
            state.flush()
            if done % 50 == 0 or done == len(jobs):
                print(f"spectrograms: {done} of {len(jobs)} files", flush=True)
    return Spectrograms(values, np.asarray(state == 1), front_end)


def _memory_map(
    path: Path, shape: tuple[int, ...]
) -> "np.memmap[tuple[int, ...], np.dtype[np.uint8]]":
    if not path.exists():
        new = path.with_suffix(".new")
        np.lib.format.open_memmap(new, mode="w+", dtype=np.uint8, shape=shape).flush()
        new.rename(path)
    table = np.lib.format.open_memmap(path, mode="r+")
    if table.shape != shape:
        raise ValueError(f"{path} holds shape {table.shape}, not {shape}: name another cache")
    return table


def _of_one_file(
    path: Path, starts: npt.NDArray[np.float64], frames: int, front_end: LogMel
) -> npt.NDArray[np.uint8] | str:
    """Return ``(starts, frames, n_mels)`` uint8, or why the file cannot be read."""
    try:
        blocks = front_end.stream(decode_blocks(path, front_end.sample_rate))
        whole = np.concatenate([_as_bytes(block, front_end) for block in blocks])
    except AudioError as error:
        return str(error)
    return np.stack(list(_cut(whole, starts * front_end.sample_rate / front_end.hop, frames)))


def _cut(
    whole: npt.NDArray[np.uint8], starts: npt.NDArray[np.float64], frames: int
) -> Iterator[npt.NDArray[np.uint8]]:
    if len(whole) < frames:  # a short file is repeated
        whole = np.resize(whole, (frames, whole.shape[1]))
    for start in starts:
        first = min(round(start), len(whole) - frames)
        yield whole[first : first + frames]


def _as_bytes(decibels: npt.NDArray[np.float32], front_end: LogMel) -> npt.NDArray[np.uint8]:
    steps = (decibels - front_end.min_db) / decibels_per_step(front_end)
    values: npt.NDArray[np.uint8] = np.rint(steps).astype(np.uint8)
    return values
