"""Pool of open libraries for concurrent requests.

A SQLite connection belongs to one thread, and the model is large: a few threads, each with a
library of its own, share one model and one embedding matrix.
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


class LibraryPool:
    """Runs functions of a library in threads.

    If the library is deleted or restored, or indexed with another model, the next call uses what is
    in the folder now.

    Attributes:
        folder: Folder of the library.
        model: Model of the library, shared by all threads.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the library once, so that errors are reported at the start of the server.

        Raises:
            LibraryError: The library does not exist or cannot be opened.
            ModelError: The model cannot be used.
        """
        with Library.open(settings.library, model=settings.model, create=False) as library:
            self.folder = library.folder
            self.model: Model = library.model
        self._matrix_cache = MatrixCache(background=True)
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="library")
        self._local = threading.local()
        self._libraries: list[Library] = []
        self._lock = threading.Lock()
        self._busy = 0
        self._last_used = time.monotonic()

    async def unload_when_idle(self, seconds: float) -> None:
        """Unload the model whenever there was no request for some seconds; never returns."""
        while True:
            await asyncio.sleep(seconds / 4)
            if self._busy == 0 and time.monotonic() - self._last_used >= seconds:
                self.model.unload()

    async def run(self, function: Callable[[Library], T]) -> T:
        """Call a function with a library in a thread, and return its result."""
        loop = asyncio.get_running_loop()
        self._busy += 1
        try:
            return await loop.run_in_executor(self._threads, partial(self._call, function))
        finally:
            self._busy -= 1
            self._last_used = time.monotonic()

    def close(self) -> None:
        """Wait for running functions and close all libraries."""
        self._threads.shutdown(cancel_futures=True)
        for library in self._libraries:
            library.close()

    def _call(self, function: Callable[[Library], T]) -> T:
        library: Library | None = getattr(self._local, "library", None)
        if library is not None and library.is_replaced:
            self._matrix_cache.clear()
            self._close(library)
            library = None
        if library is None:
            library = self._open()
        identity = library.model_identity
        if identity not in (self._local.model_identity, ""):
            self._switch_model(identity)
            self._close(library)
            library = self._open()
        return function(library)

    def _open(self) -> Library:
        library = Library.open(
            self.folder,
            model=self.model,
            create=False,
            any_thread=True,
            matrix_cache=self._matrix_cache,
        )
        self._local.library, self._local.model_identity = library, self.model.identity
        self._libraries.append(library)
        return library

    def _close(self, library: Library) -> None:
        # First: if the next one cannot be opened, there is none.
        self._local.library = None
        self._libraries.remove(library)
        library.close()

    def _switch_model(self, identity: str) -> None:
        """Load the model that the library was indexed with meanwhile.

        Raises:
            ModelError: The model cannot be loaded.
        """
        with self._lock:
            if identity != self.model.identity:
                with Library.open(self.folder, create=False) as current:
                    self.model = current.model
                self._matrix_cache.clear()
