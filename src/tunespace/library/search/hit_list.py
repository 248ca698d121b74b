"""Collect hits up to the limits of a query, with duplicates merged."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tunespace.library.query import Query
from tunespace.library.search.result import Hit
from tunespace.library.store.records import Track
from tunespace.library.store.vector_matrix import VectorMatrix
from tunespace.text.normalize import fold

# Files of one recording differ in length by the padding of encoders, in seconds.
_MAX_LENGTH_DIFFERENCE = 1.5
_MIN_DUPLICATE_COSINE = 0.99
# Stricter limits for files whose names differ.
_MAX_UNNAMED_LENGTH_DIFFERENCE = 0.25
_MIN_UNNAMED_COSINE = 0.9993


@dataclass
class HitList:
    """Hits of a query, best first.

    Attributes:
        query: Query with the limits.
        matrix: Embeddings of the library, to compare recordings.
        hits: Hits so far.
    """

    query: Query
    matrix: VectorMatrix
    hits: list[Hit] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """True if the query's limit is reached."""
        return len(self.hits) == self.query.limit

    def extend(self, hits: Iterable[Hit]) -> None:
        """Add hits in their order, up to the limits of the query."""
        for hit in hits:
            if self.is_full:
                return
            if hit.score < self.query.min_score:
                continue
            if not self.query.include_duplicates and self._merge_duplicate(hit):
                continue
            if not self._exceeds_artist_cap(hit):
                self.hits.append(hit)

    def _exceeds_artist_cap(self, hit: Hit) -> bool:
        artist = fold(hit.track.artist)
        if self.query.per_artist is None or not artist:
            return False
        same = sum(fold(other.track.artist) == artist for other in self.hits)
        return same >= self.query.per_artist

    def _merge_duplicate(self, hit: Hit) -> bool:
        """Add a hit to the one with the same recording; return whether there is one."""
        near = [
            n
            for n, other in enumerate(self.hits)
            if abs(other.track.seconds - hit.track.seconds) <= _MAX_LENGTH_DIFFERENCE
        ]
        if not near:
            return False
        own = self.matrix.vector_of(hit.track.id)
        for n in near:
            other = self.hits[n]
            vector = self.matrix.vector_of(other.track.id)
            if own is None or vector is None:
                continue
            cosine = float(own @ vector)
            if _is_same_recording(other.track, hit.track, cosine):
                duplicates = (*other.duplicates, hit.track.path)
                self.hits[n] = replace(other, duplicates=duplicates)
                return True
        return False


def _is_same_recording(first: Track, second: Track, cosine: float) -> bool:
    """Return whether two files contain one recording, by names, length and embedding.

    Copies of a file in mp3, aac and opus had cosines of .9957 and more; so have some different
    pieces of one album, hence names or a nearly equal length have to agree as well.
    """
    if cosine < _MIN_DUPLICATE_COSINE:
        return False
    difference = abs(first.seconds - second.seconds)
    if fold(first.title) == fold(second.title) and fold(first.artist) == fold(second.artist):
        return difference <= _MAX_LENGTH_DIFFERENCE
    return difference <= _MAX_UNNAMED_LENGTH_DIFFERENCE and cosine >= _MIN_UNNAMED_COSINE
