"""``tunespace relocate``."""

from pathlib import Path

import click

from tunespace.cli.options import PATH, json_option, library_option

_SHOWN = 20


@click.command()
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@library_option
@json_option
def relocate(old: Path, new: Path, library: Path | None, as_json: bool) -> None:
    """Change the folder of music that was moved.

    OLD is the folder that was indexed, NEW has its files now. No file is read; tracks keep their
    embeddings, and the next `tunespace index` compares their content.
    """
    from dataclasses import asdict

    from tunespace.cli.output import print_json, printable
    from tunespace.library import Library

    with Library.open(library, create=False) as lib:
        report = lib.relocate(old, new)
    if as_json:
        print_json(asdict(report) | {"left": [printable(path) for path in report.left]})
        return
    click.echo(f"{report.relocated:,} tracks are in {printable(str(new))} now")
    if report.left:
        click.echo(f"{len(report.left):,} tracks are not there, or have another size:")
    for path in report.left[:_SHOWN]:
        click.echo(f"  {printable(path)}")
    if len(report.left) > _SHOWN:
        click.echo(f"and {len(report.left) - _SHOWN:,} more")
