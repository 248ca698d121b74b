"""Resolve a query: the target vector, the tracks that it names and the tracks to exclude."""

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunespace.errors import QueryError
from tunespace.library.query import AudioFileRef, Query, QueryTerm, Text, TrackRef, VectorRef
from tunespace.library.search.entity_matching import NameMatch, match_names
from tunespace.library.search.result import TextInterpretation
from tunespace.library.store.base import Store
from tunespace.library.store.vector_matrix import VectorMatrix
from tunespace.models import Model
from tunespace.text import ParsedQuery

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ResolvedQuery:
    """Query as vectors and ids.

    Attributes:
        vector: ``(dim,)`` float32, unit length; zero if the query has no terms.
        named: Ids of tracks whose artist or title the query names.
        excluded: Ids of tracks that the query refers to; they are no hits.
        interpretations: One for each text of the query.
    """

    vector: Vectors
    named: frozenset[int]
    excluded: frozenset[int]
    interpretations: tuple[TextInterpretation, ...]


@dataclass(frozen=True)
class _ResolvedTerm:
    vector: Vectors
    named: frozenset[int] = frozenset()
    excluded: frozenset[int] = frozenset()
    interpretation: TextInterpretation | None = None


@dataclass(frozen=True)
class QueryResolver:
    """Resolves queries against one generation of a library.

    Attributes:
        store: Store of the library.
        model: Model of the library.
        matrix: Embeddings of the library.
    """

    store: Store
    model: Model
    matrix: VectorMatrix

    def resolve(self, query: Query) -> ResolvedQuery:
        """Resolve a query.

        Raises:
            QueryError: The query has neither terms nor a filter, or a term cannot be read.
            AudioError: An audio file cannot be read.
        """
        vector = np.zeros(self.model.dim, np.float32)
        terms = [self._resolve_term(term) for term in query.terms]
        for term, resolved in zip(query.terms, terms, strict=True):
            vector += np.float32(term.weight) * resolved.vector
        length = float(np.linalg.norm(vector))
        if length > 0:
            vector /= length
        elif query.terms or not query.where.strip():
            raise QueryError("the query is empty: give words, a track or a filter")
        return ResolvedQuery(
            vector,
            frozenset().union(*(term.named for term in terms)),
            frozenset().union(*(term.excluded for term in terms)),
            tuple(term.interpretation for term in terms if term.interpretation is not None),
        )

    def vector_of(self, reference: AudioFileRef | TrackRef) -> Vectors:
        """Return the ``(dim,)`` float32 unit embedding of a track or an audio file.

        Raises:
            QueryError: The track is not in the library.
            AudioError: The file cannot be read.
        """
        return self._resolve_audio(reference).vector

    def _resolve_term(self, term: QueryTerm) -> _ResolvedTerm:
        match term.value:
            case Text(text):
                return self._resolve_text(text, is_wanted=term.weight > 0)
            case VectorRef(vector):
                return _ResolvedTerm(vector)
            case reference:
                return self._resolve_audio(reference)

    def _resolve_audio(self, reference: AudioFileRef | TrackRef) -> _ResolvedTerm:
        if isinstance(reference, TrackRef):
            vector = self.matrix.vector_of(reference.id)
            if vector is None:
                raise QueryError(f"the library has no track {reference.id}")
            return _ResolvedTerm(vector, excluded=frozenset({reference.id}))
        path = os.path.realpath(reference.path)
        id_ = self.store.id_of_path(path)
        if id_ is not None and (vector := self.matrix.vector_of(id_)) is not None:
            return _ResolvedTerm(vector, excluded=frozenset({id_}))
        return _ResolvedTerm(self.model.embed_file(path).vector)

    def _resolve_text(self, text: str, *, is_wanted: bool) -> _ResolvedTerm:
        """Add up the embeddings of the artists to sound like and of the description.

        A name alone needs no description; its own tracks stand for it then.
        """
        words = self.model.lexicon_vectors
        lexicon = words.lexicon if words else None
        if is_wanted and text.strip():
            names = match_names(text, self.store, lexicon)
        else:
            names = NameMatch(text)
        vector = np.zeros(self.model.dim, np.float32)
        similar_ids = frozenset(
            self.store.ids_of_artists(names.similar_to) if names.similar_to else ()
        )
        named = names.title_ids.union(
            self.store.ids_of_artists(names.artists) if names.artists else ()
        )
        if similar_ids:
            vector += self._mean_of(similar_ids)
        has_artist = bool(names.artists or names.similar_to)
        if names.rest.strip() or not has_artist:
            try:
                vector += self.model.embed_text([names.rest])[0]
            except QueryError:
                if not (has_artist or names.title_ids):
                    raise
        if not vector.any():
            vector += self._mean_of(named)
        interpretation = self._interpret(text, names, is_wanted=is_wanted)
        return _ResolvedTerm(vector, named, similar_ids, interpretation)

    def _interpret(self, text: str, names: NameMatch, *, is_wanted: bool) -> TextInterpretation:
        # Parsing loads the text tower, which a name alone does not need.
        parsed = self.model.parse_query(names.rest) if names.rest.strip() else ParsedQuery((), "")
        return TextInterpretation(
            text,
            tuple(sorted(names.artists)),
            tuple(sorted(names.similar_to)),
            len(names.title_ids),
            parsed.terms,
            parsed.sentence,
            parsed.unwanted,
            parsed.corrections if is_wanted else (),
        )

    def _mean_of(self, ids: frozenset[int]) -> Vectors:
        rows = self.matrix.rows_of(ids)
        total: Vectors = self.matrix.vectors[rows].sum(axis=0)
        length = float(np.linalg.norm(total))
        return total / length if length else total
