"""Table of hits for people."""

import os
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tunespace.cli.output import console, printable
from tunespace.library import Hit
from tunespace.library.duration import format_duration


def print_hits(hits: Sequence[Hit]) -> None:
    """Print hits as a table: score, title, artist, best matching part, file."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("title", ratio=3, overflow="fold")
    table.add_column("artist", ratio=2, overflow="fold")
    table.add_column("best at", justify="right", no_wrap=True)
    table.add_column("file", ratio=4, overflow="fold", style="dim")
    common = _common_folder([hit.track.path for hit in hits])
    for hit in hits:
        path = os.path.relpath(hit.track.path, common) if common else hit.track.path
        shown = printable(path)
        if hit.missing:
            shown += "  (file is gone; run `tunespace index` again)"
        if hit.duplicates:
            shown += f"  (and {len(hit.duplicates)} more of the same recording)"
        table.add_row(
            f"{hit.score:.0f}",
            Text(printable(hit.track.title)),
            Text(printable(hit.track.artist)),
            f"{format_duration(hit.start)}-{format_duration(hit.end)}",
            Text(shown),
        )
    out = console()
    out.print(table)
    if common:
        out.print(Text(f"files are in {printable(common)}", style="dim"))


def _common_folder(paths: list[str]) -> str:
    """Return the common folder of paths; empty if leaving it out saves nothing."""
    try:
        common = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120
    except ValueError:
        return ""
    return common if len(common) > 1 and len(paths) > 1 else ""
