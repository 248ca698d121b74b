"""Output of commands: tables for people, JSON for programs."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunespace.errors import DataError
from tunespace.files import write_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from tunespace.library import Hit, Track


# Control characters that JSON allows in text, which begin escape sequences of some terminals, and
# those that change the direction of writing.
_NOT_SHOWN = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def console(*, stderr: bool = False) -> "Console":
    """Return a console for the terminal; output to a file is wide enough for whole paths."""
    from rich.console import Console  # takes longer to import than a search takes

    # Text is never markup: names of files and models contain brackets.
    out = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = 200
    return out


def printable(text: str) -> str:
    """Replace what no terminal can print: lone surrogates and control characters."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)


def printable_lines(text: str) -> str:
    """Replace what no terminal can print in each line of a text."""
    return "\n".join(map(printable, text.split("\n")))


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print a value as one JSON document."""
    text = _NOT_SHOWN.sub(_escape, json.dumps(value, ensure_ascii=False, indent=2))
    click.echo(text.encode("utf-8", "backslashreplace"))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


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


def track_as_json(track: "Track") -> dict[str, Any]:
    """Return a track as a JSON object."""
    return {
        "path": printable(track.path),
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "genre": track.genre,
        "year": track.year,
        "seconds": round(track.seconds, 1),
    }


def hit_as_json(hit: "Hit") -> dict[str, Any]:
    """Return a hit as a JSON object."""
    return {
        "score": round(hit.score, 1),
        "cosine": round(hit.cosine, 4),
        **track_as_json(hit.track),
        "start": round(hit.start, 1),
        "end": round(hit.end, 1),
        "named": hit.named,
        "missing": hit.missing,
        "duplicates": [printable(path) for path in hit.duplicates],
    }
