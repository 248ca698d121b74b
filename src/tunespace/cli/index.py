"""``tunespace index``."""

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunespace.cli.options import (
    PATH,
    json_option,
    library_option,
    model_option,
    workers_option,
)
from tunespace.cli.output import console, print_json, printable, progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress as Bar

    from tunespace.library import IndexReport, Progress

_SHOWN_FAILURES = 20


@click.command()
@click.argument("paths", type=PATH, nargs=-1, required=True)
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help="Pattern of files to leave out, as in .gitignore: 'Audiobooks/', '*.m4b'. Kept for later "
    "runs until given again; '' leaves out nothing. Can be repeated.",
)
@library_option
@model_option
@workers_option
@json_option
def index(
    paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    library: Path | None,
    model: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Add new music and update what has changed.

    PATHS are folders or audio files. Can be interrupted and run again.
    """
    from tunespace.library import Library

    with Library.open(library, model=model) as lib:
        out = console(stderr=True)
        bar = progress_bar(out, "files", rate=True) if out.is_terminal and not as_json else None
        try:
            with bar or nullcontext():
                report = lib.index(
                    paths,
                    exclude=exclude or None,
                    workers=workers,
                    on_progress=_progress_callback(bar),
                )
        except KeyboardInterrupt:
            click.echo(
                f"tunespace: interrupted; the library has {len(lib):,} tracks, and the next run "
                "continues from there",
                err=True,
            )
            raise click.exceptions.Exit(130) from None
        total = len(lib)
    if as_json:
        print_json(asdict(report) | {"tracks": total})
    else:
        _print(report, total)
    if report.missing_roots:
        raise click.exceptions.Exit(1)


def _progress_callback(bar: "Bar | None") -> "Callable[[Progress], None] | None":
    if bar is None:
        return None
    task = bar.add_task("embedding", total=None, rate=0.0)

    def show(progress: "Progress") -> None:
        elapsed = bar.tasks[task].elapsed or 1.0
        rate = progress.music_seconds / elapsed
        bar.update(task, completed=progress.done, total=progress.total, rate=rate)

    return show


def _print(report: "IndexReport", total: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from tunespace.library.duration import format_duration

    out = console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    rows = {
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "restored": report.restored,
        "removed": report.removed,
        "removed (excluded)": report.excluded,
        "unchanged": report.unchanged,
        "failed": len(report.failed),
    }
    for name, count in rows.items():
        if count or name in ("added", "unchanged", "failed"):
            table.add_row(f"{count:,}", name)
    out.print(table)
    if report.kept:
        out.print(
            f"{report.kept:,} tracks are kept although their folder is empty or gone: it may not "
            "be mounted. `tunespace forget FOLDER` removes them:"
        )
        for folder in report.kept_folders:
            out.print(Text(f"  {printable(folder)}"))
    for root in report.missing_roots:
        out.print(Text(f"{printable(root)} does not exist; the other folders were indexed"))
    for failure in report.failed[:_SHOWN_FAILURES]:
        out.print(Text(f"failed: {printable(failure.path)} {printable(failure.reason)}"))
    if len(report.failed) > _SHOWN_FAILURES:
        more = len(report.failed) - _SHOWN_FAILURES
        out.print(f"and {more:,} more; `tunespace doctor` lists them all")
    rate = report.music_seconds / max(report.elapsed_seconds, 1e-9)
    speed = f": {format_duration(report.music_seconds)} of music, {rate:,.0f}x real time"
    out.print(
        f"{total:,} tracks in the library; this took {report.elapsed_seconds:.1f} s"
        + (speed if report.music_seconds else "")
    )
