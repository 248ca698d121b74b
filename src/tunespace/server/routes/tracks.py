"""Tracks: what is known of them, their sound and their picture."""

import os
import stat
import zlib
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from tunespace.library import Library, QueryTerm, Track, TrackRef
from tunespace.library import Query as Asked
from tunespace.library.cover_art import read_cover_art
from tunespace.server.routes.search import asked_of
from tunespace.server.schemas import (
    LARGEST_ID,
    LONGEST_TEXT,
    MOST_HITS,
    Found,
    MomentOut,
    Moments,
    QueryIn,
    TrackOut,
    Tracks,
    Waveform,
    WordOut,
    Words,
)
from tunespace.server.state import Shared

router = APIRouter(prefix="/api/tracks", tags=["tracks"])

Id = Annotated[int, InPath(ge=0, le=LARGEST_ID)]
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
    asked = Asked(terms=(QueryTerm(TrackRef(id)),), limit=limit)
    hits = await state.collection.run(lambda library: library.search(asked))
    return Found.of(hits)


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


@router.post("/{id}/moments", operation_id="trackMoments")
async def track_moments(state: Shared, id: Id, query: QueryIn) -> Moments:  # noqa: A002
    """How well each stretch of a track fits a query."""
    track = await _track(state, id)
    asked = asked_of(query, state.clips)
    found = await state.collection.run(lambda library: library.moments(asked, track))
    return Moments(
        moments=[
            MomentOut(start=round(m.start, 2), end=round(m.end, 2), score=round(m.score, 1))
            for m in found
        ]
    )


@router.get("/{id}/waveform", operation_id="trackWaveform")
async def track_waveform(
    state: Shared,
    id: Id,  # noqa: A002
    points: Annotated[int, Query(ge=10, le=4000)] = 800,
) -> Waveform:
    """How loud a track is along its length, for a picture of it."""
    track = await _track(state, id)
    peaks = await state.waveforms.of(_file_of(track), track.seconds, points)
    return Waveform(seconds=round(track.seconds, 2), peaks=peaks)


@router.head("/{id}/audio", include_in_schema=False)
@router.get(
    "/{id}/audio",
    operation_id="getAudio",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}},
        206: {"description": "A part of the file.", "content": {"audio/*": {}}},
    },
)
async def get_audio(
    state: Shared,
    id: Id,  # noqa: A002
    convert: Annotated[
        Literal["flac"] | None,
        Query(description="For players that do not play the file as it is; the first takes time."),
    ] = None,
) -> FileResponse:
    """The file of a track, whole or in ranges of bytes."""
    file = _file_of(await _track(state, id))
    if convert is not None:
        file = await state.playable.of(file)
    return FileResponse(file, media_type=type_of(file.name), headers={"cache-control": _A_DAY})


@router.get(
    "/{id}/artwork",
    operation_id="getArtwork",
    response_class=Response,
    responses={200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_artwork(
    state: Shared,
    id: Id,  # noqa: A002
    placeholder: Annotated[bool, Query(description="Draw one where there is none.")] = False,  # noqa: FBT002
) -> Response:
    """The cover of a track: the picture in its file, or the one that lies beside it."""
    track = await _track(state, id)
    picture = None
    try:
        file = str(_file_of(track))
        picture = await state.collection.run(lambda _: read_cover_art(file))
    except HTTPException:
        if not placeholder:
            raise
    if picture is None and placeholder:
        drawn = _drawn(track)
        return Response(drawn, media_type="image/svg+xml", headers={"cache-control": _A_DAY})
    if picture is None:
        raise HTTPException(404, "the track has no picture")
    return Response(picture.data, media_type=picture.type, headers={"cache-control": _A_DAY})


def type_of(name: str) -> str:
    """The media type of a file of sound, by its name."""
    return _TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def _drawn(track: Track) -> str:
    """A picture for a track that has none: the same for all tracks of an album."""
    of = (track.album or track.artist or track.title).casefold()
    hue = zlib.crc32(of.encode("utf-8", "replace")) % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">'
        f'<rect width="8" height="8" fill="hsl({hue} 45% 55%)"/>'
        f'<path d="M0 8L8 0V8z" fill="hsl({(hue + 40) % 360} 45% 45%)"/></svg>'
    )


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
