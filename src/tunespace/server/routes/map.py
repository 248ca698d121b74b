"""The map of the library: made when it is first asked for, and again when that has changed."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException
from fastapi import Query as InQuery
from fastapi.responses import Response
from pydantic import BaseModel, Field

from tunespace.library import Library
from tunespace.server.routes.search import asked_of
from tunespace.server.schemas import MOST_HITS, Id, In, QueryIn, TrackOut, printable
from tunespace.server.services.library_pool import Collection
from tunespace.server.services.map_layout import VERSION, Layout
from tunespace.server.services.sandbox import child
from tunespace.server.state import Shared

router = APIRouter(prefix="/api/map", tags=["map"])

_COMMAND = "import sys; from tunespace.server.services.map_layout import main; main(*sys.argv[1:])"
_BINARY = "application/octet-stream"
_BYTES_OF_A_MAP: dict[int | str, dict[str, Any]] = {
    200: {"content": {_BINARY: {"schema": {"type": "string", "format": "binary"}}}},
    409: {"description": "The map has changed."},
}
# While music is indexed the library changes every second; its map need not.
_SECONDS_BETWEEN = 120.0


class RegionOut(BaseModel):
    """A part of the map."""

    x: float
    y: float
    name: str
    count: int


class MapOut(BaseModel):
    """The map, but for its points."""

    state: Literal["ready", "making", "failed"]
    version: int = Field(description="Of the points; another one is another map.")
    count: int
    genres: list[str] = Field(description="The most frequent; points have indices into them.")
    regions: list[RegionOut]


class SomeIn(In):
    """Tracks by their ids."""

    ids: Annotated[list[Id], Field(max_length=MOST_HITS)]


class SomeOut(BaseModel):
    """Tracks in the order that was asked for; what is gone is left out."""

    tracks: list[TrackOut]


class Maps:
    """Makes maps, one at a time, in a process of its own."""

    def __init__(self, collection: Collection) -> None:
        """Starts with none."""
        self._collection = collection
        self._folder = _writable(collection.folder / "maps")
        self._task: asyncio.Task[None] | None = None
        self._made = 0.0
        self.layout: Layout | None = None
        self.generation = -1
        self.failed = False

    async def refresh(self) -> None:
        """Starts to make a map where the library has changed since the last."""
        generation = await self._collection.run(lambda library: library.generation)
        if generation == self.generation or self.is_making:
            return
        if self.layout is not None and time.monotonic() - self._made < _SECONDS_BETWEEN:
            return
        self._task = asyncio.create_task(self._make(generation))

    @property
    def is_making(self) -> bool:
        """Whether one is being made."""
        return self._task is not None and not self._task.done()

    async def close(self) -> None:
        """Stops what is running."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _make(self, generation: int) -> None:
        space = f"{self._collection.model.identity.replace('/', '_')}-v{VERSION}"
        path = self._folder / f"{space}-{generation}.npz"
        if not path.exists():
            landmarks = self._folder / f"{space}-landmarks.npz"
            folders = (str(self._collection.folder), str(self._collection.model.folder))
            async with child(_COMMAND, *folders, str(landmarks), str(path)) as process:
                await process.communicate()
        try:
            self.layout = await asyncio.to_thread(Layout.load, path)
        except (OSError, ValueError, KeyError):
            self.failed = True
        else:
            self.failed = False
            self.generation = generation
            self._made = time.monotonic()
            for old in self._folder.glob(f"{space}-*.npz"):
                if old not in (path, self._folder / f"{space}-landmarks.npz"):
                    old.unlink(missing_ok=True)


@router.get("", operation_id="map")
async def get_map(state: Shared) -> MapOut:
    """The map, or that it is being made: ask again in a second."""
    maps = state.maps
    await maps.refresh()
    layout = maps.layout
    if layout is None:
        made: Literal["making", "failed"] = "failed" if maps.failed else "making"
        return MapOut(state=made, version=-1, count=0, genres=[], regions=[])
    return MapOut(
        state="ready",
        version=maps.generation,
        count=len(layout.ids),
        genres=[printable(name) for name in layout.genre_names],
        regions=[RegionOut(x=r.x, y=r.y, name=r.name, count=r.count) for r in layout.regions],
    )


@router.get(
    "/points",
    operation_id="mapPoints",
    response_class=Response,
    responses=_BYTES_OF_A_MAP,
)
async def get_points(
    state: Shared, version: Annotated[int, InQuery(description="Of the map.")]
) -> Response:
    """All points, little-endian: ids (float64), x and y by turns (float32), genres (uint8)."""
    layout = _layout(state, version)
    parts = (layout.ids.astype("<f8"), layout.places.astype("<f4"), layout.genres.astype("u1"))
    return Response(b"".join(part.tobytes() for part in parts), media_type=_BINARY)


@router.post(
    "/scores",
    operation_id="mapScores",
    response_class=Response,
    responses=_BYTES_OF_A_MAP,
)
async def get_scores(
    state: Shared,
    query: QueryIn,
    version: Annotated[int, InQuery(description="Of the map.")],
) -> Response:
    """How well each point fits a query, 0 to 100 (uint8), in the order of the points."""
    layout = _layout(state, version)
    asked = asked_of(query, state.clips)

    def ask(library: Library) -> bytes:
        ids, scores = library.score_tracks(asked)
        rows = np.clip(np.searchsorted(ids, layout.ids), 0, max(0, len(ids) - 1))
        known = ids[rows] == layout.ids
        return np.where(known, np.rint(scores[rows]), 0).astype(np.uint8).tobytes()

    return Response(await state.collection.run(ask), media_type=_BINARY)


@router.post("/tracks", operation_id="mapTracks")
async def get_tracks(state: Shared, some: SomeIn) -> SomeOut:
    """Tracks by their ids."""
    found = await state.collection.run(lambda library: library.tracks_by_id(some.ids))
    return SomeOut(tracks=[TrackOut.of(track) for track in found])


def _layout(state: Shared, version: int) -> Layout:
    maps = state.maps
    if maps.layout is None or maps.generation != version:
        raise HTTPException(409, "the map has changed: ask for it again")
    return maps.layout


def _writable(folder: Path) -> Path:
    """The folder, or one for temporary files where the library's disk cannot be written."""
    try:
        folder.mkdir(exist_ok=True)
        (folder / ".probe").touch()
        (folder / ".probe").unlink()
    except OSError:
        from tempfile import mkdtemp

        return Path(mkdtemp(prefix="tunespace-maps-"))
    return folder
