"""Transcode files that browsers cannot play to FLAC, each in a subprocess with limits.

Transcoded files are kept in a temporary folder of limited size, which is deleted with the server.
"""

import asyncio
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import HTTPException

from tunespace.audio.transcode import transcode_to_flac
from tunespace.errors import AudioError
from tunespace.server.services.sandbox import exit_with_json, limit_resources, run_json

_COMMAND = "import sys; from tunespace.server.services.transcoder import main; main(*sys.argv[1:])"
_MAX_SECONDS = 120.0
_MAX_MEMORY = 2 * 2**30
# Of one file: two and a half hours. Of all files: at least the last one is kept.
_MAX_FILE_BYTES = 2**30
_CACHE_BYTES = 2**30
_AT_ONCE = 2
_MAX_WAITING = 16
Key = tuple[str, int]


class Transcoder:
    """Cache of files transcoded to FLAC."""

    def __init__(self, cache_bytes: int = _CACHE_BYTES) -> None:
        """Take the size of the cache in bytes."""
        self._cache_bytes = cache_bytes
        self._folder: TemporaryDirectory[str] | None = None
        self._done: OrderedDict[Key, Path] = OrderedDict()
        self._running: dict[Key, asyncio.Task[Path]] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._count = 0

    async def flac_of(self, file: Path) -> Path:
        """Return the path of a file transcoded to FLAC.

        Raises:
            AudioError: The file cannot be transcoded.
            HTTPException: Too many files are being transcoded.
        """
        key = (str(file), file.stat().st_mtime_ns)
        if key in self._done:
            self._done.move_to_end(key)
            return self._done[key]
        if key not in self._running:
            if len(self._running) >= _MAX_WAITING:
                raise HTTPException(
                    503, "too many files are being transcoded: try again in a moment"
                )
            # A task of its own: a player that asks twice, or disconnects and comes back, waits for
            # the same file.
            task = self._running[key] = asyncio.create_task(self._transcode(key, file))
            task.add_done_callback(lambda _: self._running.pop(key))
        return await asyncio.shield(self._running[key])

    async def close(self) -> None:
        """Cancel running tasks and delete all files."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._folder is not None:
            self._folder.cleanup()

    async def _transcode(self, key: Key, file: Path) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(
                prefix="tunespace-transcoded-", ignore_cleanup_errors=True
            )
        self._count += 1
        target = Path(self._folder.name) / f"{self._count}.flac"
        try:
            async with self._free:
                await self._run(file, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._done[key] = target
        self._evict()
        return target

    async def _run(self, file: Path, target: Path) -> None:
        try:
            result = await run_json(_COMMAND, str(file), str(target), seconds=_MAX_SECONDS)
        except TimeoutError as error:
            raise AudioError(file, "takes too long to transcode") from error
        if result is None:
            raise AudioError(file, "cannot be transcoded")
        if "reason" in result:
            raise AudioError(file, result["reason"])

    def _evict(self) -> None:
        sizes = {key: path.stat().st_size for key, path in self._done.items()}
        total = sum(sizes.values())
        while total > self._cache_bytes and len(self._done) > 1:
            key, path = self._done.popitem(last=False)
            total -= sizes[key]
            path.unlink()


def main(path: str, target: str) -> None:
    """Entry point of the subprocess: transcode a file and print the outcome as JSON."""
    limit_resources(memory=_MAX_MEMORY, seconds=int(_MAX_SECONDS), file_size=_MAX_FILE_BYTES)
    result: dict[str, str] = {}
    try:
        transcode_to_flac(path, target)
    except AudioError as error:
        result = {"reason": error.reason}
    except (OSError, MemoryError):
        result = {"reason": "is too long to transcode, or the disk is full"}
    exit_with_json(result)
