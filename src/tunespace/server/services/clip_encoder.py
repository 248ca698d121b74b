"""Embed uploaded audio files, each in a subprocess with limited memory and time.

Decoders read untrusted bytes: a decoder crash ends only this subprocess. The file is deleted as
soon as it is embedded.
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
from tunespace.server.services.library_pool import LibraryPool
from tunespace.server.services.sandbox import exit_with_json, limit_resources, run_json
from tunespace.server.settings import Settings

_COMMAND = (
    "import sys; from tunespace.server.services.clip_encoder import main; main(*sys.argv[1:])"
)
# Files that arrive, wait or are being embedded; each takes space on the disk.
_MAX_CLIPS_AT_ONCE = 16


class UploadError(TunespaceError):
    """Upload that is refused.

    Attributes:
        status: HTTP status of the response.
    """

    def __init__(self, status: int, detail: str) -> None:
        """Take the status and the message."""
        self.status = status
        super().__init__(detail)


@dataclass(frozen=True)
class ClipEmbedding:
    """Embedding of an uploaded clip.

    Attributes:
        seconds: Length in seconds.
        vector: ``(dim,)`` float32, unit length.
        model: Identity of the model.
    """

    seconds: float
    vector: npt.NDArray[np.float32]
    model: str


class ClipEncoder:
    """Embeds uploads, a few at a time."""

    def __init__(self, settings: Settings, libraries: LibraryPool) -> None:
        """Take the limits, and the libraries whose model embeds the clips."""
        self._settings = settings
        self._libraries = libraries
        self._count = 0
        # Indexing and searching need the other cores.
        self._free = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // 2))

    async def encode(self, body: AsyncIterator[bytes]) -> ClipEmbedding:
        """Receive a file and embed it.

        Args:
            body: Bytes of the file.

        Raises:
            UploadError: The file is too large, takes too long to arrive or to embed, or there are
                too many uploads at once.
            AudioError: The file contains no readable audio.
        """
        if self._count >= _MAX_CLIPS_AT_ONCE:
            raise UploadError(503, "too many uploads are being processed: try again in a moment")
        self._count += 1
        try:
            return await self._receive_and_encode(body)
        finally:
            self._count -= 1

    async def _receive_and_encode(self, body: AsyncIterator[bytes]) -> ClipEmbedding:
        settings = self._settings
        with TemporaryDirectory(prefix="tunespace-") as folder:
            file = Path(folder) / "clip"
            try:
                async with asyncio.timeout(settings.body_seconds):
                    await _receive(body, file, settings.upload_bytes)
            except TimeoutError as error:
                raise UploadError(408, "the file took too long to arrive") from error
            async with self._free:
                return await self._encode_in_subprocess(file)

    async def _encode_in_subprocess(self, file: Path) -> ClipEmbedding:
        settings = self._settings
        model = self._libraries.model
        arguments = (
            str(model.folder),
            str(file),
            str(settings.upload_memory),
            str(int(settings.upload_seconds) + 1),
        )
        try:
            result = await run_json(_COMMAND, *arguments, seconds=settings.upload_seconds)
        except TimeoutError as error:
            raise UploadError(422, "the file took too long to decode and embed") from error
        if result is None:
            raise UploadError(422, "the file cannot be decoded")
        if "reason" in result:
            raise AudioError(file, result["reason"])
        vector = np.frombuffer(base64.b64decode(result["vector"]), np.float32)
        return ClipEmbedding(result["seconds"], vector, model.identity)


async def _receive(body: AsyncIterator[bytes], file: Path, max_bytes: int) -> None:
    size = 0
    with file.open("wb") as out:
        async for chunk in body:
            size += len(chunk)
            if size > max_bytes:
                raise UploadError(413, f"the file is larger than {max_bytes / 2**20:.0f} MB")
            out.write(chunk)


def main(model: str, path: str, memory: str, seconds: str) -> None:
    """Entry point of the subprocess: print the embedding of a file as JSON."""
    limit_resources(memory=int(memory), seconds=int(seconds), file_size=0)
    result: dict[str, object]
    try:
        loaded: Model = load_model(model)
        embedding = loaded.embed_file(path)
        vector = base64.b64encode(embedding.vector.astype(np.float32).tobytes()).decode()
        result = {"seconds": embedding.seconds, "vector": vector}
    except AudioError as error:
        result = {"reason": error.reason}
    except MemoryError:
        result = {"reason": "needs too much memory"}
    exit_with_json(result)
