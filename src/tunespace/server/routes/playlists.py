"""Playlists: extend and export them, paths between tracks, and remarks that refine a query."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from tunespace.library import Library, QueryTerm, Refinement, SearchResult, Text, Track, TrackRef
from tunespace.library import Query as LibraryQuery
from tunespace.library.m3u8 import format_m3u8
from tunespace.server.schemas import MAX_HITS, MAX_ID, Id, RequestModel, SearchResponse, TrackOut
from tunespace.server.state import StateDependency

router = APIRouter(prefix="/api", tags=["playlists"])

# Seeds of an extension: the last tracks show best where a playlist is going.
_MAX_SEEDS = 32
_PER_ARTIST = 2


class PlaylistIn(RequestModel):
    """Request: ids of the tracks of a playlist, in order."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=5000)]


class ExtendIn(PlaylistIn):
    """Request: a playlist and the number of tracks to add."""

    count: int = Field(default=10, ge=1, le=100)


class PathOut(BaseModel):
    """Tracks of a path, both ends included."""

    tracks: list[TrackOut]


class RemarkIn(RequestModel):
    """Request: a remark on the tracks that are shown."""

    remark: Annotated[str, Field(min_length=1)]
    shown: list[Id] = Field(default=[], max_length=MAX_HITS)


class RefinementTermOut(BaseModel):
    """Term to add to the query: words or a track."""

    text: str | None
    track: int | None
    weight: float


class RefinementOut(BaseModel):
    """Change of the query that a remark asks for."""

    terms: list[RefinementTermOut]
    where: str


@router.post("/playlist/extend", operation_id="extendPlaylist")
async def extend(state: StateDependency, playlist: ExtendIn) -> SearchResponse:
    """Return tracks that match all of a playlist and are not in it."""
    seeds = playlist.ids[-_MAX_SEEDS:]
    query = LibraryQuery(
        terms=tuple(QueryTerm(TrackRef(id_), 1 / len(seeds)) for id_ in seeds),
        limit=min(MAX_HITS, playlist.count + len(playlist.ids)),
        per_artist=_PER_ARTIST,
    )
    hits = await state.libraries.run(lambda library: library.search(query))
    known = set(playlist.ids)
    new = [hit for hit in hits if hit.track.id not in known and not hit.missing]
    reason = "" if new else f"no other track is left, {_PER_ARTIST} of an artist at most"
    return SearchResponse.from_result(SearchResult(tuple(new[: playlist.count]), (), reason))


@router.get("/path", operation_id="path")
async def path(
    state: StateDependency,
    start: Annotated[int, Query(ge=0, le=MAX_ID)],
    end: Annotated[int, Query(ge=0, le=MAX_ID)],
    count: Annotated[int, Query(ge=2, le=100)] = 10,
) -> PathOut:
    """Return a path of tracks from one to another in even steps."""

    def find(library: Library) -> list[Track]:
        ends = []
        for id_ in (start, end):
            track = library.track(id_)
            if track is None:
                raise HTTPException(404, f"track {id_} is not in the library")
            ends.append(track)
        return library.path_between(*ends, count=count)

    tracks = await state.libraries.run(find)
    return PathOut(tracks=[TrackOut.from_track(track) for track in tracks])


@router.post(
    "/playlist/m3u8",
    operation_id="writePlaylist",
    response_class=Response,
    responses={200: {"content": {"audio/x-mpegurl": {"schema": {"type": "string"}}}}},
)
async def write(state: StateDependency, playlist: PlaylistIn) -> Response:
    """Return an extended M3U in UTF-8, with paths relative to the common folder of all music.

    If the music has none, paths are absolute.
    """

    def format_(library: Library) -> str:
        return format_m3u8(library.tracks_by_id(playlist.ids), library.common_folder()).text

    text = await state.libraries.run(format_)
    headers = {"content-disposition": 'attachment; filename="playlist.m3u8"'}
    return Response(text.encode(), media_type="audio/x-mpegurl", headers=headers)


@router.post("/refine", operation_id="refine")
async def refine(state: StateDependency, request: RemarkIn) -> RefinementOut:
    """Parse a remark such as "calmer", "without drums" or "more like the second one"."""
    refinement: Refinement = await state.libraries.run(
        lambda library: library.refine(request.remark, request.shown)
    )
    return RefinementOut(
        terms=[
            RefinementTermOut(
                text=term.value.text if isinstance(term.value, Text) else None,
                track=term.value.id if isinstance(term.value, TrackRef) else None,
                weight=term.weight,
            )
            for term in refinement.terms
        ],
        where=refinement.where,
    )
