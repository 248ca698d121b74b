"""Excerpts that student and teachers receive: windows of the music, and mixtures of two.

A mixture is music that is in no collection; the teachers receive the mixture itself, so that their
outputs are no approximation.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunespace.training.bundled.distillation.segments import Spectrograms

# The quieter part of a mixture is at most as loud as the other, and at least this much quieter.
_QUIETEST_DB = -12.0


@dataclass(frozen=True)
class Excerpts:
    """Windows to train on.

    Attributes:
        rows: ``(excerpts,)`` int64 segment of each excerpt.
        firsts: ``(excerpts,)`` int64 first frame in the segment.
        other_rows: ``(excerpts,)`` int64 segment that is mixed in; -1 for none.
        other_firsts: ``(excerpts,)`` int64 first frame of that segment.
        other_gains: ``(excerpts,)`` float32 gain of that segment in dB.
        held_out: ``(excerpts,)`` bool, never trained on.
    """

    rows: npt.NDArray[np.int64]
    firsts: npt.NDArray[np.int64]
    other_rows: npt.NDArray[np.int64]
    other_firsts: npt.NDArray[np.int64]
    other_gains: npt.NDArray[np.float32]
    held_out: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of excerpts."""
        return len(self.rows)

    def decibels(
        self, spectrograms: Spectrograms, excerpt: int, window: int
    ) -> npt.NDArray[np.float32]:
        """Return one excerpt as ``(window, n_mels)`` float32 decibels."""
        row, first = int(self.rows[excerpt]), int(self.firsts[excerpt])
        music = spectrograms.decibels(row, slice(first, first + window))
        if (other := int(self.other_rows[excerpt])) < 0:
            return music
        begin = int(self.other_firsts[excerpt])
        added = spectrograms.decibels(other, slice(begin, begin + window))
        power = 10 ** (music / 10) + 10 ** ((added + self.other_gains[excerpt]) / 10)
        mixed: npt.NDArray[np.float32] = 10 * np.log10(power)
        return np.minimum(mixed, spectrograms.front_end.max_db)


def draw_excerpts(
    readable: npt.NDArray[np.bool_],
    held_out: npt.NDArray[np.bool_],
    frames: int,
    *,
    window: int,
    each: int,
    mixed: float,
    seed: int,
) -> Excerpts:
    """Draw windows of every segment, and mixtures.

    Args:
        readable: ``(segments,)`` bool, whether a segment has a spectrogram.
        held_out: ``(segments,)`` bool; these are not mixed with any other.
        frames: Number of frames of a segment.
        window: Number of frames of a window.
        each: Number of windows of a segment, one in each equal part of it.
        mixed: Number of mixtures, as a fraction of the training windows.
        seed: Random seed.
    """
    random = np.random.default_rng(seed)
    rows = np.repeat(np.flatnonzero(readable), each)
    part = np.tile(np.arange(each), int(readable.sum()))
    firsts = ((part + random.random(len(rows))) * (frames - window + 1) / each).astype(np.int64)
    kept = held_out[rows]
    learned = np.flatnonzero(~kept)
    count = round(mixed * len(learned))
    pairs = random.choice(learned, (2, count)) if count else np.empty((2, 0), np.int64)
    shifted = random.integers(0, frames - window + 1, count)
    none = np.full(len(rows), -1)
    return Excerpts(
        rows=np.concatenate([rows, rows[pairs[0]]]),
        firsts=np.concatenate([firsts, shifted]),
        other_rows=np.concatenate([none, rows[pairs[1]]]),
        other_firsts=np.concatenate([none, firsts[pairs[1]]]),
        other_gains=random.uniform(_QUIETEST_DB, 0, len(rows) + count).astype(np.float32),
        held_out=np.concatenate([kept, np.zeros(count, bool)]),
    )
