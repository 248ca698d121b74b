"""Hits for people: a table where it fits, else two lines a hit."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tunespace.cli.output import console, printable
from tunespace.library import Hit
from tunespace.library.duration import format_duration

_ANY_WIDTH = 10_000


@dataclass(frozen=True)
class _Row:
    """Text of a hit."""

    score: str
    title: str
    artist: str
    best_at: str
    file: str
    remarks: str


def print_hits(hits: Sequence[Hit]) -> None:
    """Print score, title, artist, best matching part and file of each hit."""
    common = _common_folder([hit.track.path for hit in hits])
    rows = [_row(hit, common) for hit in hits]
    out = console()
    table = _table(rows)
    if Measurement.get(out, out.options.update(max_width=_ANY_WIDTH), table).maximum <= out.width:
        out.print(table)
    else:
        _print_in_two_lines(out, rows)
    if common:
        out.print(Text(f"files are in {printable(common)}", style="dim"), soft_wrap=True)


def _row(hit: Hit, common: str) -> _Row:
    path = os.path.relpath(hit.track.path, common) if common else hit.track.path
    remarks = "  (file is gone; run `tunespace index` again)" if hit.missing else ""
    if hit.duplicates:
        remarks += f"  (and {len(hit.duplicates)} more of the same recording)"
    return _Row(
        score=f"{hit.score:.0f}",
        title=printable(hit.track.title),
        artist=printable(hit.track.artist),
        best_at=f"{format_duration(hit.start)}-{format_duration(hit.end)}",
        file=printable(path),
        remarks=remarks,
    )


def _table(rows: Sequence[_Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("title", no_wrap=True)
    table.add_column("artist", no_wrap=True)
    table.add_column("best at", justify="right", no_wrap=True)
    table.add_column("file", no_wrap=True, style="dim")
    for row in rows:
        texts = (row.score, row.title, row.artist, row.best_at, row.file + row.remarks)
        table.add_row(*map(Text, texts))
    return table


def _print_in_two_lines(out: Console, rows: Sequence[_Row]) -> None:
    """Print names in one line and the file in another; what is too long is cut."""
    for row in rows:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(justify="right", width=3, no_wrap=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(justify="right", no_wrap=True)
        names = " - ".join(filter(None, (row.title, row.artist)))
        grid.add_row(Text(row.score), Text(names), Text(row.best_at))
        out.print(grid)
        room = out.width - 4 - len(row.remarks)
        out.print(
            Text(f"    {_middle_cut(row.file, room)}{row.remarks}", style="dim"), soft_wrap=True
        )


def _middle_cut(path: str, room: int) -> str:
    """Return a path of a bounded length: its end, which names the file, is kept."""
    if len(path) <= room or room < 10:
        return path
    return f"...{path[-(room - 3) :]}"


def _common_folder(paths: list[str]) -> str:
    """Return the common folder of paths; empty if leaving it out saves nothing."""
    try:
        common = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120
    except ValueError:
        return ""
    return common if len(common) > 1 and len(paths) > 1 else ""
