"""MCP server: tools with which language models search the library, read-only by default."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from tunespace import __version__
from tunespace.errors import QueryError, TunespaceError
from tunespace.library import Hit, Library, Query, QueryTerm, SearchResult, Text, Track, TrackRef
from tunespace.library.duration import format_duration
from tunespace.library.search.filter_parser import parse_optional_filter
from tunespace.server.schemas import MAX_ID, MAX_TEXT_LENGTH, printable
from tunespace.server.services.index_job import IndexJob, IndexStatus
from tunespace.server.services.library_pool import LibraryPool

_INSTRUCTIONS = (
    "A music library that is searched by how music sounds. Describe the music in a short phrase "
    "(genre, mood, instruments, voice, tempo, use; any of sixteen languages), name artists or "
    "titles, and say what is not wanted. Scores run from 0 to 100. It knows sound, not lyrics."
)
_READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITING = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_MAX_RESULTS = 50
_DEFAULT_LIMIT = 10
_AVOID_WEIGHT = -0.5
T = TypeVar("T")

Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]
Filter = Annotated[
    str | None,
    Field(
        max_length=MAX_TEXT_LENGTH,
        description="Filter on metadata: year, seconds, title, artist, album, genre; such as "
        "'year >= 1990 and genre = \"Jazz\"'. Empty for none.",
    ),
]
Limit = Annotated[int | None, Field(ge=1, le=_MAX_RESULTS)]
TrackId = Annotated[int, Field(ge=0, le=MAX_ID, description="Id from a search result.")]


class Music(BaseModel):
    """Track."""

    track_id: int
    title: str
    artist: str
    album: str
    genre: str
    year: int | None
    length: str
    score: float | None = Field(default=None, description="Calibrated score, 0 to 100.")
    best_at: str = Field(default="", description="Best matching part of the track.")


class MusicList(BaseModel):
    """Tracks, best first."""

    tracks: list[Music]
    no_hits_reason: str = Field(default="", description="Why there are none.")


class Description(BaseModel):
    """Words that match a track best, by kind."""

    track: Music
    words: dict[str, list[str]]


class Facts(BaseModel):
    """Contents of the library."""

    tracks: int
    genres: dict[str, int]
    decades: dict[str, int]
    artists: dict[str, int]


@dataclass(frozen=True)
class _Tools:
    """The read-only tools; their docstrings are the descriptions that a model reads."""

    libraries: LibraryPool

    async def run(self, function: Callable[[Library], T]) -> T:
        try:
            return await self.libraries.run(function)
        except TunespaceError as error:
            raise ToolError(str(error)) from error

    async def search_music(
        self,
        query: Words,
        avoid: Annotated[list[Words] | None, Field(max_length=10)] = None,
        where: Filter = None,
        limit: Limit = _DEFAULT_LIMIT,
        per_artist: Annotated[int | None, Field(ge=1, le=_MAX_RESULTS)] = None,
    ) -> MusicList:
        """Find music that a phrase describes, and avoid what is not wanted."""
        terms = (
            QueryTerm(Text(query)),
            *(QueryTerm(Text(text), _AVOID_WEIGHT) for text in avoid or ()),
        )
        request = Query(
            terms=terms,
            where=where or "",
            limit=limit or _DEFAULT_LIMIT,
            per_artist=per_artist,
        )
        return _music_list(await self.run(lambda library: library.search(request)))

    async def similar_music(
        self,
        track_id: TrackId,
        change: Annotated[
            str | None,
            Field(max_length=MAX_TEXT_LENGTH, description="How it should differ, as 'calmer'."),
        ] = None,
        where: Filter = None,
        limit: Limit = _DEFAULT_LIMIT,
    ) -> MusicList:
        """Find music that sounds like a track, changed as a remark asks."""

        def search(library: Library) -> SearchResult:
            _require_track(library, track_id)
            refinement = library.refine(change, [track_id]) if change and change.strip() else None
            filters = [where or "", refinement.where if refinement else ""]
            for text in filters:
                parse_optional_filter(text)  # each is valid by itself: none closes the brackets
            terms = (QueryTerm(TrackRef(track_id)), *(refinement.terms if refinement else ()))
            both = " and ".join(f"({text})" for text in filters if text.strip())
            return library.search(Query(terms=terms, where=both, limit=limit or _DEFAULT_LIMIT))

        return _music_list(await self.run(search))

    async def describe_music(self, track_id: TrackId) -> Description:
        """Describe in words how a track sounds: genre, mood, instruments, voice, tempo, use."""

        def describe(library: Library) -> Description:
            track = _require_track(library, track_id)
            by_kind = library.describe(track, top=3)
            return Description(
                track=_music(track),
                words={kind: [word.word for word in words] for kind, words in by_kind.items()},
            )

        return await self.run(describe)

    async def library_facts(self, where: Filter = None) -> Facts:
        """Count tracks, genres, decades and artists of the library, or of a filter."""

        def count(library: Library) -> Facts:
            facets = library.facets(where=where or "", most=20)
            counts = {
                name: {printable(value.name): value.count for value in facets[name]}
                for name in ("genre", "decade", "artist")
            }
            return Facts(
                tracks=library.tracks(where=where or "", limit=1)[1],
                genres=counts["genre"],
                decades=counts["decade"],
                artists=counts["artist"],
            )

        return await self.run(count)


def make_mcp(libraries: LibraryPool, index_job: IndexJob | None) -> MCPServer[Any]:
    """Create the MCP server of a library.

    Args:
        libraries: Open libraries.
        index_job: Job that updates the library; None if that is not allowed.
    """
    server: MCPServer[Any] = MCPServer(
        "tunespace", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    tools = _Tools(libraries)
    for title, tool in (
        ("Search music", tools.search_music),
        ("Similar music", tools.similar_music),
        ("Describe a track", tools.describe_music),
        ("Library facts", tools.library_facts),
    ):
        server.tool(title=title, annotations=_READ_ONLY)(tool)
    if index_job is not None:

        @server.tool(title="Update the library", annotations=_WRITING)
        async def update_library() -> IndexStatus:
            """Scan the folders of the library for new, changed and removed files."""
            if not index_job.is_running:
                index_job.start()
            return index_job.status

    return server


def _require_track(library: Library, id_: int) -> Track:
    track = library.track(id_)
    if track is None:
        raise QueryError(f"the library has no track {id_}")
    return track


def _music(track: Track, hit: Hit | None = None) -> Music:
    return Music(
        track_id=track.id,
        title=printable(track.title),
        artist=printable(track.artist),
        album=printable(track.album),
        genre=printable(track.genre),
        year=track.year,
        length=format_duration(track.seconds),
        score=round(hit.score, 1) if hit else None,
        best_at=f"{format_duration(hit.start)}-{format_duration(hit.end)}" if hit else "",
    )


def _music_list(result: SearchResult) -> MusicList:
    tracks = [_music(hit.track, hit) for hit in result]
    return MusicList(tracks=tracks, no_hits_reason=result.no_hits_reason)
