"""Waveform peaks of tracks, computed on first request and cached."""

from collections import OrderedDict
from pathlib import Path

from tunespace.library.file_jobs import PeaksJob
from tunespace.server.services.file_reader import FileReader

_MAX_CACHED = 2000
Key = tuple[str, int, int]


class Waveforms:
    """Cache of waveform peaks."""

    def __init__(self, files: FileReader) -> None:
        """Take the reader of files."""
        self._files = files
        self._cache: OrderedDict[Key, list[float]] = OrderedDict()

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
            self._cache[key] = await self._files.run(PeaksJob(str(file), seconds, points))
            while len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]
