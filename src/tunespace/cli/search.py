"""``tunespace search`` and ``tunespace similar``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunespace.cli.options import (
    JsonOption,
    LibraryOption,
    M3u8Option,
    MinScoreOption,
    ModelOption,
    PerArtistOption,
    TopOption,
    WhereOption,
)
from tunespace.errors import QueryError

if TYPE_CHECKING:
    from tunespace.library import AudioFileRef, Library, SearchResult, Track, TrackRef

# What is not wanted must not outweigh what is wanted.
_NOT_WEIGHT = -0.5


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Description of the music, in any words.", metavar="QUERY"),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            "--like", help="Audio file, or title of a track, to sound like. Can be repeated."
        ),
    ] = None,
    unwanted: Annotated[
        list[str] | None,
        typer.Option("--not", help="Words that should not describe the music. Can be repeated."),
    ] = None,
    where: WhereOption = "",
    top: TopOption = 20,
    min_score: MinScoreOption = 0,
    per_artist: PerArtistOption = None,
    m3u8: M3u8Option = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search music by words, by tracks to sound like, or by both."""
    from tunespace.library import Library, Query, QueryTerm, Text

    text = " ".join(words or [])
    with Library.open(library, model=model, create=False) as lib:
        terms = [QueryTerm(Text(text))] if text.strip() else []
        terms += [QueryTerm(_reference(lib, name)) for name in like or []]
        terms += [QueryTerm(Text(name), _NOT_WEIGHT) for name in unwanted or []]
        if not terms and not where.strip():
            raise QueryError("the query is empty: describe the music in a few words")
        query = Query(
            terms=tuple(terms),
            where=where,
            limit=top,
            min_score=min_score,
            per_artist=per_artist,
        )
        _print(lib.search(query), m3u8, as_json=as_json)


def similar(
    track: Annotated[str, typer.Argument(help="Audio file, or title of a track of the library.")],
    where: WhereOption = "",
    top: TopOption = 20,
    min_score: MinScoreOption = 0,
    per_artist: PerArtistOption = None,
    m3u8: M3u8Option = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find tracks that sound like a given one."""
    from tunespace.library import Library, Query, QueryTerm

    with Library.open(library, model=model, create=False) as lib:
        query = Query(
            terms=(QueryTerm(_reference(lib, track)),),
            where=where,
            limit=top,
            min_score=min_score,
            per_artist=per_artist,
        )
        _print(lib.search(query), m3u8, as_json=as_json)


def require_track(lib: "Library", name: str) -> "Track":
    """Return the track of the library with a name.

    Raises:
        QueryError: No track has this name.
    """
    track = lib.find_track(name)
    if track is None:
        raise QueryError(f"there is no file {name!r}, and no track of the library has that name")
    return track


def _reference(lib: "Library", name: str) -> "AudioFileRef | TrackRef":
    from tunespace.library import AudioFileRef, TrackRef

    path = os.path.expanduser(name)  # noqa: PTH111 - a file name may be any bytes
    if os.path.isfile(path):  # noqa: PTH113
        return AudioFileRef(path)
    return TrackRef(require_track(lib, name).id)


def _print(result: "SearchResult", m3u8: Path | None, *, as_json: bool) -> None:
    from tunespace.cli.output import hit_as_json, print_hits, print_json, printable

    for correction in result.corrections:
        typer.echo(f"{printable(correction.typed)} is read as {correction.corrected}", err=True)
    if m3u8 is not None:
        from tunespace.library.m3u8 import write_m3u8

        count = write_m3u8(result, m3u8)
        typer.echo(f"{count} tracks in {m3u8}", err=True)
    if as_json:
        print_json([hit_as_json(hit) for hit in result])
    elif result:
        print_hits(result)
    else:
        typer.echo("no track matches", err=True)
