"""``tunespace describe``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunespace.cli.options import json_option, library_option, model_option
from tunespace.cli.output import console, print_json, printable
from tunespace.cli.search import require_track
from tunespace.errors import NoLibraryError

if TYPE_CHECKING:
    from tunespace.library import DescriptiveWord, Library


@click.command()
@click.argument("track")
@click.option(
    "--top",
    "-n",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Maximum number of words of each kind.",
)
@library_option
@model_option
@json_option
def describe(track: str, top: int, library: Path | None, model: str | None, as_json: bool) -> None:
    """Describe a track in words, with reasons.

    TRACK is the title of a track of the library, or an audio file, which needs no library.
    """
    from tunespace.library import Library

    try:
        with Library.open(library, model=model, create=False) as lib:
            words = _describe_in_library(lib, track, top)
    except NoLibraryError:
        words = _describe_file(track, model, top)
    if as_json:
        print_json({kind: [asdict(word) for word in some] for kind, some in words.items()})
    else:
        _print(words)


def _describe_in_library(lib: "Library", name: str, top: int) -> "dict[str, list[DescriptiveWord]]":
    path = Path(name).expanduser()
    return lib.describe(path if path.exists() else require_track(lib, name), top=top)


def _describe_file(name: str, model: str | None, top: int) -> "dict[str, list[DescriptiveWord]]":
    import numpy as np

    from tunespace.library import describe as describe_vector
    from tunespace.models import load_model

    loaded = load_model(model)
    vector = loaded.embed_file(Path(name).expanduser()).vector
    return describe_vector(loaded, vector, np.empty((0, loaded.dim), np.float32), top=top)


def _print(words: "dict[str, list[DescriptiveWord]]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("score", justify="right")
    table.add_column("word")
    table.add_column("because of", style="dim")
    for kind, some in words.items():
        for n, word in enumerate(some):
            table.add_row(
                kind if n == 0 else "",
                f"{word.score:.0f}",
                Text(printable(word.word)),
                ", ".join(word.because),
            )
    console().print(table)
