"""What student and teachers hear: windows of the music, and mixtures of two.

Music that is played together is music that no collection holds; the teachers hear the mixture
itself, so that what they say of it is no guess.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunespace.training.bundled.distillation.segments import Spectrograms

# A mixture's quieter part is at most as loud as the other, and at least this much quieter.
_QUIETEST_DB = -12.0


@dataclass(frozen=True)
class Excerpts:
    """Which windows are heard.

    Attributes:
        rows: ``(excerpts,)`` int64, the segment of each.
        firsts: ``(excerpts,)`` int64, its first frame there.
        other_rows: ``(excerpts,)`` int64, the segment that is mixed in; -1 where there is none.
        other_firsts: ``(excerpts,)`` int64.
        other_gains: ``(excerpts,)`` float32, decibels.
        held_out: ``(excerpts,)`` bool, never learned from.
    """

    rows: npt.NDArray[np.int64]
    firsts: npt.NDArray[np.int64]
    other_rows: npt.NDArray[np.int64]
    other_firsts: npt.NDArray[np.int64]
    other_gains: npt.NDArray[np.float32]
    held_out: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.rows)

    def decibels(
        self, spectrograms: Spectrograms, excerpt: int, window: int
    ) -> npt.NDArray[np.float32]:
        """``(window, n_mels)`` float32 of one excerpt."""
        row, first = int(self.rows[excerpt]), int(self.firsts[excerpt])
        heard = spectrograms.decibels(row, slice(first, first + window))
        if (other := int(self.other_rows[excerpt])) < 0:
            return heard
        begin = int(self.other_firsts[excerpt])
        added = spectrograms.decibels(other, slice(begin, begin + window))
        power = 10 ** (heard / 10) + 10 ** ((added + self.other_gains[excerpt]) / 10)
        mixed: npt.NDArray[np.float32] = 10 * np.log10(power)
        return np.minimum(mixed, spectrograms.front_end.max_db)


def draw_excerpts(
    heard: npt.NDArray[np.bool_],
    held_out: npt.NDArray[np.bool_],
    frames: int,
    *,
    window: int,
    each: int,
    mixed: float,
    seed: int,
) -> Excerpts:
    """Draws windows of every segment, and mixtures.

    Args:
        heard: ``(segments,)`` bool, whether there is a spectrogram.
        held_out: ``(segments,)`` bool; nothing of these is mixed with anything.
        frames: Of a segment.
        window: Frames of a window.
        each: Windows of a segment, one in each equal part of it.
        mixed: Mixtures, as a share of the windows that are learned from.
        seed: Of whatever is drawn.
    """
    random = np.random.default_rng(seed)
    rows = np.repeat(np.flatnonzero(heard), each)
    part = np.tile(np.arange(each), int(heard.sum()))
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
