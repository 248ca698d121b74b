"""Windows of fixed length that cover a whole track, deterministically.

Users of CLAP on music often report that one file gives different embeddings, because a window is
drawn at random. Here the windows depend on the length alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Window:
    """Range of frames.

    Attributes:
        start: Index of the first frame in the track.
        stop: Index after the last frame; less than ``start + length`` only in a track that is
            shorter than one window.
        frames: ``(length, n_mels)`` float32, always of full length.

    Examples:
        >>> import numpy as np
        >>> [(w.start, w.stop) for w in cut_windows([np.zeros((5, 96), np.float32)], 2, 2)]
        [(0, 2), (2, 4), (3, 5)]
    """

    start: int
    stop: int
    frames: npt.NDArray[np.float32]


def cut_windows(
    blocks: Iterable[npt.NDArray[np.float32]], length: int, hop: int
) -> Iterator[Window]:
    """Cut a track that arrives in blocks into windows, with every frame in at least one.

    Windows start at multiples of ``hop``; a remainder gets one more window, aligned to the end. A
    track shorter than a window is repeated until it fills one: an encoder would treat silence as
    part of the music (LAION-CLAP, Wu et al. 2023, repeats for the same reason).

    Args:
        blocks: ``(frames, n_mels)`` float32 blocks, in order.
        length: Length of a window in frames.
        hop: Distance between the starts of windows in frames; at most ``length``.

    Yields:
        Windows in order; none if there are no frames.

    Raises:
        ValueError: ``length`` or ``hop`` is not positive, or frames would fall between windows.

    Examples:
        >>> track = np.zeros((25, 2), np.float32)
        >>> [(window.start, window.stop) for window in cut_windows([track], length=10, hop=10)]
        [(0, 10), (10, 20), (15, 25)]
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
        # The window at the end may start before the next regular one.
        keep = max(origin, min(start, total - length))
        held = held[keep - origin :]
        origin = keep
    if held is None or total == 0:
        return
    if total < length:
        yield Window(0, total, np.resize(held, (length, held.shape[1])))
    elif start - hop + length < total:
        yield Window(total - length, total, held[-length:])
