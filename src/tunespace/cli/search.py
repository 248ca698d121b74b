"""``tunespace search`` and ``tunespace similar``."""

import os
from pathlib import Path
from typing import Annotated

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
from tunespace.cli.output import hit_as_json, print_hits, print_json, printable
from tunespace.errors import QueryError
from tunespace.library import AudioFileRef, Hit, Library, Query, QueryTerm, Text, Track, TrackRef

# Away from something must not outweigh what is looked for.
_AWAY = -0.5


def search(
    words: Annotated[
        list[str] | None, typer.Argument(help="What to look for, in any words.", metavar="QUERY")
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option("--like", help="A file, or a track of the library; may be repeated."),
    ] = None,
    away: Annotated[
        list[str] | None,
        typer.Option("--not", help="Words to stay away from; may be repeated."),
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
    """Find music by words, by tracks that it should be like, or by both."""
    text = " ".join(words or [])
    with Library.open(library, model=model, create=False) as lib:
        terms = [QueryTerm(Text(text))] if text.strip() else []
        terms += [QueryTerm(_like(lib, name)) for name in like or []]
        terms += [QueryTerm(Text(name), _AWAY) for name in away or []]
        if not terms and not where.strip():
            raise QueryError("the query is empty: describe the music in a few words")
        query = Query(
            terms=tuple(terms),
            where=where,
            limit=top,
            min_score=min_score,
            per_artist=per_artist,
        )
        hits = lib.search(query)
        for typed, meant in lib.slips(text) if text.strip() else ():
            typer.echo(f"{printable(typed)} is read as {meant}", err=True)
        _show(hits, m3u8, as_json=as_json)


def similar(
    track: Annotated[str, typer.Argument(help="A file, or a track of the library by its name.")],
    where: WhereOption = "",
    top: TopOption = 20,
    min_score: MinScoreOption = 0,
    per_artist: PerArtistOption = None,
    m3u8: M3u8Option = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the neighbours of a track."""
    search(
        like=[track],
        where=where,
        top=top,
        min_score=min_score,
        per_artist=per_artist,
        m3u8=m3u8,
        library=library,
        model=model,
        as_json=as_json,
    )


def track_named(lib: Library, name: str) -> Track:
    """The track of the library that has a name, where there is no file of that name.

    Raises:
        QueryError: No track has it.
    """
    track = lib.find_track(name)
    if track is None:
        raise QueryError(f"there is no file {name!r}, and no track of the library has that name")
    return track


def _like(lib: Library, name: str) -> AudioFileRef | TrackRef:
    if os.path.isfile(os.path.expanduser(name)):  # noqa: PTH111, PTH113 - a name may be any bytes
        return AudioFileRef(os.path.expanduser(name))  # noqa: PTH111
    return TrackRef(track_named(lib, name).id)


def _show(hits: list[Hit], m3u8: Path | None, *, as_json: bool) -> None:
    if m3u8 is not None:
        from tunespace.library.m3u8 import write_m3u8

        count = write_m3u8(hits, m3u8)
        typer.echo(f"{count} tracks in {m3u8}", err=True)
    if as_json:
        print_json([hit_as_json(hit) for hit in hits])
    elif hits:
        print_hits(hits)
    else:
        typer.echo("nothing fits", err=True)
