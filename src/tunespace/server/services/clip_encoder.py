"""Listening to a file that somebody sent: in a process of its own, bounded in memory and time.

Decoders read whatever they are given; one that goes astray takes this process with it and no other.
The file is gone as soon as it was heard.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from tunespace.errors import AudioError, TunespaceError
from tunespace.models import Model, load_model
from tunespace.server.services.sandbox import answer_of, bound, tell
from tunespace.server.settings import Settings

_COMMAND = (
    "import sys; from tunespace.server.services.clip_encoder import hear; hear(*sys.argv[1:])"
)
# Files that arrive, wait or are listened to; each takes room on the disk.
_MOST_AT_ONCE = 16


class UploadError(TunespaceError):
    """A file that somebody sent and that is not listened to.

    Attributes:
        status: Of HTTP.
    """

    def __init__(self, status: int, said: str) -> None:
        """Takes the status and the sentence."""
        self.status = status
        super().__init__(said)


@dataclass(frozen=True)
class Heard:
    """What was heard.

    Attributes:
        seconds: Length of the sound.
        vector: ``(dim,)`` float32, unit length.
    """

    seconds: float
    vector: npt.NDArray[np.float32]


class Hearing:
    """Listens to what is sent, to few files at a time."""

    def __init__(self, settings: Settings, model: Path) -> None:
        """Takes the bounds and the folder of the model."""
        self._settings = settings
        self._model = model
        self._here = 0
        # Indexing and searching need the other cores.
        self._free = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // 2))

    async def hear(self, body: AsyncIterator[bytes]) -> Heard:
        """Receives a file and listens to it.

        Raises:
            UploadError: It is too large, came or could be heard too slowly, or too many are here.
            AudioError: It holds no sound that can be read.
        """
        if self._here >= _MOST_AT_ONCE:
            raise UploadError(
                503, "too many files are being listened to: send it again in a moment"
            )
        self._here += 1
        try:
            return await self._hear(body)
        finally:
            self._here -= 1

    async def _hear(self, body: AsyncIterator[bytes]) -> Heard:
        settings = self._settings
        with TemporaryDirectory(prefix="tunespace-") as folder:
            file = Path(folder) / "clip"
            try:
                async with asyncio.timeout(settings.body_seconds):
                    await _receive(body, file, settings.upload_bytes)
            except TimeoutError as error:
                raise UploadError(408, "the file took too long to arrive") from error
            async with self._free:
                return await self._ask(file)

    async def _ask(self, file: Path) -> Heard:
        settings = self._settings
        arguments = (
            str(self._model),
            str(file),
            str(settings.upload_memory),
            str(int(settings.upload_seconds) + 1),
        )
        try:
            answer = await answer_of(_COMMAND, *arguments, seconds=settings.upload_seconds)
        except TimeoutError as error:
            raise UploadError(422, "listening to the file took too long") from error
        if answer is None:
            raise UploadError(422, "the file cannot be listened to")
        if "reason" in answer:
            raise AudioError(file, answer["reason"])
        vector = np.frombuffer(base64.b64decode(answer["vector"]), np.float32)
        return Heard(answer["seconds"], vector)


async def _receive(body: AsyncIterator[bytes], file: Path, most: int) -> None:
    size = 0
    with file.open("wb") as out:
        async for chunk in body:
            size += len(chunk)
            if size > most:
                raise UploadError(413, f"the file is too large: at most {most / 2**20:.0f} MB")
            out.write(chunk)


def hear(model: str, path: str, memory: str, seconds: str) -> None:
    """The whole life of the process that listens; its answer is one line of JSON."""
    bound(memory=int(memory), seconds=int(seconds), file_size=0)
    answer: dict[str, object]
    try:
        loaded: Model = load_model(model)
        heard = loaded.embed_file(path)
        vector = base64.b64encode(heard.vector.astype(np.float32).tobytes()).decode()
        answer = {"seconds": heard.seconds, "vector": vector}
    except AudioError as error:
        answer = {"reason": error.reason}
    except MemoryError:
        answer = {"reason": "needs too much memory"}
    tell(answer)
