"""``tunespace doctor``: check the installation, the model and the library."""

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunespace.cli.options import json_option, library_option, model_option
from tunespace.cli.output import console, print_json, printable
from tunespace.errors import TunespaceError

if TYPE_CHECKING:
    from tunespace.library import Library

_MIN_FREE_BYTES = 500e6
_PACKAGES = ("tunespace", "numpy", "onnxruntime", "av", "tokenizers", "tinytag")


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        check: Name of the check.
        ok: False if something has to be done.
        found: What the check found, or what has to be done.
    """

    check: str
    ok: bool
    found: str


@click.command()
@library_option
@model_option
@json_option
@click.option(
    "--repair",
    is_flag=True,
    help="Repair the library first: make derived files anew, recover what can be read of damaged "
    "data, and read the files of the rest again.",
)
def doctor(library: Path | None, model: str | None, as_json: bool, repair: bool) -> None:
    """Check the installation, the model and the library.

    Files that could not be read are listed.
    """
    from tunespace.library import Library
    from tunespace.library.store.sqlite import sqlite_version

    if repair:
        _repair(library)
    findings = [
        _try("python", lambda: f"{platform.python_version()} on {platform.platform()}"),
        _try("packages", _packages),
        _try("sqlite", sqlite_version),
        _try("model", lambda: _model(model)),
    ]
    failures: list[tuple[str, str]] = []
    try:
        with Library.open(library, create=False) as lib:
            failures = lib.failures()
            findings.append(_try("library", lambda: _library(lib)))
            findings.append(_try("folders", lambda: _folders(lib)))
            findings.append(_try("space", lambda: _space(lib)))
    except TunespaceError as error:
        findings.append(Finding("library", ok=False, found=str(error)))
    if as_json:
        shown = [{"path": printable(path), "reason": reason} for path, reason in failures]
        print_json({"checks": [asdict(finding) for finding in findings], "failed": shown})
    else:
        _print(findings, failures)
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


def _try(check: str, function: Callable[[], str]) -> Finding:
    try:
        return Finding(check, ok=True, found=function())
    except (TunespaceError, OSError, ImportError) as error:
        return Finding(check, ok=False, found=str(error))


def _repair(library: Path | None) -> None:
    """Repair the library, and read the files of lost tracks again."""
    from tunespace.library import Library, default_library_folder
    from tunespace.library.repair import repair

    report = repair(library.expanduser() if library else default_library_folder())
    if report.damaged_folder is not None:
        click.echo(
            f"the data was damaged: {report.lost_rows:,} rows could not be read; the damaged files "
            f"are kept in {printable(str(report.damaged_folder))}",
            err=True,
        )
    with Library.open(library, create=False) as lib:
        roots = lib.roots()
        if report.damaged_folder is not None and not roots:
            click.echo(
                "the folders that were indexed are not known any more: run `tunespace index "
                "FOLDER`",
                err=True,
            )
        elif report.damaged_folder is not None or report.damaged_tracks:
            again = lib.index(roots)
            click.echo(
                f"{again.added + again.updated:,} tracks were read again, {len(again.failed):,} "
                "could not be read",
                err=True,
            )


def _packages() -> str:
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in _PACKAGES)


def _model(name: str | None) -> str:
    from tunespace.models import load_model

    model = load_model(name)
    _ = model.audio_tower, model.text_tower, model.lexicon_vectors, model.reference
    return f"{model.identity}, all files are valid"


def _library(lib: "Library") -> str:
    problem = lib.check_integrity()
    if problem:
        raise TunespaceError(f"{lib.folder}: {problem}; run `tunespace doctor --repair`")
    missing = lib.count_missing()
    text = f"{lib.folder}: {len(lib):,} tracks"
    if missing:
        raise TunespaceError(
            f"{text}, the files of {missing:,} are gone: run `tunespace index` on their folder, or "
            "`tunespace forget FOLDER`"
        )
    return text


def _folders(lib: "Library") -> str:
    folders = ", ".join(lib.roots()) or "none, single files only"
    patterns = [pattern for pattern in lib.excluded() if pattern]
    parts = [folders]
    if patterns:
        parts.append(f"excluded: {', '.join(patterns)}")
    if forgotten := lib.forgotten():
        parts.append(f"forgotten: {', '.join(forgotten)}")
    return "; ".join(parts)


def _space(lib: "Library") -> str:
    free = shutil.disk_usage(lib.folder).free
    if not os.access(lib.folder, os.W_OK):
        raise TunespaceError(f"{lib.folder} is not writable: index as the user who owns it")
    if free < _MIN_FREE_BYTES:
        raise TunespaceError(f"only {free / 1e6:.0f} MB are free on the disk of the library")
    return f"{free / 1e9:.0f} GB free"


def _print(findings: list[Finding], failures: list[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        mark = Text("ok", style="green") if finding.ok else Text("bad", style="red")
        table.add_row(mark, finding.check, Text(printable(finding.found), overflow="fold"))
    out = console()
    out.print(table)
    if failures:
        out.print(f"{len(failures):,} files could not be read; they are tried again when changed:")
    for path, reason in failures:
        out.print(Text(f"  {printable(path)} {printable(reason)}"))
