"""``tunespace models``."""

import re
from typing import TYPE_CHECKING, Any

import click

from tunespace.cli.options import json_option
from tunespace.cli.output import console, print_json

if TYPE_CHECKING:
    from tunespace.models import Model

_LICENCE = re.compile(r"^license:\s*(\S+)", re.MULTILINE)


@click.command()
@click.argument("names", nargs=-1)
@json_option
def models(names: tuple[str, ...], as_json: bool) -> None:
    """Show models with size, dimensions, lexicon and licence.

    NAMES are folders or hf:owner/name; without them, the bundled models are shown.
    """
    from tunespace.models import list_models, load_model

    rows = [_facts(load_model(name)) for name in names or list_models()]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("name", "size", "dimensions", "words", "licence", "folder"):
        table.add_column(column, overflow="fold")
    for model in rows:
        table.add_row(
            model["identity"],
            f"{model['megabytes']:.0f} MB",
            str(model["dim"]),
            f"{model['words']:,}",
            model["licence"] or "see the model card",
            model["folder"],
        )
    console().print(table)


def _facts(model: "Model") -> dict[str, Any]:
    files = [model.folder / name for name in model.config.files]
    card = model.folder / "README.md"
    licence = _LICENCE.search(card.read_text(encoding="utf-8")) if card.exists() else None
    return {
        "name": model.name,
        "identity": model.identity,
        "dim": model.dim,
        "megabytes": round(sum(f.stat().st_size for f in files if f.exists()) / 1e6, 1),
        "words": len(model.lexicon_vectors.lexicon.entries) if model.lexicon_vectors else 0,
        "licence": licence.group(1) if licence else "",
        "folder": str(model.folder),
    }
