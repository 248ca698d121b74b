"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        envvar="TUNESPACE_LIBRARY",
        help="Folder of the library; by default in your data folder.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="TUNESPACE_MODEL",
        help="Name of a bundled model, folder, or hf:owner/name.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
TopOption = Annotated[int, typer.Option("--top", "-n", min=1, help="Maximum number of results.")]
MinScoreOption = Annotated[
    float, typer.Option("--min-score", min=0, max=100, help="Leave out results below this score.")
]
PerArtistOption = Annotated[
    int | None,
    typer.Option(
        "--per-artist",
        min=1,
        help="Maximum number of results of one artist.",
        show_default=False,
    ),
]
WhereOption = Annotated[
    str,
    typer.Option(
        "--where",
        help="Filter on metadata, such as 'year >= 1990 and genre = \"Jazz\"'.",
        show_default=False,
    ),
]
M3u8Option = Annotated[
    Path | None,
    typer.Option("--m3u8", help="Also write the results as a playlist.", show_default=False),
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Number of processes; by default one per core.")
]
