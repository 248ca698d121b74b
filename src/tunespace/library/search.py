"""Answering a query: vectors, one scan, names, filters, windows, and what a person reads.

Every step is a function of the query, the store as it is, and the matrix made from it.
"""

import os
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tunespace.errors import QueryError
from tunespace.library.matrix import Matrix, open_matrix
from tunespace.library.names import Named, find_names
from tunespace.library.query import Clip, Query, Text, TrackLike
from tunespace.library.scores import Scale, scale_of
from tunespace.library.store import Space, Store, Track
from tunespace.library.where import parse_where
from tunespace.models import Model
from tunespace.text.folding import fold

Vectors = npt.NDArray[np.float32]

# The best so many of the scan are looked at window by window.
_RERANKED = 64
# Of the best window beside the whole track: it lifts a long mix that has what is asked for in one
# place, and changes no figure on Emotify by more than .002.
_WINDOW_SHARE = 0.2
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


@dataclass
class _Aim:
    """What a query comes to: a direction, tracks that it names and tracks that it is about."""

    vector: Vectors
    named: set[int] = field(default_factory=set)
    excluded: set[int] = field(default_factory=set)


class Searcher:
    """Searches one state of a library; opened again when the library has changed."""

    def __init__(self, store: Store, model: Model, space: Space) -> None:
        """Opens the matrix of the space."""
        self.store = store
        self.model = model
        self.space = space
        self.matrix: Matrix = open_matrix(store, space)

    def search(self, query: Query) -> list[Hit]:
        """The best hits, best first.

        Raises:
            QueryError: The query asks for nothing, or cannot be read.
            AudioError: A clip cannot be read.
        """
        if query.limit < 1:
            raise QueryError(f"the number of hits must be at least 1, not {query.limit}")
        if self.matrix.generation != self.store.generation:
            self.matrix = open_matrix(self.store, self.space)
        allowed = self._allowed(query.where)
        aim = self._aim(query)
        cosines = self.matrix.vectors @ aim.vector
        ranking = cosines.copy()
        named_rows = self.matrix.rows_of(np.array(sorted(aim.named), np.int64))
        ranking[named_rows] += _NAMED_BONUS
        if allowed is not None:
            ranking[~allowed] = -np.inf
        ranking[self.matrix.rows_of(np.array(sorted(aim.excluded), np.int64))] = -np.inf
        scale = scale_of(aim.vector, self.model.reference, cosines)
        hits = self._hits(query, aim, cosines, ranking, scale)
        return [replace(hit, missing=not os.path.exists(hit.track.path)) for hit in hits]

    def vector_of(self, what: Clip | TrackLike) -> Vectors:
        """``(dim,)`` float32, unit length, of a track or a file.

        Raises:
            QueryError: The library has no such track.
            AudioError: The file cannot be read.
        """
        aim = _Aim(np.zeros(self.space.dim, np.float32))
        return self._clip(what, aim) if isinstance(what, Clip) else self._track(what.id, aim)

    def _allowed(self, where: str) -> npt.NDArray[np.bool_] | None:
        if not where.strip():
            return None
        condition = parse_where(where)
        found = self.store.select(
            f"SELECT id FROM tracks WHERE reason IS NULL AND {condition.sql}",
            condition.parameters,
        )
        allowed = np.zeros(len(self.matrix.ids), bool)
        ids = np.fromiter((id_ for (id_,) in found), np.int64, len(found))
        allowed[self.matrix.rows_of(np.sort(ids))] = True
        return allowed

    def _aim(self, query: Query) -> _Aim:
        aim = _Aim(np.zeros(self.space.dim, np.float32))
        for term in query.terms:
            if isinstance(term.what, Text):
                vector = self._text(term.what.text, aim, wanted=term.weight > 0)
            elif isinstance(term.what, Clip):
                vector = self._clip(term.what, aim)
            else:
                vector = self._track(term.what.id, aim)
            aim.vector += np.float32(term.weight) * vector
        length = float(np.linalg.norm(aim.vector))
        if length > 0:
            aim.vector /= length
        elif query.terms or not query.where.strip():
            raise QueryError("the query asks for nothing: name words, a track or a filter")
        return aim

    def _text(self, text: str, aim: _Aim, *, wanted: bool) -> Vectors:
        words = self.model.words
        lexicon = words.lexicon if words else None
        named = find_names(text, self.store, lexicon) if wanted and text.strip() else Named(text)
        vector = np.zeros(self.space.dim, np.float32)
        if named.artists:
            aim.named |= self._tracks_of(named.artists)
        if named.like:
            about = self._tracks_of(named.like)
            aim.excluded |= about
            vector += self._mean_of(about)
        aim.named |= named.titled
        if named.rest.strip() or not (named.artists or named.like):
            try:
                vector += self.model.embed_text([named.rest])[0]
            except QueryError:
                # A name alone needs no description.
                if not (named.artists or named.like or named.titled):
                    raise
        if not vector.any():
            vector += self._mean_of(aim.named)
        return vector

    def _clip(self, clip: Clip, aim: _Aim) -> Vectors:
        path = os.path.realpath(clip.path)
        row = self.store.select("SELECT id FROM tracks WHERE path = ?", (os.fsencode(path),))
        if row and len(self.matrix.rows_of(np.array(row[0], np.int64))):
            return self._track(row[0][0], aim)
        return self.model.listen(path).vector

    def _track(self, id_: int, aim: _Aim) -> Vectors:
        rows = self.matrix.rows_of(np.array([id_], np.int64))
        if not len(rows):
            raise QueryError(f"the library has no track {id_}")
        aim.excluded.add(id_)
        vector: Vectors = np.array(self.matrix.vectors[rows[0]])
        return vector

    def _tracks_of(self, artists: frozenset[str]) -> set[int]:
        marks = ",".join("?" * len(artists))
        found = self.store.select(
            f"SELECT id FROM tracks WHERE artist_key IN ({marks})",
            sorted(artists),
        )
        return {id_ for (id_,) in found}

    def _mean_of(self, tracks: set[int]) -> Vectors:
        rows = self.matrix.rows_of(np.array(sorted(tracks), np.int64))
        total: Vectors = self.matrix.vectors[rows].sum(axis=0)
        length = float(np.linalg.norm(total))
        return total / length if length else total

    def _hits(
        self, query: Query, aim: _Aim, cosines: Vectors, ranking: Vectors, scale: Scale
    ) -> list[Hit]:
        hits: list[Hit] = []
        seen: dict[str, int] = {}
        # Caps and duplicates use some of the best up; then more are taken.
        wanted = max(_RERANKED, 2 * query.limit)
        taken = 0
        while True:
            rows = _best(ranking, wanted)[taken:]
            if not len(rows):
                return hits
            taken += len(rows)
            for hit in self._looked_at(rows, aim, cosines, scale):
                if hit.score < query.min_score:
                    continue
                if not query.duplicates and self._folded_into(hits, hit):
                    continue
                artist = hit.track.artist.casefold()
                if query.per_artist is not None and artist:
                    if seen.get(artist, 0) >= query.per_artist:
                        continue
                    seen[artist] = seen.get(artist, 0) + 1
                hits.append(hit)
                if len(hits) == query.limit:
                    return hits
            wanted *= 4

    def _folded_into(self, hits: list[Hit], hit: Hit) -> bool:
        """Adds a hit to the one that has the same recording, if there is one."""
        vector = self.matrix.vectors[self.matrix.rows_of(np.array([hit.track.id], np.int64))[0]]
        for n, other in enumerate(hits):
            row = self.matrix.rows_of(np.array([other.track.id], np.int64))[0]
            cosine = float(self.matrix.vectors[row] @ vector)
            if _same_recording(other.track, hit.track, cosine):
                hits[n] = replace(other, duplicates=(*other.duplicates, hit.track.path))
                return True
        return False

    def _looked_at(
        self, rows: npt.NDArray[np.int64], aim: _Aim, cosines: Vectors, scale: Scale
    ) -> list[Hit]:
        """Hits in their final order, with the place in the track that fits best."""
        ids = [int(id_) for id_ in self.matrix.ids[rows]]
        tracks = self.store.tracks(ids)
        windows = self.store.windows(ids, self.space)
        found: list[tuple[float, Hit]] = []
        for id_, row in zip(ids, rows, strict=True):
            if id_ not in tracks or id_ not in windows:  # removed since the scan
                continue
            near = windows[id_].vectors.astype(np.float32) @ aim.vector / np.float32(127)
            best = int(near.argmax())
            start, end = windows[id_].spans[best].tolist()
            cosine = float(cosines[row])
            fit = (1 - _WINDOW_SHARE) * cosine + _WINDOW_SHARE * float(near[best])
            named = id_ in aim.named
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


def _best(ranking: Vectors, count: int) -> npt.NDArray[np.int64]:
    """Rows of the highest values that are not minus infinity, highest first."""
    count = min(count, len(ranking))
    if count == 0:
        return np.empty(0, np.int64)
    rows = np.argpartition(ranking, len(ranking) - count)[len(ranking) - count :]
    rows = rows[np.lexsort((rows, -ranking[rows]))]
    return rows[np.isfinite(ranking[rows])]


def _same_recording(one: Track, other: Track, cosine: float) -> bool:
    """Whether two files hold one recording, by names, length and sound.

    Copies of a file in mp3, aac and opus had cosines of .9957 and more; so have some different
    pieces of one album, hence names or a nearly equal length have to agree as well.
    """
    apart = abs(one.seconds - other.seconds)
    if fold(one.title) == fold(other.title) and fold(one.artist) == fold(other.artist):
        return apart <= 1.5 and cosine >= 0.99
    return apart <= 0.25 and cosine >= 0.9993
