"""Build the map of the library on request, in a subprocess, and again when the library changes."""

import asyncio
import hashlib
import time
from contextlib import suppress
from pathlib import Path

from tunespace.library.store.vector_matrix import DAMAGED_ARRAYS
from tunespace.server.services.library_pool import LibraryPool
from tunespace.server.services.map_layout import VERSION, Layout
from tunespace.server.services.sandbox import subprocess

_COMMAND = "import sys; from tunespace.server.services.map_layout import main; main(*sys.argv[1:])"
# While music is indexed the library changes every second; its map need not.
_SECONDS_BETWEEN_BUILDS = 120.0


class MapBuilder:
    """Builds maps, one at a time.

    Attributes:
        layout: Current map; None before the first one is built.
        version: Number of the map, by the revision of the library that it shows; -1 for none.
        failed: Whether the last build failed.
    """

    def __init__(self, libraries: LibraryPool) -> None:
        """Start without a map."""
        self._libraries = libraries
        self._folder = _writable_folder(libraries.folder / "maps")
        self._task: asyncio.Task[None] | None = None
        self._built = 0.0
        self.layout: Layout | None = None
        self.version = -1
        self.failed = False

    async def refresh(self) -> None:
        """Start a build if the library has changed since the last one."""
        revision = await self._libraries.run(lambda library: library.revision)
        if _version_of(revision) == self.version or self.is_building:
            return
        is_recent = time.monotonic() - self._built < _SECONDS_BETWEEN_BUILDS
        if self.layout is not None and is_recent:
            return
        self._task = asyncio.create_task(self._build(revision))

    @property
    def is_building(self) -> bool:
        """True while a build is in progress."""
        return self._task is not None and not self._task.done()

    async def close(self) -> None:
        """Cancel the build."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _build(self, revision: str) -> None:
        space = f"{self._libraries.model.identity.replace('/', '_')}-v{VERSION}"
        path = self._folder / f"{space}-{revision}.npz"
        landmarks = self._folder / f"{space}-{revision.partition('-')[0]}-landmarks.npz"
        if not path.exists():
            folders = (str(self._libraries.folder), str(self._libraries.model.folder))
            async with subprocess(_COMMAND, *folders, str(landmarks), str(path)) as process:
                await process.communicate()
        try:
            self.layout = await asyncio.to_thread(Layout.load, path)
        except DAMAGED_ARRAYS:
            self.failed = True
            path.unlink(missing_ok=True)  # damaged: the next build writes it again
        else:
            self.failed = False
            self.version = _version_of(revision)
            self._built = time.monotonic()
            for old in self._folder.glob("*.npz"):
                if old not in (path, landmarks):
                    old.unlink(missing_ok=True)


def _version_of(revision: str) -> int:
    """Return a number for a revision that JavaScript can represent."""
    return int.from_bytes(hashlib.blake2b(revision.encode(), digest_size=6).digest())


def _writable_folder(folder: Path) -> Path:
    """Return a folder, or a temporary one if the library's disk is not writable."""
    try:
        folder.mkdir(exist_ok=True)
        (folder / ".probe").touch()
        (folder / ".probe").unlink()
    except OSError:
        from tempfile import mkdtemp

        return Path(mkdtemp(prefix="tunespace-maps-"))
    return folder
