"""``tunespace compare``."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunespace.cli.evaluate import (
    CacheOption,
    DataOption,
    ProtocolOption,
    RootOption,
    SeedOption,
    SkipOption,
    SplitOption,
    WorkersOption,
    chosen,
    progress_bar,
    shown_on,
    write,
    write_json,
)
from tunespace.cli.options import JsonOption
from tunespace.cli.output import console, print_json

if TYPE_CHECKING:
    from tunespace.evaluation import Comparison


def compare(
    models: Annotated[list[str], typer.Argument(help="Bundled names, folders, or hf:owner/name.")],
    data: DataOption,
    root: RootOption = None,
    split: SplitOption = "",
    protocol: ProtocolOption = None,
    skip_missing: SkipOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the figures.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Also write a page with plots.", show_default=False),
    ] = None,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge several models on the same clips, and say what differs beyond chance."""
    from tunespace.evaluation import compare as compared
    from tunespace.models import load_joint_model

    manifest, protocols = chosen(data, root, split, protocol, skip_missing)
    terminal = console(stderr=True)
    bar = progress_bar(terminal) if terminal.is_terminal and not as_json else None
    with bar or nullcontext():
        found = compared(
            [load_joint_model(name) for name in models],
            manifest,
            protocols,
            seed=seed,
            cache=cache,
            workers=workers,
            on_progress=shown_on(bar, "models"),
        )
    if out is not None:
        write_json(out, found.as_json())
    if html is not None:
        from tunespace.evaluation.page import page

        first = found.reports[0]
        others = [p for protocol, _ in first.protocols for p in first.published(protocol)]
        write(html, page(found, others))
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)


def _print(found: "Comparison") -> None:
    from rich.table import Table
    from rich.text import Text

    from tunespace.evaluation.bootstrap import shown as as_shown

    out = console()
    first = found.reports[0]
    out.print(Text(f"{first.data.name}, {len(first.data.items):,} clips"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("protocol", no_wrap=True)
    table.add_column("figure")
    for report in found.reports:
        table.add_column(report.model.identity, no_wrap=True)
    for report in found.reports[1:]:
        table.add_column(f"{report.model.name} less the first", no_wrap=True)
    table.add_column("guessing", justify="right", no_wrap=True)
    shown = ""
    for row in found.rows:
        values = [
            f"{as_shown(v.value)} ({as_shown(v.low)} - {as_shown(v.high)})" for v in row.values
        ]
        differences = [f"{d.value:+.3f}, p = {d.p:.3f}" for d in row.differences]
        name = "" if row.protocol == shown else row.protocol
        chance = "" if row.chance is None else as_shown(row.chance)
        table.add_row(name, row.figure, *values, *differences, chance)
        shown = row.protocol
    out.print(table)
