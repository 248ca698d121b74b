"""Pictures of how loud tracks are: made when they are first asked for, kept while there is room."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tunespace.audio import decode_blocks

_RATE = 8000
_KEPT = 2000
_LONGEST = 6 * 3600.0
Key = tuple[str, int, int]


class Waveforms:
    """Peaks of tracks."""

    def __init__(self) -> None:
        """Starts with none. One at a time: searching has the other core."""
        self._kept: OrderedDict[Key, list[float]] = OrderedDict()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="waveform")

    async def of(self, file: Path, seconds: float, points: int) -> list[float]:
        """``points`` peaks, 0..1, each of an equal part of the length.

        Raises:
            AudioError: The file cannot be read.
        """
        key = (str(file), file.stat().st_mtime_ns, points)
        if key not in self._kept:
            loop = asyncio.get_running_loop()
            self._kept[key] = await loop.run_in_executor(self._pool, _peaks, file, seconds, points)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def close(self) -> None:
        """Waits for what is running."""
        self._pool.shutdown(cancel_futures=True)


def _peaks(file: Path, seconds: float, points: int) -> list[float]:
    peaks = np.zeros(points, np.float32)
    total = max(1, round(seconds * _RATE))
    at = 0
    for block in decode_blocks(file, _RATE, duration=_LONGEST):
        places = np.minimum((at + np.arange(len(block))) * points // total, points - 1)
        np.maximum.at(peaks, places, np.abs(block))
        at += len(block)
    return [round(float(peak), 3) for peak in np.minimum(peaks, 1.0)]
