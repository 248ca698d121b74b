"""Playlists: the page keeps them, the server makes more of them and writes them down."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from tunespace.library import Library, QueryTerm, Refinement, Text, Track, TrackRef
from tunespace.library import Query as Asked
from tunespace.library.m3u8 import format_m3u8
from tunespace.server.schemas import LARGEST_ID, MOST_HITS, Found, Id, In, TrackOut
from tunespace.server.state import Shared

router = APIRouter(prefix="/api", tags=["playlists"])

_MOST_TERMS = 32
_OF_ONE_ARTIST = 2


class Ids(In):
    """Tracks in their order."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=5000)]


class Extend(Ids):
    """A playlist, and by how many tracks it shall grow."""

    count: int = Field(default=10, ge=1, le=100)


class PathOut(BaseModel):
    """Tracks from one to another."""

    tracks: list[TrackOut]


class RemarkIn(In):
    """What was said about what is shown."""

    remark: Annotated[str, Field(min_length=1)]
    shown: list[Id] = Field(default=[], max_length=MOST_HITS)


class RefinementOut(BaseModel):
    """A term to add to the query: words or a track."""

    text: str | None
    track: int | None
    weight: float


class RemarkOut(BaseModel):
    """What a remark comes to."""

    terms: list[RefinementOut]
    where: str


@router.post("/playlist/extend", operation_id="extendPlaylist")
async def extend(state: Shared, playlist: Extend) -> Found:
    """Tracks that go with all of a playlist and are not in it."""
    # The last of them say best where it is going.
    last = playlist.ids[-_MOST_TERMS:]
    asked = Asked(
        terms=tuple(QueryTerm(TrackRef(id_), 1 / len(last)) for id_ in last),
        limit=min(MOST_HITS, playlist.count + len(playlist.ids)),
        per_artist=_OF_ONE_ARTIST,
    )
    hits = await state.collection.run(lambda library: library.search(asked))
    known = set(playlist.ids)
    new = [hit for hit in hits if hit.track.id not in known and not hit.missing]
    return Found.of(new[: playlist.count])


@router.get("/path", operation_id="path")
async def path(
    state: Shared,
    start: Annotated[int, Query(ge=0, le=LARGEST_ID)],
    end: Annotated[int, Query(ge=0, le=LARGEST_ID)],
    count: Annotated[int, Query(ge=2, le=100)] = 10,
) -> PathOut:
    """Tracks from one to another in even steps."""

    def ask(library: Library) -> list[Track]:
        ends = library.track(start), library.track(end)
        if ends[0] is None or ends[1] is None:
            raise HTTPException(404, "the library has not both tracks")
        return library.path_between(ends[0], ends[1], count=count)

    found = await state.collection.run(ask)
    return PathOut(tracks=[TrackOut.of(track) for track in found])


@router.post(
    "/playlist/m3u8",
    operation_id="writePlaylist",
    response_class=Response,
    responses={200: {"content": {"audio/x-mpegurl": {"schema": {"type": "string"}}}}},
)
async def write(state: Shared, playlist: Ids) -> Response:
    """An extended M3U in UTF-8; its paths start from the folder that all music lies in."""

    def ask(library: Library) -> str:
        return format_m3u8(library.tracks_by_id(playlist.ids), library.common_folder())

    text = await state.collection.run(ask)
    headers = {"content-disposition": 'attachment; filename="playlist.m3u8"'}
    return Response(text.encode(), media_type="audio/x-mpegurl", headers=headers)


@router.post("/refine", operation_id="refine")
async def refine(state: Shared, said: RemarkIn) -> RemarkOut:
    """What "calmer", "without drums" or "more like the second one" changes in a query."""
    found: Refinement = await state.collection.run(
        lambda library: library.refine(said.remark, said.shown)
    )
    return RemarkOut(
        terms=[
            RefinementOut(
                text=term.value.text if isinstance(term.value, Text) else None,
                track=term.value.id if isinstance(term.value, TrackRef) else None,
                weight=term.weight,
            )
            for term in found.terms
        ],
        where=found.where,
    )
