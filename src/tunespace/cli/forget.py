"""``tunespace forget``."""

from pathlib import Path

import click

from tunespace.cli.options import PATH, json_option, library_option


@click.command()
@click.argument("folders", type=PATH, nargs=-1, required=True)
@library_option
@json_option
def forget(folders: tuple[Path, ...], library: Path | None, as_json: bool) -> None:
    """Remove folders from the library.

    The tracks of FOLDERS are removed from the library, and the folders are not indexed again until
    `tunespace index` is run with their names. The files are not touched, and the folders need not
    exist.
    """
    from tunespace.cli.output import print_json, printable
    from tunespace.library import Library

    removed = {}
    with Library.open(library, create=False) as lib:
        for folder in folders:
            removed[str(folder)] = lib.forget(folder)
    if as_json:
        print_json({"removed": removed})
        return
    for name, count in removed.items():
        click.echo(f"{printable(name)}: {count:,} tracks removed from the library")
