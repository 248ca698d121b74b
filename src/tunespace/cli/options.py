"""Options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)
Function = Callable[..., Any]


def add_options(function: Function, options: Sequence[Callable[[Function], Function]]) -> Function:
    """Add options to a command, in the order of the help."""
    # As decorators, the last is applied first.
    for option in reversed(options):
        function = option(function)
    return function


library_option = click.option(
    "--library",
    type=PATH,
    envvar="TUNESPACE_LIBRARY",
    show_envvar=True,
    help="Folder of the library; by default in your data folder.",
)
model_option = click.option(
    "--model",
    metavar="NAME",
    envvar="TUNESPACE_MODEL",
    show_envvar=True,
    help="Name of a bundled model, folder, or hf:owner/name.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
top_option = click.option(
    "--top",
    "-n",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Maximum number of results.",
)
min_score_option = click.option(
    "--min-score",
    type=click.FloatRange(0, 100),
    default=0,
    show_default=True,
    help="Leave out results below this score.",
)
per_artist_option = click.option(
    "--per-artist", type=click.IntRange(min=1), help="Maximum number of results of one artist."
)
where_option = click.option(
    "--where",
    metavar="FILTER",
    default="",
    help="Filter on metadata, such as 'year >= 1990 and genre = \"Jazz\"'.",
)
m3u8_option = click.option("--m3u8", type=PATH, help="Also write the results as a playlist.")
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="Number of processes; by default one per core."
)
