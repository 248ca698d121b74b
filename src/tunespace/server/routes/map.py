"""Map of the library: points, regions, and scores of all points for a query."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException
from fastapi import Query as QueryParameter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from tunespace.library import Library
from tunespace.server.schemas import MAX_HITS, Id, QueryIn, RequestModel, TrackOut, printable
from tunespace.server.services.map_layout import Layout
from tunespace.server.services.query_builder import to_library_query
from tunespace.server.state import State, StateDependency

router = APIRouter(prefix="/api/map", tags=["map"])

_BINARY = "application/octet-stream"
_BINARY_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {_BINARY: {"schema": {"type": "string", "format": "binary"}}}},
    409: {"description": "The map has changed."},
}
Version = Annotated[int, QueryParameter(description="Version of the map.")]


class RegionOut(BaseModel):
    """Region of the map."""

    x: float
    y: float
    name: str
    count: int


class MapOut(BaseModel):
    """Map without its points."""

    state: Literal["ready", "making", "failed"]
    version: int = Field(description="Version of the points; another version is another map.")
    count: int
    genres: list[str] = Field(description="Most frequent genres; points have indices into them.")
    regions: list[RegionOut]


class TracksByIdIn(RequestModel):
    """Request: ids of tracks."""

    ids: Annotated[list[Id], Field(max_length=MAX_HITS)]


class TracksByIdOut(BaseModel):
    """Tracks in the order of the request; deleted tracks are left out."""

    tracks: list[TrackOut]


@router.get("", operation_id="map")
async def get_map(state: StateDependency) -> MapOut:
    """Return the map, or that it is being built: ask again in a second."""
    builder = state.map_builder
    await builder.refresh()
    layout = builder.layout
    if layout is None:
        build: Literal["making", "failed"] = "failed" if builder.failed else "making"
        return MapOut(state=build, version=-1, count=0, genres=[], regions=[])
    return MapOut(
        state="ready",
        version=builder.version,
        count=len(layout.ids),
        genres=[printable(name) for name in layout.genre_names],
        regions=[RegionOut(x=r.x, y=r.y, name=r.name, count=r.count) for r in layout.regions],
    )


@router.get(
    "/points", operation_id="mapPoints", response_class=Response, responses=_BINARY_RESPONSES
)
async def get_points(state: StateDependency, version: Version) -> Response:
    """Return all points: ids (float64), interleaved x and y (float32), genres (uint8).

    All values are little-endian.
    """
    layout = _require_layout(state, version)
    parts = (layout.ids.astype("<f8"), layout.places.astype("<f4"), layout.genres.astype("u1"))
    return Response(b"".join(part.tobytes() for part in parts), media_type=_BINARY)


@router.post(
    "/scores", operation_id="mapScores", response_class=Response, responses=_BINARY_RESPONSES
)
async def get_scores(state: StateDependency, query: QueryIn, version: Version) -> Response:
    """Return the score of each point for a query, 0 to 100 (uint8), in the order of the points."""
    layout = _require_layout(state, version)
    library_query = to_library_query(query, state.clips, state.libraries.model)

    def score(library: Library) -> bytes:
        ids, scores = library.score_tracks(library_query)
        rows = np.clip(np.searchsorted(ids, layout.ids), 0, max(0, len(ids) - 1))
        is_known = ids[rows] == layout.ids
        return np.where(is_known, np.rint(scores[rows]), 0).astype(np.uint8).tobytes()

    return Response(await state.libraries.run(score), media_type=_BINARY)


@router.post("/tracks", operation_id="mapTracks")
async def get_tracks(state: StateDependency, request: TracksByIdIn) -> TracksByIdOut:
    """Return tracks by their ids."""
    tracks = await state.libraries.run(lambda library: library.tracks_by_id(request.ids))
    return TracksByIdOut(tracks=[TrackOut.from_track(track) for track in tracks])


def _require_layout(state: State, version: int) -> Layout:
    builder = state.map_builder
    if builder.layout is None or builder.version != version:
        raise HTTPException(409, "the map has changed: request it again")
    return builder.layout
