"""What commands print: tables for people, JSON for programs."""

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from tunespace.library import Hit
from tunespace.library.duration import format_duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar


def console(*, stderr: bool = False) -> "Console":
    """A terminal, or a file that is wide enough for whole paths."""
    from rich.console import Console  # takes longer to import than a search in JSON

    found = Console(stderr=stderr, highlight=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        found.width = 200
    return found


def printable(text: str) -> str:
    """Without what no terminal can print: lone surrogates and control characters."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """One JSON document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace"))


def progress_bar(out: "Console", of: str, *, rate: bool = False) -> "Bar":
    """A bar that is gone when the work is done.

    Args:
        out: Where it is shown.
        of: What is counted, as "files".
        rate: Whether tasks have a field ``rate``: how many times as fast as it plays.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    fast = (TextColumn("{task.fields[rate]:,.0f}x real time,"),) if rate else ()
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{of},"),
        *fast,
        TimeRemainingColumn(),
        TextColumn("left"),
        console=out,
        transient=True,
    )


def shown_on(bar: "Bar | None", task: str) -> Callable[[int, int], None] | None:
    """What moves the bar; nothing where there is none."""
    if bar is None:
        return None
    number = bar.add_task(task, total=None)
    return lambda done, total: bar.update(number, completed=done, total=total)


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """A hit for programs."""
    track = hit.track
    return {
        "score": round(hit.score, 1),
        "cosine": round(hit.cosine, 4),
        "path": printable(track.path),
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "genre": track.genre,
        "year": track.year,
        "seconds": round(track.seconds, 1),
        "start": round(hit.start, 1),
        "end": round(hit.end, 1),
        "named": hit.named,
        "missing": hit.missing,
        "duplicates": [printable(path) for path in hit.duplicates],
    }


def print_hits(hits: Sequence[Hit]) -> None:
    """Hits for people: score, what, where in the track it fits best, and the file."""
    from rich.table import Table
    from rich.text import Text

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
            shown += "  (gone; run `tunespace index` again)"
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
    """The folder that all hits share, where it is worth to leave it out."""
    try:
        common = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120
    except ValueError:
        return ""
    return common if len(common) > 1 and len(paths) > 1 else ""
