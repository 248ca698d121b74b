"""Answering a query: vectors, one scan, names, filters, windows, and what a person reads.

Every step is a function of the query, the store as it is, and the matrix made from it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tunespace.errors import QueryError
from tunespace.library.query import AudioFileRef, Query, Text, TrackRef, VectorRef
from tunespace.library.search.entity_matching import NameMatch, match_names
from tunespace.library.search.filter_parser import Where, parse_where
from tunespace.library.search.score_calibration import ScoreCalibration, calibrate
from tunespace.library.store.sqlite import Space, Store, Track
from tunespace.library.store.vector_matrix import MatrixCache, VectorMatrix
from tunespace.models import Model
from tunespace.text.normalize import fold

Vectors = npt.NDArray[np.float32]

# The best so many of the scan are looked at window by window.
_RERANK_COUNT = 64
# Of the best window beside the whole track: it lifts a long mix that has what is asked for in one
# place, and changes no figure on Emotify by more than .002.
_BEST_WINDOW_WEIGHT = 0.2
# Caps and duplicates may use up many; SQLite takes so many parameters at once.
_LARGEST_BATCH = 4096
# Values that are looked at as one when the best are found.
_BLOCK = 256
# So many of the best are tried first when there is a filter.
_FILTER_FIRST_COUNT = 1024
# Files of one recording differ in length by what encoders pad, in seconds.
_MAX_LENGTH_DIFFERENCE = 1.5
_MIN_DUPLICATE_COSINE = 0.99
# A name that matches counts for more than any likeness.
_NAMED_BONUS = 2.0


@dataclass(frozen=True)
class Hit:
    """An answer.

    Attributes:
        track: What was found.
        score: 0..100, how well it fits; see ``scores``.
        start: Where in the track it fits best, in seconds.
        end: Where that stretch ends, in seconds.
        cosine: Of the whole track and the query.
        named: Whether its artist or title is what the query says.
        missing: Whether its file is gone since the last run of ``index``.
        duplicates: Paths of files that hold the same recording.
    """

    track: Track
    score: float
    start: float
    end: float
    cosine: float
    named: bool = False
    missing: bool = False
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moment:
    """A stretch of a track, and how well it fits a query.

    Attributes:
        start: In seconds.
        end: In seconds.
        score: 0..100.
    """

    start: float
    end: float
    score: float


@dataclass
class ResolvedQuery:
    """What a query comes to: a direction, tracks that it names and tracks that it is about."""

    vector: Vectors
    named: set[int] = field(default_factory=set)
    excluded: set[int] = field(default_factory=set)


class Searcher:
    """Searches one state of a library, and the next when the library has changed.

    Attributes:
        store: Of the library.
        model: That listens and reads.
        space: That is searched.
        matrix: The vectors of the state.
        matrices: Opens the vectors of the next state.
    """

    def __init__(self, store: Store, model: Model, space: Space, matrices: MatrixCache) -> None:
        """Opens the matrix of the space."""
        self.store = store
        self.model = model
        self.space = space
        self.matrices = matrices
        self.matrix: VectorMatrix = matrices.open(store, space)

    def search(self, query: Query) -> list[Hit]:
        """The best hits, best first.

        Raises:
            QueryError: The query asks for nothing, or cannot be read.
            AudioError: A clip cannot be read.
        """
        if query.limit < 1:
            raise QueryError(f"the number of hits must be at least 1, not {query.limit}")
        where = parse_where(query.where) if query.where.strip() else None
        resolved, cosines, scale = self._scan(query)
        ranking = cosines.copy()
        ranking[self.matrix.rows_of(resolved.named)] += _NAMED_BONUS
        ranking[self.matrix.rows_of(resolved.excluded)] = -np.inf
        hits: list[Hit] = []
        for rows in self._batches(ranking, where, query.limit):
            self._apply_limits(hits, self._rerank(rows, resolved, cosines, scale), query)
            # Even if its best window fitted perfectly, no track after these reaches the score.
            # Among named tracks, which come first however they sound, the bound is never reached.
            best_left = (1 - _BEST_WINDOW_WEIGHT) * float(ranking[rows[-1]]) + _BEST_WINDOW_WEIGHT
            if len(hits) == query.limit or scale(best_left) < query.min_score:
                break
        return [replace(hit, missing=not os.path.exists(hit.track.path)) for hit in hits]

    def moments(self, query: Query, id_: int) -> list[Moment]:
        """How well each window of a track fits, in the order of time; empty where it has none.

        Raises:
            QueryError: The query asks for nothing, or cannot be read.
        """
        windows = self.store.windows([id_], self.space).get(id_)
        if windows is None:
            return []
        resolved, _, scale = self._scan(query)
        near = windows.vectors.astype(np.float32) @ resolved.vector / np.float32(127)
        return [
            Moment(start, end, scale(float(cosine)))
            for (start, end), cosine in zip(windows.spans.tolist(), near, strict=True)
        ]

    def score_tracks(self, query: Query) -> tuple[npt.NDArray[np.int64], Vectors]:
        """Ids, ascending, and scores of all tracks, names and windows aside."""
        _, cosines, scale = self._scan(query)
        return self.matrix.ids, scale.scores_of(cosines)

    def current_matrix(self) -> VectorMatrix:
        """The vectors of all tracks as the library is now."""
        self._refresh()
        return self.matrix

    def slips(self, text: str) -> tuple[tuple[str, str], ...]:
        """What was typed with a slip of the finger, and what it is read as."""
        lexicon = self.model.lexicon_vectors.lexicon if self.model.lexicon_vectors else None
        return self.model.parse_query(match_names(text, self.store, lexicon).rest).slips

    def vector_of(self, what: AudioFileRef | TrackRef) -> Vectors:
        """``(dim,)`` float32, unit length, of a track or a file.

        Raises:
            QueryError: The library has no such track.
            AudioError: The file cannot be read.
        """
        resolved = ResolvedQuery(np.zeros(self.space.dim, np.float32))
        return (
            self._clip(what, resolved)
            if isinstance(what, AudioFileRef)
            else self._track(what.id, resolved)
        )

    def _batches(
        self, ranking: Vectors, where: Where | None, limit: int
    ) -> Iterator[npt.NDArray[np.int64]]:
        """Rows that the filter allows, best first, a batch at a time for as long as it is asked."""
        size = max(_RERANK_COUNT, 2 * limit)
        if where is not None:
            # Most filters leave enough of the best: then the others need not be looked at.
            rows = _top_rows(ranking, _FILTER_FIRST_COUNT)
            rows = rows[np.isin(self.matrix.ids[rows], self._allowed(where, self.matrix.ids[rows]))]
            if len(rows) >= size:
                yield rows[:size]
                ranking[rows[:size]] = -np.inf
            rest = np.ones(len(ranking), bool)
            rest[self.matrix.rows_of(self._allowed(where))] = False
            ranking[rest] = -np.inf
        while len(rows := _top_rows(ranking, size)):
            yield rows
            ranking[rows] = -np.inf
            size = min(4 * size, _LARGEST_BATCH)

    def _allowed(
        self, where: Where, ids: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]:
        """Ids that a filter leaves, of some tracks or of all."""
        sql = f"SELECT group_concat(id) FROM tracks WHERE reason IS NULL AND {where.sql}"
        if ids is not None:
            sql += f" AND id IN ({','.join(map(str, ids.tolist()))})"
        [(found,)] = self.store.select(sql, where.parameters)
        return np.fromstring(found or "", np.int64, sep=",")

    def _refresh(self) -> None:
        if self.matrix.generation != self.store.generation:
            self.matrix = self.matrices.open(self.store, self.space)

    def _scan(self, query: Query) -> tuple[ResolvedQuery, Vectors, ScoreCalibration]:
        """What a query comes to, its cosine to each track as the library is now, and its scale."""
        self._refresh()
        resolved = self._aim(query)
        cosines: Vectors = self.matrix.vectors @ resolved.vector
        return resolved, cosines, calibrate(resolved.vector, self.model.reference, cosines)

    def _aim(self, query: Query) -> ResolvedQuery:
        resolved = ResolvedQuery(np.zeros(self.space.dim, np.float32))
        for term in query.terms:
            if isinstance(term.value, Text):
                vector = self._text(term.value.text, resolved, wanted=term.weight > 0)
            elif isinstance(term.value, AudioFileRef):
                vector = self._clip(term.value, resolved)
            elif isinstance(term.value, VectorRef):
                vector = term.value.vector
            else:
                vector = self._track(term.value.id, resolved)
            resolved.vector += np.float32(term.weight) * vector
        length = float(np.linalg.norm(resolved.vector))
        if length > 0:
            resolved.vector /= length
        elif query.terms or not query.where.strip():
            raise QueryError("the query asks for nothing: name words, a track or a filter")
        return resolved

    def _text(self, text: str, resolved: ResolvedQuery, *, wanted: bool) -> Vectors:
        words = self.model.lexicon_vectors
        lexicon = words.lexicon if words else None
        named = (
            match_names(text, self.store, lexicon) if wanted and text.strip() else NameMatch(text)
        )
        vector = np.zeros(self.space.dim, np.float32)
        if named.artists:
            resolved.named |= self._tracks_of(named.artists)
        if named.like:
            about = self._tracks_of(named.like)
            resolved.excluded |= about
            vector += self._mean_of(about)
        resolved.named |= named.titled
        if named.rest.strip() or not (named.artists or named.like):
            try:
                vector += self.model.embed_text([named.rest])[0]
            except QueryError:
                # A name alone needs no description.
                if not (named.artists or named.like or named.titled):
                    raise
        if not vector.any():
            vector += self._mean_of(resolved.named)
        return vector

    def _clip(self, clip: AudioFileRef, resolved: ResolvedQuery) -> Vectors:
        path = os.path.realpath(clip.path)
        row = self.store.select("SELECT id FROM tracks WHERE path = ?", (os.fsencode(path),))
        if row and self.matrix.vector_of(row[0][0]) is not None:
            return self._track(row[0][0], resolved)
        return self.model.embed_file(path).vector

    def _track(self, id_: int, resolved: ResolvedQuery) -> Vectors:
        vector = self.matrix.vector_of(id_)
        if vector is None:
            raise QueryError(f"the library has no track {id_}")
        resolved.excluded.add(id_)
        return vector

    def _tracks_of(self, artists: frozenset[str]) -> set[int]:
        marks = ",".join("?" * len(artists))
        found = self.store.select(
            f"SELECT id FROM tracks WHERE artist_key IN ({marks})",
            sorted(artists),
        )
        return {id_ for (id_,) in found}

    def _mean_of(self, tracks: set[int]) -> Vectors:
        rows = self.matrix.rows_of(tracks)
        total: Vectors = self.matrix.vectors[rows].sum(axis=0)
        length = float(np.linalg.norm(total))
        return total / length if length else total

    def _apply_limits(self, hits: list[Hit], found: list[Hit], query: Query) -> None:
        """Adds what was found, in its order, up to the limits of the query."""
        for hit in found:
            if len(hits) == query.limit:
                return
            if hit.score < query.min_score:
                continue
            if not query.include_duplicates and self._merge_duplicate(hits, hit):
                continue
            artist = fold(hit.track.artist)
            if query.per_artist is not None and artist:
                same = sum(fold(other.track.artist) == artist for other in hits)
                if same >= query.per_artist:
                    continue
            hits.append(hit)

    def _merge_duplicate(self, hits: list[Hit], hit: Hit) -> bool:
        """Adds a hit to the one that has the same recording, if there is one."""
        near = [
            n
            for n, other in enumerate(hits)
            if abs(other.track.seconds - hit.track.seconds) <= _MAX_LENGTH_DIFFERENCE
        ]
        if not near:
            return False
        tracks = [hit.track.id, *(hits[n].track.id for n in near)]
        own, *others = (self.matrix.vector_of(id_) for id_ in tracks)
        for n, vector in zip(near, others, strict=True):
            if own is None or vector is None:
                continue
            cosine = float(own @ vector)
            if cosine >= _MIN_DUPLICATE_COSINE and _same_recording(
                hits[n].track, hit.track, cosine
            ):
                duplicates = (*hits[n].duplicates, hit.track.path)
                hits[n] = replace(hits[n], duplicates=duplicates)
                return True
        return False

    def _rerank(
        self,
        rows: npt.NDArray[np.int64],
        resolved: ResolvedQuery,
        cosines: Vectors,
        scale: ScoreCalibration,
    ) -> list[Hit]:
        """Hits in their final order, with the place in the track that fits best."""
        ids = [int(id_) for id_ in self.matrix.ids[rows]]
        tracks = self.store.tracks(ids)
        windows = self.store.windows(ids, self.space)
        found: list[tuple[float, Hit]] = []
        # Removed since the scan, some of them.
        there = [id_ for id_ in ids if id_ in tracks and id_ in windows]
        if not there:
            return []
        all_windows = np.concatenate([windows[id_].vectors for id_ in there])
        ends = np.cumsum([len(windows[id_].vectors) for id_ in there])
        fits = np.split(
            all_windows.astype(np.float32) @ resolved.vector / np.float32(127), ends[:-1]
        )
        row_of = dict(zip(ids, rows.tolist(), strict=True))
        for id_, near in zip(there, fits, strict=True):
            row = row_of[id_]
            best = int(near.argmax())
            start, end = windows[id_].spans[best].tolist()
            cosine = float(cosines[row])
            fit = (1 - _BEST_WINDOW_WEIGHT) * cosine + _BEST_WINDOW_WEIGHT * float(near[best])
            named = id_ in resolved.named
            score = scale(fit)
            hit = Hit(
                tracks[id_],
                score=90 + score / 10 if named else score,
                start=start,
                end=end,
                cosine=cosine,
                named=named,
            )
            found.append((fit + _NAMED_BONUS * named, hit))
        return [hit for _, hit in sorted(found, key=lambda pair: -pair[0])]


def _top_rows(ranking: Vectors, count: int) -> npt.NDArray[np.int64]:
    """Rows of the highest values that are not minus infinity, highest first.

    The best so many lie in as many blocks, those with the highest maxima: one pass finds the
    blocks, and only they are sorted out. A partition of a million values takes ten times as long.
    """
    count = min(count, len(ranking))
    rows = np.arange(len(ranking))
    whole = len(ranking) // _BLOCK
    if count < whole:
        highest = ranking[: whole * _BLOCK].reshape(whole, _BLOCK).max(axis=1)
        blocks = np.argpartition(highest, whole - count)[whole - count :]
        rows = (blocks[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
        rows = np.concatenate([rows, np.arange(whole * _BLOCK, len(ranking))])
    values = ranking[rows]
    if count < len(rows):
        chosen = np.argpartition(values, len(rows) - count)[len(rows) - count :]
        rows, values = rows[chosen], values[chosen]
    rows = rows[np.lexsort((rows, -values))]
    return rows[np.isfinite(ranking[rows])]


def _same_recording(one: Track, other: Track, cosine: float) -> bool:
    """Whether two files hold one recording, by names, length and sound.

    Copies of a file in mp3, aac and opus had cosines of .9957 and more; so have some different
    pieces of one album, hence names or a nearly equal length have to agree as well.
    """
    apart = abs(one.seconds - other.seconds)
    if fold(one.title) == fold(other.title) and fold(one.artist) == fold(other.artist):
        return apart <= _MAX_LENGTH_DIFFERENCE and cosine >= _MIN_DUPLICATE_COSINE
    return apart <= 0.25 and cosine >= 0.9993
