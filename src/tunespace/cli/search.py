"""``tunespace search`` and ``tunespace similar``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunespace.cli.options import (
    Function,
    add_options,
    json_option,
    library_option,
    m3u8_option,
    min_score_option,
    model_option,
    per_artist_option,
    top_option,
    where_option,
)
from tunespace.errors import QueryError

if TYPE_CHECKING:
    from tunespace.library import AudioFileRef, Library, SearchResult, Track, TrackRef

# What is not wanted must not outweigh what is wanted.
_NOT_WEIGHT = -0.5


def _result_options(function: Function) -> Function:
    """Add the options of filter, limits and output."""
    options = (
        where_option,
        top_option,
        min_score_option,
        per_artist_option,
        m3u8_option,
        library_option,
        model_option,
        json_option,
    )
    return add_options(function, options)


@click.command()
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option(
    "--like",
    metavar="TRACK",
    multiple=True,
    help="Audio file, or title of a track, to sound like. Can be repeated.",
)
@click.option(
    "--not",
    "unwanted",
    metavar="WORDS",
    multiple=True,
    help="Words that should not describe the music. Can be repeated.",
)
@_result_options
def search(
    words: tuple[str, ...],
    like: tuple[str, ...],
    unwanted: tuple[str, ...],
    where: str,
    top: int,
    min_score: float,
    per_artist: int | None,
    m3u8: Path | None,
    library: Path | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Search music by words, by tracks to sound like, or by both."""
    from tunespace.library import Library

    text = " ".join(words)
    with Library.open(library, model=model, create=False) as lib:
        if text.strip() or unwanted:
            lib.preload()
        # The text tower takes longer to load than these.
        from tunespace.library import Query, QueryTerm, Text

        if not as_json:
            import tunespace.cli.hits_table  # noqa: F401 - used by _print

        terms = [QueryTerm(Text(text))] if text.strip() else []
        terms += [QueryTerm(_reference(lib, name)) for name in like]
        terms += [QueryTerm(Text(name), _NOT_WEIGHT) for name in unwanted]
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


@click.command()
@click.argument("track")
@_result_options
def similar(
    track: str,
    where: str,
    top: int,
    min_score: float,
    per_artist: int | None,
    m3u8: Path | None,
    library: Path | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Find tracks that sound like a given one.

    TRACK is an audio file, or the title of a track of the library.
    """
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
    from tunespace.cli.output import hit_as_json, print_json, printable

    for correction in result.corrections:
        click.echo(f"{printable(correction.typed)} is read as {correction.corrected}", err=True)
    if m3u8 is not None:
        from tunespace.library.m3u8 import write_m3u8

        playlist = write_m3u8(result, m3u8)
        click.echo(f"{playlist.written} tracks in {printable(str(m3u8))}", err=True)
        if playlist.left_out:
            click.echo(
                f"{playlist.left_out} tracks are left out: a playlist cannot contain their names",
                err=True,
            )
    if as_json:
        print_json([hit_as_json(hit) for hit in result])
    elif result:
        from tunespace.cli.hits_table import print_hits

        print_hits(result)
    else:
        click.echo(result.no_hits_reason, err=True)
