"""Search a library: resolve the query, scan the embeddings, filter, re-rank, apply limits."""

import os
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tunespace.errors import QueryError
from tunespace.library.query import AudioFileRef, Query, TrackRef
from tunespace.library.search.filter_parser import parse_optional_filter
from tunespace.library.search.hit_list import HitList
from tunespace.library.search.query_resolver import QueryResolver, ResolvedQuery
from tunespace.library.search.ranking import candidate_batches
from tunespace.library.search.result import Hit, Moment, SearchResult
from tunespace.library.search.score_calibration import ScoreCalibration, calibrate
from tunespace.library.store.base import Store
from tunespace.library.store.filters import Filter
from tunespace.library.store.records import Space, TrackWindows
from tunespace.library.store.vector_matrix import MatrixCache, VectorMatrix
from tunespace.models import Model

Vectors = npt.NDArray[np.float32]

# Number of candidates that are re-ranked by their windows.
_RERANK_COUNT = 64
# Weight of the best window beside the whole track: it raises a long mix that matches in one
# place, and changes no figure on Emotify by more than .002.
_BEST_WINDOW_WEIGHT = 0.2
# Added to the cosine of a track that the query names: a name outranks any similarity.
_NAMED_BONUS = 2.0
# A named track scores at least this, whatever it sounds like.
_MIN_NAMED_SCORE = 90.0


@dataclass(frozen=True)
class _Scan:
    """One scan of the embeddings: the state that every step of a search reads."""

    matrix: VectorMatrix
    resolved: ResolvedQuery
    cosines: Vectors
    calibration: ScoreCalibration


class Searcher:
    """Searches the current generation of a library.

    Attributes:
        store: Store of the library.
        model: Model of the library.
        space: Space that is searched.
    """

    def __init__(self, store: Store, model: Model, space: Space, matrices: MatrixCache) -> None:
        """Take the parts that a search reads; ``matrices`` may be shared by several searchers."""
        self.store = store
        self.model = model
        self.space = space
        self._matrices = matrices

    @property
    def matrix(self) -> VectorMatrix:
        """Embeddings of the current generation."""
        return self._matrices.open(self.store, self.space)

    def search(self, query: Query) -> SearchResult:
        """Return the best hits.

        Raises:
            QueryError: The query is empty or not valid.
            AudioError: An audio file of the query cannot be read.
        """
        if query.limit < 1:
            raise QueryError(f"the number of hits must be at least 1, not {query.limit}")
        if not 0 <= query.min_score <= 100:
            raise QueryError(f"the lowest score must be 0 to 100, not {query.min_score:g}")
        where = parse_optional_filter(query.where)
        scan = self._scan(query)
        values = scan.cosines.copy()
        values[scan.matrix.rows_of(scan.resolved.named)] += _NAMED_BONUS
        values[scan.matrix.rows_of(scan.resolved.excluded)] = -np.inf
        result = HitList(query, scan.matrix)
        first_size = max(_RERANK_COUNT, 2 * query.limit)
        for rows, lowest in candidate_batches(values, scan.matrix, self.store, where, first_size):
            result.extend(self._rerank(rows, scan))
            # No later candidate reaches a higher score, even if its best window were perfect.
            # Named tracks come first and are never below this bound.
            bound = (1 - _BEST_WINDOW_WEIGHT) * lowest + _BEST_WINDOW_WEIGHT
            if result.is_full or scan.calibration(bound) < query.min_score:
                break
        hits = [replace(hit, missing=not os.path.exists(hit.track.path)) for hit in result.hits]
        reason = "" if hits else self._no_hits_reason(query, where)
        return SearchResult(tuple(hits), scan.resolved.interpretations, reason)

    def moments(self, query: Query, id_: int) -> list[Moment]:
        """Return the score of each window of a track, in order; empty if it has no windows.

        Raises:
            QueryError: The query is empty or not valid.
        """
        windows = self.store.windows([id_], self.space).get(id_)
        if windows is None:
            return []
        scan = self._scan(query)
        cosines = _window_cosines(windows.vectors, scan.resolved.vector)
        return [
            Moment(start, end, scan.calibration(float(cosine)))
            for (start, end), cosine in zip(windows.spans.tolist(), cosines, strict=True)
        ]

    def score_tracks(self, query: Query) -> tuple[npt.NDArray[np.int64], Vectors]:
        """Return ids, ascending, and scores of all tracks, without names and windows."""
        scan = self._scan(query)
        return scan.matrix.ids, scan.calibration.scores_of(scan.cosines)

    def vector_of(self, reference: AudioFileRef | TrackRef) -> Vectors:
        """Return the ``(dim,)`` float32 unit embedding of a track or an audio file.

        Raises:
            QueryError: The track is not in the library.
            AudioError: The file cannot be read.
        """
        return QueryResolver(self.store, self.model, self.matrix).vector_of(reference)

    def _no_hits_reason(self, query: Query, where: Filter | None) -> str:
        """Return why a query has no hits."""
        if not self.store.count():
            return "the library has no tracks: run `tunespace index PATH` first"
        if where is not None and not self.store.count(where):
            return "no track matches the filter"
        if query.min_score:
            return f"no track has a score of {query.min_score:g} or more"
        return "every track is excluded by the query"

    def _scan(self, query: Query) -> _Scan:
        """Resolve a query and compute its cosine to each track."""
        matrix = self.matrix
        resolved = QueryResolver(self.store, self.model, matrix).resolve(query)
        cosines: Vectors = matrix.vectors @ resolved.vector
        calibration = calibrate(resolved.vector, self.model.reference, cosines)
        return _Scan(matrix, resolved, cosines, calibration)

    def _rerank(self, rows: npt.NDArray[np.int64], scan: _Scan) -> list[Hit]:
        """Return candidates as hits, sorted by cosine of the track and of its best window."""
        ids = [int(id_) for id_ in scan.matrix.ids[rows]]
        tracks = self.store.tracks(ids)
        windows = self.store.windows(ids, self.space)
        # Tracks may have been removed since the scan.
        row_of = {
            id_: row
            for id_, row in zip(ids, rows.tolist(), strict=True)
            if id_ in tracks and id_ in windows
        }
        if not row_of:
            return []
        cosines = _cosines_by_track([windows[id_] for id_ in row_of], scan.resolved.vector)
        ranked: list[tuple[float, Hit]] = []
        for (id_, row), near in zip(row_of.items(), cosines, strict=True):
            best = int(near.argmax())
            start, end = windows[id_].spans[best].tolist()
            cosine = float(scan.cosines[row])
            fit = (1 - _BEST_WINDOW_WEIGHT) * cosine + _BEST_WINDOW_WEIGHT * float(near[best])
            named = id_ in scan.resolved.named
            score = scan.calibration(fit)
            if named:  # scores of named tracks fill the upper tenth of the scale
                score = _MIN_NAMED_SCORE + score / 10
            hit = Hit(tracks[id_], score, start, end, cosine, named=named)
            ranked.append((fit + _NAMED_BONUS * named, hit))
        return [hit for _, hit in sorted(ranked, key=lambda pair: -pair[0])]


def _cosines_by_track(windows: list[TrackWindows], vector: Vectors) -> list[Vectors]:
    """Return the cosines of the windows of several tracks by one product."""
    joined = np.concatenate([some.vectors for some in windows])
    ends = np.cumsum([len(some.vectors) for some in windows])
    return np.split(_window_cosines(joined, vector), ends[:-1])


def _window_cosines(windows: npt.NDArray[np.int8], vector: Vectors) -> Vectors:
    cosines: Vectors = windows.astype(np.float32) @ vector / np.float32(127)
    return cosines
