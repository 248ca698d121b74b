"""Tracks: what is known of them, their sound and their picture."""

import os
import stat
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from tunespace.library import Library, Term, Track, TrackLike
from tunespace.library import Query as Asked
from tunespace.library.tags import read_picture
from tunespace.server.schemas import (
    LONGEST_TEXT,
    MOST_HITS,
    Found,
    HitOut,
    TrackOut,
    Tracks,
    WordOut,
    Words,
)
from tunespace.server.state import Shared

router = APIRouter(prefix="/api/tracks", tags=["tracks"])

Id = Annotated[int, InPath(ge=0, le=2**63 - 1)]
# What browsers are told; anything else is bytes to them.
_TYPES = {
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".webm": "audio/webm",
}
_A_DAY = "private, max-age=86400"


@router.get("", operation_id="listTracks")
async def list_tracks(
    state: Shared,
    where: Annotated[str, Query(max_length=LONGEST_TEXT)] = "",
    start: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 100,
) -> Tracks:
    """A stretch of the library, or of what a filter leaves of it."""
    found, total = await state.collection.run(
        lambda library: library.tracks(where=where, start=start, limit=limit)
    )
    return Tracks(tracks=[TrackOut.of(track) for track in found], total=total)


@router.get("/{id}", operation_id="getTrack")
async def get_track(state: Shared, id: Id) -> TrackOut:  # noqa: A002 - the name in the address
    """A track."""
    return TrackOut.of(await _track(state, id))


@router.get("/{id}/similar", operation_id="similarTracks")
async def similar_tracks(
    state: Shared,
    id: Id,  # noqa: A002
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
) -> Found:
    """The neighbours of a track."""
    await _track(state, id)
    asked = Asked(terms=(Term(TrackLike(id)),), limit=limit)
    hits = await state.collection.run(lambda library: library.search(asked))
    return Found(hits=[HitOut.of(hit) for hit in hits], slips=[], milliseconds=0)


@router.get("/{id}/words", operation_id="describeTrack")
async def describe_track(
    state: Shared,
    id: Id,  # noqa: A002
    top: Annotated[int, Query(ge=1, le=50)] = 5,
) -> Words:
    """The words that fit a track best, by kind."""
    track = await _track(state, id)
    found = await state.collection.run(lambda library: library.describe(track, top=top))
    return Words(
        words={
            kind: [WordOut(word=word.word, score=round(word.score, 2)) for word in words]
            for kind, words in found.items()
        }
    )


@router.get(
    "/{id}/audio",
    operation_id="getAudio",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}},
        206: {"description": "A part of the file.", "content": {"audio/*": {}}},
    },
)
async def get_audio(state: Shared, id: Id) -> FileResponse:  # noqa: A002
    """The file of a track, whole or in ranges of bytes."""
    file = _file_of(await _track(state, id))
    type_ = _TYPES.get(file.suffix.lower(), "application/octet-stream")
    return FileResponse(file, media_type=type_, headers={"cache-control": _A_DAY})


@router.get(
    "/{id}/artwork",
    operation_id="getArtwork",
    response_class=Response,
    responses={200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_artwork(state: Shared, id: Id) -> Response:  # noqa: A002
    """The picture that is in the file of a track."""
    file = _file_of(await _track(state, id))
    picture = await state.collection.run(lambda _: read_picture(str(file)))
    if picture is None:
        raise HTTPException(404, "the track has no picture")
    return Response(picture.data, media_type=picture.type, headers={"cache-control": _A_DAY})


async def _track(state: Shared, id_: int) -> Track:
    def ask(library: Library) -> Track | None:
        return library.track(id_)

    found = await state.collection.run(ask)
    if found is None:
        raise HTTPException(404, f"the library has no track {id_}")
    return found


def _file_of(track: Track) -> Path:
    """The file that was indexed, and no other that has been put in its place.

    The library holds real paths of regular files; a link on the way there is new.
    """
    try:
        status = os.lstat(track.path)
        if not stat.S_ISREG(status.st_mode) or os.path.realpath(track.path) != track.path:
            raise HTTPException(404, "the file of the track is gone")
    except (OSError, ValueError) as error:
        raise HTTPException(404, "the file of the track is gone") from error
    return Path(track.path)
