"""Search by words, tracks, uploaded clips, and combinations of them."""

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tunespace.library import Library
from tunespace.server.schemas import (
    FILE_AS_BODY,
    MAX_HITS,
    MAX_TEXT_LENGTH,
    ClipOut,
    Facets,
    FacetValueOut,
    QueryIn,
    SearchResponse,
    TermIn,
    printable,
)
from tunespace.server.services.clip_cache import SECONDS
from tunespace.server.services.query_builder import to_library_query
from tunespace.server.state import State, StateDependency

router = APIRouter(prefix="/api", tags=["search"])

UPLOAD_PATHS = frozenset({"/api/clips"})


@router.get("/search", operation_id="searchByWords", response_model=SearchResponse)
async def search_by_words(
    state: StateDependency,
    q: Annotated[str, Query(max_length=MAX_TEXT_LENGTH, description="Words to search for.")],
    where: Annotated[str, Query(max_length=MAX_TEXT_LENGTH)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_HITS)] = 20,
) -> Response:
    """Search by words."""
    return await _search(state, QueryIn(terms=[TermIn(text=q)], where=where, limit=limit))


@router.post("/search", operation_id="search", response_model=SearchResponse)
async def search(state: StateDependency, query: QueryIn) -> Response:
    """Search by weighted terms."""
    return await _search(state, query)


@router.post("/clips", operation_id="sendClip", status_code=201, openapi_extra=FILE_AS_BODY)
async def send_clip(state: StateDependency, request: Request) -> ClipOut:
    """Embed an audio file, to use its id in a query. The file itself is not kept."""
    embedding = await state.clip_encoder.encode(request.stream())
    return ClipOut(
        clip=state.clips.add(embedding), seconds=round(embedding.seconds, 2), expires_in=SECONDS
    )


@router.get("/facets", operation_id="facets")
async def facets(
    state: StateDependency,
    where: Annotated[str, Query(max_length=MAX_TEXT_LENGTH)] = "",
    most: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Facets:
    """Return the values that the tracks matching a filter can be filtered by, with counts."""
    by_name = await state.facets.facets(where, most)
    return Facets(
        facets={
            name: [
                FacetValueOut(name=printable(value.name), where=value.where, count=value.count)
                for value in values
            ]
            for name, values in by_name.items()
        }
    )


async def _search(state: State, query: QueryIn) -> Response:
    library_query = to_library_query(query, state.clips, state.libraries.model)

    def run(library: Library) -> str:
        began = time.perf_counter()
        result = library.search(library_query)
        milliseconds = 1000 * (time.perf_counter() - began)
        return SearchResponse.from_result(result, milliseconds).model_dump_json()

    # Already validated by SearchResponse; a raw response skips FastAPI's second validation.
    return Response(await state.libraries.run(run), media_type="application/json")
