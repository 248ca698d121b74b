"""``tunespace list``: the tracks of the library."""

from pathlib import Path

import click

from tunespace.cli.options import json_option, library_option, where_option


@click.command("list")
@where_option
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(min=1),
    help="Maximum number of tracks; by default all.",
)
@click.option("--paths", is_flag=True, help="Print the path of each file only.")
@library_option
@json_option
def list_(where: str, limit: int | None, paths: bool, library: Path | None, as_json: bool) -> None:
    """List the tracks of the library.

    Each line has artist, title, album, year, length and file, separated by tabs.
    """
    from tunespace.cli.output import print_json, printable, track_as_json
    from tunespace.library import Library
    from tunespace.library.duration import format_duration

    with Library.open(library, create=False) as lib:
        tracks, _ = lib.tracks(where=where, limit=limit or max(1, len(lib)))
    if as_json:
        print_json([track_as_json(track) for track in tracks])
        return
    for track in tracks:
        if paths:
            click.echo(printable(track.path))
            continue
        year = str(track.year) if track.year is not None else ""
        names = (track.artist, track.title, track.album, year, format_duration(track.seconds))
        click.echo("\t".join(printable(text) for text in (*names, track.path)))
    if not tracks:
        reason = "no track matches the filter" if where.strip() else "the library has no tracks"
        click.echo(reason, err=True)
