"""Update the library from a client: the folders that were indexed are scanned again.

Only if the server was started with ``--allow-write``; no request can name a folder.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from tunespace.server.schemas import file_name, printable
from tunespace.server.services.index_job import IndexStatus
from tunespace.server.state import StateDependency

router = APIRouter(prefix="/api/index", tags=["index"])

_MAX_FAILURES = 500
_SECONDS_BETWEEN_EVENTS = 0.5
# A comment now and then keeps proxies from closing a silent connection.
_SECONDS_BETWEEN_COMMENTS = 15.0


class Failure(BaseModel):
    """File that could not be read."""

    file: str
    reason: str


class Failures(BaseModel):
    """Files that could not be read."""

    failures: list[Failure]
    total: int


@router.get("", operation_id="indexStatus")
async def status(state: StateDependency) -> IndexStatus:
    """Return the status of the last run."""
    return state.index_job.status


@router.post(
    "",
    operation_id="startIndex",
    status_code=202,
    responses={409: {"description": "A run is in progress."}},
)
async def start(state: StateDependency) -> IndexStatus:
    """Scan the folders of the library again."""
    if not state.settings.allow_write:
        raise HTTPException(403, "the server is read-only: start it with --allow-write")
    if state.index_job.is_running:
        raise HTTPException(409, "the library is being updated already")
    state.index_job.start()
    return state.index_job.status


@router.get(
    "/events",
    operation_id="indexEvents",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(state: StateDependency, request: Request) -> StreamingResponse:
    """Send the status as JSON in server-sent events whenever it changes, until the run ends."""

    async def follow() -> AsyncIterator[str]:
        sent, when = "", 0.0
        while not await request.is_disconnected():
            current = state.index_job.status
            text = json.dumps(current.model_dump())
            if text != sent:
                sent, when = text, time.monotonic()
                yield f"data: {text}\n\n"
            elif time.monotonic() - when > _SECONDS_BETWEEN_COMMENTS:
                when = time.monotonic()
                yield ": keep-alive\n\n"
            if current.state != "running":
                return
            await asyncio.sleep(_SECONDS_BETWEEN_EVENTS)

    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(follow(), media_type="text/event-stream", headers=headers)


@router.get("/failures", operation_id="indexFailures")
async def failures(state: StateDependency) -> Failures:
    """Return the files that could not be read, and why."""
    rows = await state.libraries.run(lambda library: library.failures())
    return Failures(
        failures=[
            Failure(file=file_name(path), reason=printable(reason))
            for path, reason in rows[:_MAX_FAILURES]
        ],
        total=len(rows),
    )
