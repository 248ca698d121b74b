"""Output of commands: tables for people, JSON for programs."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunespace.errors import DataError
from tunespace.files import write_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from tunespace.library import Hit


def console(*, stderr: bool = False) -> "Console":
    """Return a console for the terminal; output to a file is wide enough for whole paths."""
    from rich.console import Console  # takes longer to import than a search takes

    out = Console(stderr=stderr, highlight=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = 200
    return out


def printable(text: str) -> str:
    """Replace what no terminal can print: lone surrogates and control characters."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print a value as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace"))


def progress_bar(out: "Console", unit: str, *, rate: bool = False) -> "Bar":
    """Create a progress bar that disappears when the work is done.

    Args:
        out: Console to show it on.
        unit: Name of what is counted, such as "files".
        rate: Whether tasks have a field ``rate``, the speed as a multiple of real time.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    fast = (TextColumn("{task.fields[rate]:,.0f}x real time,"),) if rate else ()
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit},"),
        *fast,
        TimeRemainingColumn(),
        TextColumn("left"),
        console=out,
        transient=True,
    )


def progress_callback(bar: "Bar | None", task: str) -> Callable[[int, int], None] | None:
    """Add a task to a bar; return the function that updates it, or None without a bar."""
    if bar is None:
        return None
    number = bar.add_task(task, total=None)
    return lambda done, total: bar.update(number, completed=done, total=total)


def write_file(path: Path, text: str) -> None:
    """Write a file atomically.

    Raises:
        DataError: The file cannot be written.
    """
    try:
        write_text(path, text, errors="backslashreplace")
    except OSError as error:
        raise DataError([f"{path} cannot be written ({error.strerror})"]) from error


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write a value as a JSON file, atomically.

    Raises:
        DataError: The file cannot be written.
    """
    write_file(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def hit_as_json(hit: "Hit") -> dict[str, Any]:
    """Return a hit as a JSON object."""
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
