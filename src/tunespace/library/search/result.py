"""Result of a search: hits, and how the query was understood."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from tunespace.library.store.records import Track
from tunespace.text.query_parser import Correction, Term


@dataclass(frozen=True)
class Hit:
    """Track that matches a query.

    Attributes:
        track: The track.
        score: Calibrated score, 0 to 100; see ``score_calibration``.
        start: Start of the best matching window, in seconds.
        end: End of that window, in seconds.
        cosine: Cosine between the embeddings of the whole track and of the query.
        named: Whether the query names the track's artist or title.
        missing: Whether the file has been deleted since it was indexed.
        duplicates: Paths of other files with the same recording.

    Examples:
        >>> from tunespace import Library
        >>> with Library.open("library") as library:
        ...     hit = library.search("piano", limit=1).hits[0]
        >>> 0 <= hit.score <= 100, hit.end > hit.start
        (True, True)
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
    """Window of a track with its score for a query.

    Attributes:
        start: Start in seconds.
        end: End in seconds.
        score: Calibrated score, 0 to 100.

    Examples:
        >>> from tunespace.library import Library, Query, QueryTerm, Text
        >>> query = Query(terms=(QueryTerm(Text("piano")),))
        >>> with Library.open("library") as library:
        ...     moments = library.moments(query, library.search(query).hits[0].track)
        >>> moments[0].start, moments[0].end > moments[0].start
        (0.0, True)
    """

    start: float
    end: float
    score: float


@dataclass(frozen=True)
class TextInterpretation:
    """Interpretation of one text of a query.

    Attributes:
        text: The text as it was given.
        artists: Normalised names of artists whose tracks are asked for.
        similar_to: Normalised names of artists that the music should sound like.
        titles: Number of tracks whose title, with or without artist and album, is the text.
        terms: Lexicon terms, wanted and unwanted.
        sentence: Text for the sentence encoder; empty if nothing is left for it.
        unwanted: Unwanted words that are not in the lexicon.
        corrections: Corrected typing errors.

    Examples:
        >>> from tunespace import Library
        >>> with Library.open("library") as library:
        ...     text = library.search("calm piano, not loud").interpretations[0]
        >>> [(term.word, term.wanted) for term in text.terms]
        [('calm', True), ('piano', True), ('loud', False)]
    """

    text: str
    artists: tuple[str, ...] = ()
    similar_to: tuple[str, ...] = ()
    titles: int = 0
    terms: tuple[Term, ...] = ()
    sentence: str = ""
    unwanted: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True)
class SearchResult(Sequence[Hit]):
    """Hits of a query, best first, and how its texts were understood.

    The result is a sequence of its hits.

    Attributes:
        hits: The hits, best first.
        interpretations: One for each text of the query, in order.
        no_hits_reason: Why there are no hits; empty if there are any.

    Examples:
        >>> from tunespace import Library
        >>> with Library.open("library") as library:
        ...     result = library.search("accoustic piano")
        >>> result.interpretations[0].corrections
        (Correction(typed='accoustic', corrected='acoustic'),)
    """

    hits: tuple[Hit, ...]
    interpretations: tuple[TextInterpretation, ...] = ()
    no_hits_reason: str = ""

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """Corrected typing errors of all texts, each once."""
        every = (c for text in self.interpretations for c in text.corrections)
        return tuple(dict.fromkeys(every))

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...

    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        """Return a hit, or several by a slice."""
        return self.hits[index]

    def __iter__(self) -> Iterator[Hit]:
        """Iterate over the hits, best first."""
        return iter(self.hits)

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.hits)
