"""The library as many requests at once use it.

SQLite connections belong to a thread, and the model is large: a few threads, each with a library of
its own, share one model.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from tunespace.library import Library
from tunespace.library.store.vector_matrix import MatrixCache
from tunespace.models import Model
from tunespace.server.settings import Settings

T = TypeVar("T")


class Collection:
    """Runs what is asked of a library in threads."""

    def __init__(self, settings: Settings) -> None:
        """Opens the library once, so that what is wrong with it is said before anybody asks.

        Raises:
            LibraryError: There is no library, or it cannot be opened.
            ModelError: Its model cannot be used.
        """
        with Library.open(settings.library, model=settings.model, create=False) as library:
            self.folder = library.folder
            self.model: Model = library.model
        self._matrices = MatrixCache(behind=True)
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="library")
        self._own = threading.local()
        self._opened: list[Library] = []
        self._busy = 0
        self._last = time.monotonic()

    async def unload_when_idle(self, seconds: float) -> None:
        """Gives the memory of the model back whenever nobody has asked for so long; never ends."""
        while True:
            await asyncio.sleep(seconds / 4)
            if self._busy == 0 and time.monotonic() - self._last >= seconds:
                self.model.unload()

    async def run(self, ask: Callable[[Library], T]) -> T:
        """What a library answers; ``ask`` may block."""
        loop = asyncio.get_running_loop()
        self._busy += 1
        try:
            return await loop.run_in_executor(self._pool, partial(self._ask, ask))
        finally:
            self._busy -= 1
            self._last = time.monotonic()

    def close(self) -> None:
        """Waits for what is running and closes all."""
        self._pool.shutdown(cancel_futures=True)
        for library in self._opened:
            library.close()

    def _ask(self, ask: Callable[[Library], T]) -> T:
        library: Library | None = getattr(self._own, "library", None)
        if library is None:
            library = Library.open(self.folder, model=self.model, create=False, any_thread=True)
            library.matrices = self._matrices
            self._own.library = library
            self._opened.append(library)
        return ask(library)
