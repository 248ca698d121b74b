"""Files that no browser plays, converted when one asks for it: in a process of its own, bounded.

What was converted lies in a temporary folder while there is room, and is gone with the server.
"""

import asyncio
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import HTTPException

from tunespace.audio.transcode import transcode_to_flac
from tunespace.errors import AudioError
from tunespace.server.services.sandbox import answer_of, bound, tell

_COMMAND = (
    "import sys; from tunespace.server.services.transcoder import convert; convert(*sys.argv[1:])"
)
_SECONDS = 120.0
_MEMORY = 2 * 2**30
# Of one file: two and a half hours. Of all: at least the last one stays.
_LARGEST = 2**30
_ROOM = 2**30
_AT_ONCE = 2
_MOST_WAITING = 16
Key = tuple[str, int]


class Playable:
    """Files as FLAC."""

    def __init__(self, room: int = _ROOM) -> None:
        """Starts with none.

        Args:
            room: How many bytes are kept.
        """
        self._room = room
        self._folder: TemporaryDirectory[str] | None = None
        self._made: OrderedDict[Key, Path] = OrderedDict()
        self._making: dict[Key, asyncio.Task[Path]] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._count = 0

    async def of(self, file: Path) -> Path:
        """The FLAC of a file.

        Raises:
            AudioError: It cannot be made; its ``reason`` says why.
            HTTPException: Too many are being made.
        """
        key = (str(file), file.stat().st_mtime_ns)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        if key not in self._making:
            if len(self._making) >= _MOST_WAITING:
                raise HTTPException(
                    503, "too many files are being converted: ask again in a moment"
                )
            # A task of its own: a player that asks twice, or goes away and comes back, waits for
            # the same file.
            task = self._making[key] = asyncio.create_task(self._make(key, file))
            task.add_done_callback(lambda _: self._making.pop(key))
        return await asyncio.shield(self._making[key])

    async def close(self) -> None:
        """Stops what is running and removes all files."""
        running = list(self._making.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._folder is not None:
            self._folder.cleanup()

    async def _make(self, key: Key, file: Path) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(
                prefix="tunespace-playable-", ignore_cleanup_errors=True
            )
        self._count += 1
        target = Path(self._folder.name) / f"{self._count}.flac"
        try:
            async with self._free:
                await self._convert(file, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._made[key] = target
        self._make_room()
        return target

    async def _convert(self, file: Path, target: Path) -> None:
        try:
            answer = await answer_of(_COMMAND, str(file), str(target), seconds=_SECONDS)
        except TimeoutError as error:
            raise AudioError(file, "takes too long to convert") from error
        if answer is None:
            raise AudioError(file, "cannot be converted")
        if "reason" in answer:
            raise AudioError(file, answer["reason"])

    def _make_room(self) -> None:
        sizes = {key: path.stat().st_size for key, path in self._made.items()}
        left = sum(sizes.values())
        while left > self._room and len(self._made) > 1:
            key, path = self._made.popitem(last=False)
            left -= sizes[key]
            path.unlink()


def convert(path: str, target: str) -> None:
    """The whole life of the process that converts; its answer is one line of JSON."""
    bound(memory=_MEMORY, seconds=int(_SECONDS), file_size=_LARGEST)
    answer: dict[str, str] = {}
    try:
        transcode_to_flac(path, target)
    except AudioError as error:
        answer = {"reason": error.reason}
    except (OSError, MemoryError):
        answer = {"reason": "is too long to be converted, or the disk is full"}
    tell(answer)
