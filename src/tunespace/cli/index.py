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
from tunespace.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.progress import Progress as Bar

    from tunespace.library import IndexReport, Library, Progress

_SHOWN_FAILURES = 20


@click.command()
@click.argument("paths", type=PATH, nargs=-1)
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help="Pattern of files to leave out, as in .gitignore: 'Audiobooks/', '*.m4b'. Kept for later "
    "runs until given again; '' leaves out nothing. Can be repeated.",
)
@click.option(
    "--reread", is_flag=True, help="Also read the tags of unchanged files again, not their sound."
)
@click.option(
    "--watch",
    is_flag=True,
    help="Go on, and update the library whenever the folders change, at least once a day.",
)
@click.option("--quiet", is_flag=True, help="Print nothing if nothing has changed.")
@library_option
@model_option
@workers_option
@json_option
def index(
    paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    reread: bool,
    watch: bool,
    quiet: bool,
    library: Path | None,
    model: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Add new music and update what has changed.

    PATHS are folders or audio files; without them, the folders that were indexed before. Can be
    interrupted and run again.
    """
    from tunespace.library import Library

    with Library.open(library, model=model) as lib:
        roots = paths or tuple(map(Path, lib.roots()))
        if not roots:
            raise LibraryError("the library has no folders yet: run `tunespace index FOLDER`")

        def update(*, reread: bool = False) -> "IndexReport":
            out = console(stderr=True)
            is_shown = out.is_terminal and not as_json and not quiet
            bar = progress_bar(out, "files", rate=True) if is_shown else None
            with bar or nullcontext():
                report = lib.index(
                    roots,
                    exclude=exclude or None,
                    reread=reread,
                    workers=workers,
                    on_progress=_progress_callback(bar),
                )
            if not quiet or not report.is_empty:
                _show(report, lib, as_json=as_json)
            return report

        try:
            report = update(reread=reread)
            if watch:
                _watch(roots, update, quiet=quiet)
        except KeyboardInterrupt:
            click.echo(
                f"tunespace: interrupted; the library has {len(lib):,} tracks, and the next run "
                "continues from there",
                err=True,
            )
            raise click.exceptions.Exit(130) from None
    is_failure = all(root.is_file() for root in roots) and len(report.failed) == len(roots)
    if report.missing_roots or is_failure:
        raise click.exceptions.Exit(1)


def _watch(roots: "Sequence[Path]", update: "Callable[[], IndexReport]", *, quiet: bool) -> None:
    """Update the library whenever the folders change, until the program is stopped."""
    import signal
    import threading

    from tunespace.library.index.watch import wait_for_changes

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if not quiet:
        click.echo("waiting for changes; stop with Ctrl-C")
    for _ in wait_for_changes(roots, stop):
        try:
            update()
        except LibraryError as error:  # a disk that is away, or another process that writes
            click.echo(f"tunespace: {printable(str(error))}", err=True)


def _progress_callback(bar: "Bar | None") -> "Callable[[Progress], None] | None":
    if bar is None:
        return None
    task = None

    def show(progress: "Progress") -> None:
        nonlocal task
        if task is None:  # before the first file is done, nothing is known
            task = bar.add_task("embedding", total=progress.total, rate=0.0)
        elapsed = bar.tasks[task].elapsed or 1.0
        rate = progress.music_seconds / max(elapsed, 1.0)
        bar.update(task, completed=progress.done, total=progress.total, rate=rate)

    return show


def _show(report: "IndexReport", lib: "Library", *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report) | {"tracks": len(lib)})
    else:
        _print(report, len(lib))


def _print(report: "IndexReport", total: int) -> None:
    from rich.table import Table

    from tunespace.library.duration import format_duration
    from tunespace.library.index.scan import describe_passed_over

    out = console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    rows = {
        "tracks added": report.added,
        "tracks updated": report.updated,
        "tracks moved": report.moved,
        "tracks restored": report.restored,
        "tracks with new tags": report.retagged,
        "tracks removed": report.removed,
        "tracks removed (excluded)": report.excluded,
        "tracks unchanged": report.unchanged,
        "files not readable": len(report.failed),
    }
    for name, count in rows.items():
        if count or name in ("tracks added", "tracks unchanged", "files not readable"):
            table.add_row(f"{count:,}", name)
    out.print(table)
    if report.kept:
        out.print(
            f"{report.kept:,} tracks are kept although their folder is empty or gone: it may not "
            "be mounted. `tunespace forget FOLDER` removes them, and `tunespace relocate OLD NEW` "
            "says where they are now:"
        )
        for folder in report.kept_folders:
            out.print(f"  {printable(folder)}")
    for root in report.missing_roots:
        out.print(f"{printable(root)} does not exist; the other folders were indexed")
    for failure in report.failed[:_SHOWN_FAILURES]:
        out.print(f"not readable: {printable(failure.path)} {printable(failure.reason)}")
    if len(report.failed) > _SHOWN_FAILURES:
        more = len(report.failed) - _SHOWN_FAILURES
        out.print(f"and {more:,} more; `tunespace doctor` lists them all")
    found_any = bool(report.added + report.updated + report.moved + report.unchanged)
    if not found_any and not report.failed and not report.missing_roots:
        out.print("no audio files were found")
    for line in describe_passed_over(report.passed_over, found_any=found_any):
        out.print(f"passed over: {printable(line)}")
    rate = report.music_seconds / max(report.elapsed_seconds, 1e-9)
    speed = f": {format_duration(report.music_seconds)} of music, {rate:,.0f}x real time"
    out.print(
        f"{total:,} tracks in the library; this took {report.elapsed_seconds:.1f} s"
        + (speed if report.music_seconds else "")
    )
