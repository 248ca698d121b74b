"""Searching: by words, by tracks, by clips that were sent, and by all of these at once."""

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tunespace.library import Library, QueryTerm, Text, TrackRef, VectorRef
from tunespace.library import Query as Asked
from tunespace.server.schemas import (
    FILE_AS_BODY,
    LONGEST_TEXT,
    MOST_HITS,
    ClipOut,
    Facets,
    FacetValue,
    Found,
    HitOut,
    QueryIn,
    Slip,
    TermIn,
    printable,
)
from tunespace.server.services.clip_cache import SECONDS, Clips
from tunespace.server.state import Shared

router = APIRouter(prefix="/api", tags=["search"])

UPLOADS = frozenset({"/api/clips"})


@router.get("/search", operation_id="searchByWords", response_model=Found)
async def search_by_words(
    state: Shared,
    q: Annotated[str, Query(max_length=LONGEST_TEXT, description="What to look for.")],
    where: Annotated[str, Query(max_length=LONGEST_TEXT)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
) -> Response:
    """Music that words describe."""
    terms = [TermIn(text=q)]
    return await _found(state, QueryIn(terms=terms, where=where, limit=limit))


@router.post("/search", operation_id="search", response_model=Found)
async def search(state: Shared, query: QueryIn) -> Response:
    """Music that is near to some things and away from others."""
    return await _found(state, query)


@router.post(
    "/clips",
    operation_id="sendClip",
    status_code=201,
    openapi_extra=FILE_AS_BODY,
)
async def send_clip(state: Shared, request: Request) -> ClipOut:
    """Listens to a file, so that its id can stand in a query. The file itself is not kept."""
    heard = await state.hearing.hear(request.stream())
    return ClipOut(
        clip=state.clips.keep(heard), seconds=round(heard.seconds, 2), expires_in=SECONDS
    )


@router.get("/facets", operation_id="facets")
async def facets(
    state: Shared,
    where: Annotated[str, Query(max_length=LONGEST_TEXT)] = "",
    most: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Facets:
    """What the library, or what a filter leaves of it, can be filtered by."""
    found = await state.collection.run(lambda library: library.facets(where=where, most=most))
    return Facets(
        facets={
            name: [
                FacetValue(name=printable(value.name), where=value.where, count=value.count)
                for value in values
            ]
            for name, values in found.items()
        }
    )


async def _found(state: Shared, query: QueryIn) -> Response:
    asked = asked_of(query, state.clips)
    texts = [term.text for term in query.terms if term.text and term.weight > 0]

    def ask(library: Library) -> str:
        began = time.perf_counter()
        hits = library.search(asked)
        slips = [pair for text in texts for pair in library.slips(text)]
        return Found(
            hits=[HitOut.of(hit) for hit in hits],
            slips=[Slip(typed=typed, meant=meant) for typed, meant in dict.fromkeys(slips)],
            milliseconds=round(1000 * (time.perf_counter() - began), 2),
        ).model_dump_json()

    # As it is: it was made by its model, and need not be checked against that once more.
    return Response(await state.collection.run(ask), media_type="application/json")


def asked_of(query: QueryIn, clips: Clips) -> Asked:
    """The library's own query.

    Raises:
        QueryError: A clip is not known any more.
    """
    return Asked(
        terms=tuple(QueryTerm(_what(term, clips), term.weight) for term in query.terms),
        where=query.where,
        limit=query.limit,
        min_score=query.min_score,
        per_artist=query.per_artist,
        include_duplicates=query.duplicates,
    )


def _what(term: TermIn, clips: Clips) -> Text | TrackRef | VectorRef:
    if term.text is not None:
        return Text(term.text)
    if term.track is not None:
        return TrackRef(term.track)
    return VectorRef(clips.get(term.clip or "").vector)
