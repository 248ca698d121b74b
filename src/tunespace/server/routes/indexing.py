"""Bringing the library up to date from the page: the folders that were indexed are read again.

Only where the server was started with leave to write; no request can name a folder.
"""

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from tunespace.errors import LibraryError, TunespaceError
from tunespace.library import Library, Progress
from tunespace.server.schemas import file_name, printable
from tunespace.server.services.library_pool import Collection
from tunespace.server.state import Shared

router = APIRouter(prefix="/api/index", tags=["index"])

_NICE = 15
_MOST_FAILURES = 500
_SECONDS_BETWEEN = 0.5
# A line now and then keeps proxies from ending a silent connection.
_SECONDS_OF_SILENCE = 15.0


class Job(BaseModel):
    """A run of the indexer."""

    state: Literal["idle", "running", "done", "failed"] = "idle"
    done: int = Field(default=0, description="Files.")
    total: int = 0
    music_seconds: float = 0.0
    added: int = 0
    updated: int = 0
    removed: int = 0
    failed: int = 0
    reason: str = Field(default="", description="Why it failed, in a sentence.")


class Failure(BaseModel):
    """A file that could not be read."""

    file: str
    reason: str


class Failures(BaseModel):
    """The files that could not be read."""

    failures: list[Failure]
    total: int


class _StoppedError(Exception):
    """The server ends."""


@dataclass
class Jobs:
    """Runs the indexer, once at a time."""

    collection: Collection

    def __post_init__(self) -> None:
        """Starts with nothing done."""
        self.job = Job()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether a run is on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Starts a run over the folders that the library was made of."""
        self.job = Job(state="running")
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops what is running; what was heard is kept."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        job = self.job
        with suppress(AttributeError, OSError):  # only Linux knows how nice a thread is
            # The processes that listen inherit it: searching comes first.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            with Library.open(
                self.collection.folder, model=self.collection.model, create=False
            ) as library:
                roots = library.roots()
                if not roots:
                    raise LibraryError(
                        "the library does not know its folders: run `tunespace index`"
                    )
                report = library.index(roots, on_progress=self._progress)
        except _StoppedError:
            job.state, job.reason = "failed", "the server was stopped"
        except TunespaceError as error:
            job.state, job.reason = "failed", str(error)
        else:
            job.added, job.updated = report.added, report.updated
            job.removed, job.failed = report.removed, len(report.failed)
            job.state = "done"

    def _progress(self, progress: Progress) -> None:
        if self._stop.is_set():
            raise _StoppedError
        self.job.done, self.job.total = progress.done, progress.total
        self.job.music_seconds = round(progress.music_seconds, 1)


@router.get("", operation_id="indexStatus")
async def status(state: Shared) -> Job:
    """How far the last run is."""
    return state.jobs.job


@router.post(
    "", operation_id="startIndex", status_code=202, responses={409: {"description": "One is on."}}
)
async def start(state: Shared) -> Job:
    """Reads the folders of the library again."""
    if not state.settings.allow_write:
        raise HTTPException(403, "the server only reads: start it with --allow-write")
    if state.jobs.is_running:
        raise HTTPException(409, "the library is being brought up to date already")
    state.jobs.start()
    return state.jobs.job


@router.get(
    "/events",
    operation_id="indexEvents",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(state: Shared, request: Request) -> StreamingResponse:
    """Server-sent events: the run as JSON whenever it has moved, until it ends."""

    async def follow() -> AsyncIterator[str]:
        said, when = "", 0.0
        while not await request.is_disconnected():
            job = state.jobs.job
            now = json.dumps(job.model_dump())
            if now != said:
                said, when = now, time.monotonic()
                yield f"data: {now}\n\n"
            elif time.monotonic() - when > _SECONDS_OF_SILENCE:
                when = time.monotonic()
                yield ": still here\n\n"
            if job.state != "running":
                return
            await asyncio.sleep(_SECONDS_BETWEEN)

    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(follow(), media_type="text/event-stream", headers=headers)


@router.get("/failures", operation_id="indexFailures")
async def failures(state: Shared) -> Failures:
    """Files that could not be read, and why."""
    found = await state.collection.run(lambda library: library.failures())
    return Failures(
        failures=[
            Failure(file=file_name(path), reason=printable(reason))
            for path, reason in found[:_MOST_FAILURES]
        ],
        total=len(found),
    )
