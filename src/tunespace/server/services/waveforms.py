"""Waveform peaks of tracks, computed on first request and cached."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tunespace.audio import decode_blocks

_SAMPLE_RATE = 8000
_MAX_CACHED = 2000
_MAX_SECONDS = 6 * 3600.0
Key = tuple[str, int, int]


class Waveforms:
    """Cache of waveform peaks, computed one track at a time: searching needs the other cores."""

    def __init__(self) -> None:
        """Create an empty cache."""
        self._cache: OrderedDict[Key, list[float]] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="waveform")

    async def peaks_of(self, file: Path, seconds: float, points: int) -> list[float]:
        """Return the peaks of a file.

        Args:
            file: Audio file.
            seconds: Its length in seconds.
            points: Number of peaks.

        Returns:
            ``points`` peaks, 0 to 1, each of an equal part of the length.

        Raises:
            AudioError: The file cannot be read.
        """
        key = (str(file), file.stat().st_mtime_ns, points)
        if key not in self._cache:
            loop = asyncio.get_running_loop()
            self._cache[key] = await loop.run_in_executor(
                self._thread, _peaks, file, seconds, points
            )
            while len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]

    def close(self) -> None:
        """Wait for the running computation."""
        self._thread.shutdown(cancel_futures=True)


def _peaks(file: Path, seconds: float, points: int) -> list[float]:
    peaks = np.zeros(points, np.float32)
    total = max(1, round(seconds * _SAMPLE_RATE))
    at = 0
    for block in decode_blocks(file, _SAMPLE_RATE, duration=_MAX_SECONDS):
        columns = np.minimum((at + np.arange(len(block))) * points // total, points - 1)
        np.maximum.at(peaks, columns, np.abs(block))
        at += len(block)
    return [round(float(peak), 3) for peak in np.minimum(peaks, 1.0)]
