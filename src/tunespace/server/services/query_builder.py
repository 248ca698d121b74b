"""Convert the queries of the API to queries of the library."""

from tunespace.errors import QueryError
from tunespace.library import Query, QueryTerm, Text, TrackRef, VectorRef
from tunespace.models import Model
from tunespace.server.schemas import QueryIn, TermIn
from tunespace.server.services.clip_cache import ClipCache


def to_library_query(query: QueryIn, clips: ClipCache, model: Model) -> Query:
    """Return the library's query for a query of the API.

    Raises:
        QueryError: A clip has expired, or was embedded with another model than the library's.
    """
    return Query(
        terms=tuple(QueryTerm(_value(term, clips, model), term.weight) for term in query.terms),
        where=query.where,
        limit=query.limit,
        min_score=query.min_score,
        per_artist=query.per_artist,
        include_duplicates=query.include_duplicates,
    )


def _value(term: TermIn, clips: ClipCache, model: Model) -> Text | TrackRef | VectorRef:
    if term.text is not None:
        return Text(term.text)
    if term.track is not None:
        return TrackRef(term.track)
    clip = clips.get(term.clip or "")
    if clip.model != model.identity:
        raise QueryError("the library has another model now: upload the clip again")
    return VectorRef(clip.vector)
