"""Cover art of tracks, read on first request and cached."""

from collections import OrderedDict
from pathlib import Path

from tunespace.errors import AudioError
from tunespace.library.cover_art import CoverArt
from tunespace.library.file_jobs import CoverArtJob
from tunespace.server.services.file_reader import FileReader

_MAX_BYTES = 64 * 2**20
_MAX_CACHED = 10_000
Key = tuple[str, int]


class CoverArts:
    """Cache of cover art, the absence of one included."""

    def __init__(self, files: FileReader) -> None:
        """Take the reader of files."""
        self._files = files
        self._cache: OrderedDict[Key, CoverArt | None] = OrderedDict()
        self._bytes = 0

    async def cover_of(self, file: Path) -> CoverArt | None:
        """Return the cover art of a file; None if it has none, or none that can be read."""
        key = (str(file), file.stat().st_mtime_ns)
        if key not in self._cache:
            try:
                art: CoverArt | None = await self._files.run(CoverArtJob(str(file)))
            except AudioError:
                art = None
            if key not in self._cache:  # another request may have been first
                self._cache[key] = art
                self._bytes += len(art.data) if art else 0
                self._evict()
            return art
        self._cache.move_to_end(key)
        return self._cache[key]

    def _evict(self) -> None:
        while self._bytes > _MAX_BYTES or len(self._cache) > _MAX_CACHED:
            _, art = self._cache.popitem(last=False)
            self._bytes -= len(art.data) if art else 0
