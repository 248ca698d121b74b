"""The library for language models: tools of the Model Context Protocol, read-only unless told."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from tunespace import __version__
from tunespace.errors import QueryError, TunespaceError
from tunespace.library import Hit, Library, Query, QueryTerm, Text, Track, TrackRef
from tunespace.library.duration import format_duration
from tunespace.server.routes.indexing import Job, Jobs
from tunespace.server.schemas import LARGEST_ID, LONGEST_TEXT, printable
from tunespace.server.services.library_pool import Collection

_INSTRUCTIONS = (
    "A music library that is searched by how music sounds. Describe the music in a short phrase "
    "(genre, mood, instruments, voice, tempo, use; any of sixteen languages), name artists or "
    "titles, and say what is not wanted. Scores run from 0 to 100. It knows sound, not lyrics."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_MOST = 50
T = TypeVar("T")

Words = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
Filter = Annotated[
    str,
    Field(
        max_length=LONGEST_TEXT,
        description="A filter on metadata: year, seconds, title, artist, album, genre; such as "
        "'year >= 1990 and genre = \"Jazz\"'. Empty for none.",
    ),
]
Limit = Annotated[int, Field(ge=1, le=_MOST)]
TrackId = Annotated[int, Field(ge=0, le=LARGEST_ID, description="As found by a search.")]


class Music(BaseModel):
    """A track that was found."""

    track_id: int
    title: str
    artist: str
    album: str
    genre: str
    year: int | None
    length: str
    score: float | None = Field(default=None, description="0 to 100, how well it fits.")
    best_at: str = Field(default="", description="Where in the track it fits best.")


class Listed(BaseModel):
    """Tracks, best first."""

    tracks: list[Music]


class Described(BaseModel):
    """The words that fit a track best, by kind."""

    track: Music
    words: dict[str, list[str]]


class Facts(BaseModel):
    """What is in the library."""

    tracks: int
    genres: dict[str, int]
    decades: dict[str, int]
    artists: dict[str, int]


def make_mcp(collection: Collection, jobs: Jobs | None) -> MCPServer[Any]:
    """The tools over a library.

    Args:
        collection: The library.
        jobs: What brings it up to date; none where that is not allowed.
    """

    async def run(ask: Callable[[Library], T]) -> T:
        try:
            return await collection.run(ask)
        except TunespaceError as error:
            raise ToolError(str(error)) from error

    server: MCPServer[Any] = MCPServer(
        "tunespace", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING"
    )

    @server.tool(title="Search music", annotations=_READS)
    async def search_music(
        query: Words,
        avoid: Annotated[list[Words], Field(max_length=10)] = [],  # noqa: B006 - never changed
        where: Filter = "",
        limit: Limit = 10,
        per_artist: Annotated[int | None, Field(ge=1, le=_MOST)] = None,
    ) -> Listed:
        """Finds music that a phrase describes, away from what is to be avoided."""
        terms = (QueryTerm(Text(query)), *(QueryTerm(Text(text), -0.5) for text in avoid))
        asked = Query(terms=terms, where=where, limit=limit, per_artist=per_artist)
        return _listed(await run(lambda library: library.search(asked)))

    @server.tool(title="Similar music", annotations=_READS)
    async def similar_music(
        track_id: TrackId,
        change: Annotated[
            str, Field(max_length=LONGEST_TEXT, description="How it should differ, as 'calmer'.")
        ] = "",
        where: Filter = "",
        limit: Limit = 10,
    ) -> Listed:
        """Finds music that sounds like a track, changed as a remark says."""

        def ask(library: Library) -> list[Hit]:
            _track(library, track_id)
            changed = library.refine(change, [track_id]) if change.strip() else None
            filters = [text for text in (where, changed.where if changed else "") if text.strip()]
            terms = (QueryTerm(TrackRef(track_id)), *(changed.terms if changed else ()))
            both = " and ".join(f"({text})" for text in filters)
            return library.search(Query(terms=terms, where=both, limit=limit))

        return _listed(await run(ask))

    @server.tool(title="Describe a track", annotations=_READS)
    async def describe_music(track_id: TrackId) -> Described:
        """Says in words what a track sounds like: genre, mood, instruments, voice, tempo, use."""

        def ask(library: Library) -> Described:
            track = _track(library, track_id)
            found = library.describe(track, top=3)
            return Described(
                track=_music(track),
                words={kind: [word.word for word in words] for kind, words in found.items()},
            )

        return await run(ask)

    @server.tool(title="Library facts", annotations=_READS)
    async def library_facts(where: Filter = "") -> Facts:
        """Counts what the library, or what a filter leaves of it, holds."""

        def ask(library: Library) -> Facts:
            found = library.facets(where=where, most=20)
            counts = {
                name: {printable(value.name): value.count for value in found[name]}
                for name in ("genre", "decade", "artist")
            }
            return Facts(
                tracks=library.tracks(where=where, limit=1)[1],
                genres=counts["genre"],
                decades=counts["decade"],
                artists=counts["artist"],
            )

        return await run(ask)

    if jobs is not None:

        @server.tool(title="Update the library", annotations=_WRITES)
        async def update_library() -> Job:
            """Reads the folders of the library again: new, changed and removed files."""
            if not jobs.is_running:
                jobs.start()
            return jobs.job

    return server


def _track(library: Library, id_: int) -> Track:
    track = library.track(id_)
    if track is None:
        raise QueryError(f"the library has no track {id_}")
    return track


def _music(track: Track) -> Music:
    return Music(
        track_id=track.id,
        title=printable(track.title),
        artist=printable(track.artist),
        album=printable(track.album),
        genre=printable(track.genre),
        year=track.year,
        length=format_duration(track.seconds),
    )


def _listed(hits: list[Hit]) -> Listed:
    return Listed(
        tracks=[
            _music(hit.track).model_copy(
                update={
                    "score": round(hit.score, 1),
                    "best_at": f"{format_duration(hit.start)}-{format_duration(hit.end)}",
                }
            )
            for hit in hits
        ]
    )
