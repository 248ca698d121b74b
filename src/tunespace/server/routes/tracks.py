"""Tracks: metadata, neighbours, description, waveform, audio and cover art."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, Response

from tunespace.library import Query as LibraryQuery
from tunespace.library import QueryTerm, TrackRef
from tunespace.server.schemas import (
    MAX_HITS,
    MAX_ID,
    MAX_TEXT_LENGTH,
    MomentOut,
    Moments,
    QueryIn,
    SearchResponse,
    TrackOut,
    Tracks,
    Waveform,
    WordOut,
    Words,
)
from tunespace.server.services.query_builder import to_library_query
from tunespace.server.services.track_files import (
    AUDIO_TYPES,
    IMAGE_TYPES,
    artwork_response,
    audio_response,
    binary_content,
    find_track,
    require_file,
)
from tunespace.server.state import StateDependency

router = APIRouter(prefix="/api/tracks", tags=["tracks"])

Id = Annotated[int, PathParameter(ge=0, le=MAX_ID)]


@router.get("", operation_id="listTracks")
async def list_tracks(
    state: StateDependency,
    where: Annotated[str, Query(max_length=MAX_TEXT_LENGTH)] = "",
    start: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_HITS)] = 100,
) -> Tracks:
    """Return a page of the tracks that match a filter, in the order of ids."""
    tracks, total = await state.libraries.run(
        lambda library: library.tracks(where=where, start=start, limit=limit)
    )
    return Tracks(tracks=[TrackOut.from_track(track) for track in tracks], total=total)


@router.get("/{id}", operation_id="getTrack")
async def get_track(state: StateDependency, id: Id) -> TrackOut:  # noqa: A002 - path parameter
    """Return a track."""
    return TrackOut.from_track(await find_track(state.libraries, id))


@router.get("/{id}/similar", operation_id="similarTracks")
async def similar_tracks(
    state: StateDependency,
    id: Id,  # noqa: A002
    limit: Annotated[int, Query(ge=1, le=MAX_HITS)] = 20,
) -> SearchResponse:
    """Return the nearest neighbours of a track."""
    await find_track(state.libraries, id)
    query = LibraryQuery(terms=(QueryTerm(TrackRef(id)),), limit=limit)
    return SearchResponse.from_result(await state.libraries.run(lambda lib: lib.search(query)))


@router.get("/{id}/words", operation_id="describeTrack")
async def describe_track(
    state: StateDependency,
    id: Id,  # noqa: A002
    top: Annotated[int, Query(ge=1, le=50)] = 5,
) -> Words:
    """Return the words that match a track best, by kind."""
    track = await find_track(state.libraries, id)
    by_kind = await state.libraries.run(lambda library: library.describe(track, top=top))
    return Words(
        words={
            kind: [WordOut(word=word.word, score=round(word.score, 2)) for word in words]
            for kind, words in by_kind.items()
        }
    )


@router.post("/{id}/moments", operation_id="trackMoments")
async def track_moments(
    state: StateDependency,
    id: Id,  # noqa: A002
    query: QueryIn,
) -> Moments:
    """Return the score of each window of a track for a query."""
    track = await find_track(state.libraries, id)
    library_query = to_library_query(query, state.clips, state.libraries.model)
    moments = await state.libraries.run(lambda library: library.moments(library_query, track))
    return Moments(
        moments=[
            MomentOut(start=round(m.start, 2), end=round(m.end, 2), score=round(m.score, 1))
            for m in moments
        ]
    )


@router.get("/{id}/waveform", operation_id="trackWaveform")
async def track_waveform(
    state: StateDependency,
    id: Id,  # noqa: A002
    points: Annotated[int, Query(ge=10, le=4000)] = 800,
) -> Waveform:
    """Return the waveform peaks of a track."""
    track = await find_track(state.libraries, id)
    peaks = await state.waveforms.peaks_of(require_file(track), track.seconds, points)
    return Waveform(seconds=round(track.seconds, 2), peaks=peaks)


@router.head("/{id}/audio", include_in_schema=False)
@router.get(
    "/{id}/audio",
    operation_id="getAudio",
    response_class=FileResponse,
    responses={
        200: {"content": binary_content(AUDIO_TYPES)},
        206: {"description": "A byte range of the file.", "content": binary_content(AUDIO_TYPES)},
    },
)
async def get_audio(
    state: StateDependency,
    id: Id,  # noqa: A002
    convert: Annotated[
        Literal["flac"] | None,
        Query(
            description="Transcode the file, for players that do not support its format; the "
            "first request takes time."
        ),
    ] = None,
) -> FileResponse:
    """Return the audio file of a track, as a whole or in byte ranges."""
    return await audio_response(state.libraries, state.transcoder, id, as_flac=convert is not None)


@router.get(
    "/{id}/artwork",
    operation_id="getArtwork",
    response_class=Response,
    responses={200: {"content": binary_content(IMAGE_TYPES)}},
)
async def get_artwork(
    state: StateDependency,
    id: Id,  # noqa: A002
    placeholder: Annotated[bool, Query(description="Draw a picture if there is none.")] = False,  # noqa: FBT002
) -> Response:
    """Return the cover art of a track: the picture in its file, or one in its folder."""
    return await artwork_response(state.libraries, state.cover_arts, id, placeholder=placeholder)
