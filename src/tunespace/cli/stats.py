"""``tunespace stats``: the contents of the library in numbers."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunespace.cli.options import json_option, library_option, where_option

if TYPE_CHECKING:
    from tunespace.library import Library

_MOST = 10


@dataclass(frozen=True)
class _Stats:
    """Numbers of a library."""

    library: str
    bytes: int
    tracks: int
    seconds: float
    unreadable_files: int
    folders: list[str]
    model: str
    counts: dict[str, dict[str, int]]


@click.command()
@where_option
@library_option
@json_option
def stats(where: str, library: Path | None, as_json: bool) -> None:
    """Show the contents of the library in numbers."""
    from tunespace.cli.output import print_json
    from tunespace.library import Library

    with Library.open(library, create=False) as lib:
        found = _collect(lib, where)
    if as_json:
        print_json(asdict(found))
    else:
        _print(found, is_filtered=bool(where.strip()))


def _collect(lib: "Library", where: str) -> _Stats:
    from tunespace.cli.output import printable

    facets = lib.facets(where=where, most=_MOST)
    return _Stats(
        library=printable(str(lib.folder)),
        bytes=sum(file.stat().st_size for file in lib.folder.rglob("*") if file.is_file()),
        tracks=lib.tracks(where=where, limit=1)[1],
        seconds=round(lib.total_seconds(), 1),
        unreadable_files=lib.count_failed(),
        folders=[printable(root) for root in lib.roots()],
        model=lib.model_identity,
        counts={
            kind: {printable(value.name): value.count for value in values}
            for kind, values in facets.items()
        },
    )


def _print(stats: _Stats, *, is_filtered: bool) -> None:
    from rich.table import Table

    from tunespace.cli.output import console
    from tunespace.library.duration import format_duration

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    length = "" if is_filtered else f", {format_duration(stats.seconds)} of music"
    table.add_row("library", f"{stats.library} ({stats.bytes / 1e6:,.1f} MB)")
    table.add_row("model", stats.model or "none: run `tunespace index FOLDER`")
    table.add_row("tracks", f"{stats.tracks:,}{length}")
    table.add_row("unreadable", f"{stats.unreadable_files:,} files")
    for folder in stats.folders:
        table.add_row("indexed", folder)
    for kind, counts in stats.counts.items():
        if counts:
            shown = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
            table.add_row(kind, shown)
    console().print(table)
