"""Query types shared by the command line, Python, HTTP and MCP."""

from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Text:
    """Words: a tag, several tags, or a sentence.

    Examples:
        >>> Query(terms=(QueryTerm(Text("warm jazz piano")),)).limit
        20
    """

    text: str


@dataclass(frozen=True)
class AudioFileRef:
    """Audio file, in the library or not, by its path.

    Examples:
        >>> Query(terms=(QueryTerm(AudioFileRef("song.wav")),)).terms[0].weight
        1.0
    """

    path: str | PathLike[str]


@dataclass(frozen=True)
class TrackRef:
    """Track of the library, by its id.

    Examples:
        >>> Query(terms=(QueryTerm(TrackRef(17)), QueryTerm(Text("calm")))).terms[0].value
        TrackRef(id=17)
    """

    id: int


@dataclass(frozen=True, eq=False)
class VectorRef:
    """Embedding in the library's space, such as that of an uploaded clip.

    Attributes:
        vector: ``(dim,)`` float32, unit length.

    Examples:
        >>> import numpy as np
        >>> VectorRef(np.array([1, 0], np.float32)).vector.shape
        (2,)
    """

    vector: npt.NDArray[np.float32]


@dataclass(frozen=True)
class QueryTerm:
    """Weighted part of a query.

    Attributes:
        value: Text, audio file, track or embedding that results should be near to.
        weight: Weight relative to the other terms; negative for "away from".

    Examples:
        >>> QueryTerm(Text("drums"), weight=-1.0).value
        Text(text='drums')
    """

    value: Text | AudioFileRef | TrackRef | VectorRef
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Query:
    """Complete query.

    Attributes:
        terms: Terms whose weighted sum is searched for; without terms, the tracks that match the
            filter are listed.
        where: Filter on metadata, in the grammar of ``filter_parser``; empty for none.
        limit: Maximum number of hits.
        min_score: Hits below this score (0 to 100) are left out.
        per_artist: Maximum number of hits of one artist; None for no limit.
        include_duplicates: Whether several files of one recording are separate hits.

    Examples:
        >>> Query(terms=(QueryTerm(Text("calm piano")), QueryTerm(Text("vocals"), -0.5)), limit=5)
        ... # doctest: +ELLIPSIS
        Query(terms=(QueryTerm(value=Text(text='calm piano'), weight=1.0), ...), ..., limit=5, ...)
    """

    terms: tuple[QueryTerm, ...] = ()
    where: str = ""
    limit: int = 20
    min_score: float = 0.0
    per_artist: int | None = None
    include_duplicates: bool = False


@dataclass(frozen=True)
class Refinement:
    """Change of a query that a remark such as "calmer" asks for.

    Attributes:
        terms: Terms to add to the query, or to replace its terms of the same value.
        labels: Label of each term; empty for a track.
        where: Filter to add; empty for none.

    Examples:
        >>> Refinement(terms=(QueryTerm(Text("calm")),), labels=("calmer",)).labels
        ('calmer',)
    """

    terms: tuple[QueryTerm, ...] = ()
    labels: tuple[str, ...] = ()
    where: str = ""
