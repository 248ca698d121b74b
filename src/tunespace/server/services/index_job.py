"""Background job that updates the library: the folders that were indexed are scanned again."""

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from tunespace.errors import LibraryError, TunespaceError
from tunespace.library import Library, Progress
from tunespace.server.services.library_pool import LibraryPool

_NICENESS = 15


class IndexStatus(BaseModel):
    """Status of the last run of indexing."""

    state: Literal["idle", "running", "done", "failed"] = "idle"
    done: int = Field(default=0, description="Number of files processed.")
    total: int = Field(default=0, description="Number of files to process.")
    music_seconds: float = 0.0
    added: int = 0
    updated: int = 0
    removed: int = 0
    failed: int = 0
    reason: str = Field(default="", description="Why the run failed, in one sentence.")


class _StoppedError(Exception):
    """The server is being closed."""


@dataclass
class IndexJob:
    """Runs the indexer in a thread, one run at a time.

    Attributes:
        libraries: Open libraries.
        status: Status of the current or the last run.
    """

    libraries: LibraryPool

    def __post_init__(self) -> None:
        """Start without a run."""
        self.status = IndexStatus()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def is_running(self) -> bool:
        """True while a run is in progress."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start a run over the folders of the library."""
        self.status = IndexStatus(state="running")
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the run; what was embedded is kept."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        status = self.status
        with suppress(AttributeError, OSError):  # threads have a niceness on Linux only
            # Worker processes inherit it: searches have priority.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        try:
            # With the library's own model: no client changes it.
            with Library.open(self.libraries.folder, create=False) as library:
                roots = library.roots()
                if not roots:
                    raise LibraryError(
                        "the library has no folders: run `tunespace index` with a folder"
                    )
                report = library.index(roots, on_progress=self._on_progress)
        except _StoppedError:
            status.state, status.reason = "failed", "the server was stopped"
        except TunespaceError as error:
            status.state, status.reason = "failed", str(error)
        else:
            status.added, status.updated = report.added, report.updated
            status.removed, status.failed = report.removed, len(report.failed)
            status.state = "done"

    def _on_progress(self, progress: Progress) -> None:
        if self._stop.is_set():
            raise _StoppedError
        self.status.done, self.status.total = progress.done, progress.total
        self.status.music_seconds = round(progress.music_seconds, 1)
