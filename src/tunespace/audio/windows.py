"""Windows of fixed length that cover a whole track, the same ones every time.

The first complaint of people who use CLAP on music is that one file gives different vectors,
because a window is drawn at random. Here the windows follow from the length alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Window:
    """A run of frames.

    Attributes:
        start: Index of its first frame in the track.
        stop: Index past its last frame; less than ``start + length`` only in a track that is
            shorter than one window.
        frames: ``(length, n_mels)`` float32, always of full length.
    """

    start: int
    stop: int
    frames: npt.NDArray[np.float32]


def cut_windows(
    blocks: Iterable[npt.NDArray[np.float32]], length: int, hop: int
) -> Iterator[Window]:
    """Cuts a track that arrives in blocks into windows, every frame in at least one.

    Windows start at multiples of ``hop``; where they leave a rest, one more is aligned to the end.
    A track that is shorter than a window is repeated until it fills one, since silence would be
    heard as part of the music (LAION-CLAP, Wu et al. 2023, repeats for the same reason).

    Args:
        blocks: ``(frames, n_mels)`` float32 each, in order.
        length: Of a window, in frames.
        hop: Distance of neighbouring starts, in frames; at most ``length``.

    Yields:
        Windows in order; none where there are no frames.

    Raises:
        ValueError: ``length`` or ``hop`` is not positive, or frames would fall between windows.
    """
    if not 0 < hop <= length:
        raise ValueError(f"0 < hop <= length must hold, not hop {hop}, length {length}")
    held: npt.NDArray[np.float32] | None = None
    origin = start = total = 0
    for block in blocks:
        held = block if held is None else np.concatenate([held, block])
        total += len(block)
        while start + length <= total:
            yield Window(start, start + length, held[start - origin : start - origin + length])
            start += hop
        # The window at the end may reach back before the next start.
        keep = max(origin, min(start, total - length))
        held = held[keep - origin :]
        origin = keep
    if held is None or total == 0:
        return
    if total < length:
        yield Window(0, total, np.resize(held, (length, held.shape[1])))
    elif start - hop + length < total:
        yield Window(total - length, total, held[-length:])
