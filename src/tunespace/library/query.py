"""What is asked of a library: one type for the command line, Python and every other door."""

from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Text:
    """Words: a tag, several, or a sentence."""

    text: str


@dataclass(frozen=True)
class AudioFileRef:
    """A file, in the library or not."""

    path: str | PathLike[str]


@dataclass(frozen=True)
class TrackRef:
    """A track of the library, by its id."""

    id: int


@dataclass(frozen=True, eq=False)
class VectorRef:
    """A place in the library's space, such as what was heard in a clip before.

    Attributes:
        vector: ``(dim,)`` float32, unit length.
    """

    vector: npt.NDArray[np.float32]


@dataclass(frozen=True)
class QueryTerm:
    """One thing that the answer should be near to, or away from.

    Attributes:
        value: A text, a clip, a track or a point.
        weight: Beside the other terms; negative for "away from".
    """

    value: Text | AudioFileRef | TrackRef | VectorRef
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Query:
    """A whole question.

    Attributes:
        terms: Their weighted sum is looked for; none lists what the filter leaves.
        where: A filter on metadata, as ``parse_where`` reads it.
        limit: Most hits.
        min_score: Hits below this score (0..100) are left out.
        per_artist: Most hits of one artist; none for no limit.
        include_duplicates: Whether the same recording may appear more than once.
    """

    terms: tuple[QueryTerm, ...] = ()
    where: str = ""
    limit: int = 20
    min_score: float = 0.0
    per_artist: int | None = None
    include_duplicates: bool = False


@dataclass(frozen=True)
class Refinement:
    """What a remark comes to.

    Attributes:
        terms: To add to the query, or to put in the place of its terms of the same thing.
        labels: Of each term, for people; empty for a track, whose title the asker knows.
        where: A filter to add; empty for none.
    """

    terms: tuple[QueryTerm, ...] = ()
    labels: tuple[str, ...] = ()
    where: str = ""
