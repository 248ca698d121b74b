"""Convert the queries of the API to queries of the library."""

from tunespace.library import Query, QueryTerm, Text, TrackRef, VectorRef
from tunespace.server.schemas import QueryIn, TermIn
from tunespace.server.services.clip_cache import ClipCache


def to_library_query(query: QueryIn, clips: ClipCache) -> Query:
    """Return the library's query for a query of the API.

    Raises:
        QueryError: A clip has expired.
    """
    return Query(
        terms=tuple(QueryTerm(_value(term, clips), term.weight) for term in query.terms),
        where=query.where,
        limit=query.limit,
        min_score=query.min_score,
        per_artist=query.per_artist,
        include_duplicates=query.include_duplicates,
    )


def _value(term: TermIn, clips: ClipCache) -> Text | TrackRef | VectorRef:
    if term.text is not None:
        return Text(term.text)
    if term.track is not None:
        return TrackRef(term.track)
    return VectorRef(clips.get(term.clip or "").vector)
