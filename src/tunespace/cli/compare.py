"""``tunespace compare``."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunespace.cli.evaluate import (
    CacheOption,
    DataOption,
    LabelOption,
    Pooling,
    PoolingOption,
    ProtocolOption,
    RecordingsOption,
    RootOption,
    SecondsOption,
    SeedOption,
    SkipOption,
    SplitOption,
    TagOption,
    Wanted,
    WorkersOption,
    heard_before,
    print_left_out,
    print_listening,
    print_published,
    write,
    write_json,
)
from tunespace.cli.options import JsonOption
from tunespace.cli.output import console, print_json, progress_bar, shown_on

if TYPE_CHECKING:
    from tunespace.evaluation import Comparison
    from tunespace.models import JointModel


def compare(
    models: Annotated[list[str], typer.Argument(help="Bundled names, folders, or hf:owner/name.")],
    data: DataOption,
    root: RootOption = None,
    split: SplitOption = "",
    protocol: ProtocolOption = None,
    label: LabelOption = None,
    tag: TagOption = None,
    seconds: SecondsOption = None,
    pooling: PoolingOption = Pooling.track,
    skip_missing: SkipOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the figures.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Also write a page with plots.", show_default=False),
    ] = None,
    trained_on: Annotated[
        list[str] | None,
        typer.Option(
            "--trained-on",
            metavar="MODEL=FILE",
            help="Manifest of what a model learned from, for each model where it is known.",
            show_default=False,
        ),
    ] = None,
    compare_recordings: RecordingsOption = False,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge several models on the same clips, and say what differs beyond chance."""
    from tunespace.evaluation import compare as compared
    from tunespace.evaluation import load_manifest, overlap
    from tunespace.models import load_joint_model

    learned = _training(trained_on or [], models)
    wanted = Wanted(data, root, split, protocol, label, tag, seconds, pooling, skip_missing)
    manifest, protocols = wanted.load()
    training = {name: load_manifest(path) for name, path in learned.items()}
    loaded = {name: load_joint_model(name) for name in models}
    terminal = console(stderr=True)
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None
    with bar or nullcontext():
        leakage = {}
        for name, known in training.items():
            shown = shown_on(bar, f"what {name} learned from") if compare_recordings else None
            leakage[loaded[name].identity] = overlap(
                known, manifest, listen=compare_recordings, on_progress=shown
            )
        moved = {
            model.identity: shown_on(bar, f"{model.name} listens") for model in loaded.values()
        }

        def show(model: "JointModel", done: int, total: int) -> None:
            if (move := moved[model.identity]) is not None:
                move(done, total)

        found = compared(
            [loaded[name] for name in models],
            manifest,
            protocols,
            leakage=leakage,
            seed=seed,
            cache=cache,
            workers=workers,
            on_progress=show,
        )
    figures = found.as_json() if out is not None or as_json else {}
    if out is not None:
        write_json(out, figures)
    if html is not None:
        from tunespace.evaluation.html_report import html_report

        first = found.reports[0]
        others = [p for protocol, _ in first.protocols for p in first.published(protocol)]
        write(html, html_report(found, others))
    if as_json:
        print_json(figures)
    else:
        _print(found)


def _training(given: list[str], models: list[str]) -> dict[str, Path]:
    """The manifest of each model, as ``MODEL=FILE`` has it."""
    found = {}
    for text in given:
        name = next((name for name in models if text.startswith(f"{name}=")), None)
        if name is None or text == f"{name}=":
            choice = ", ".join(models)
            raise typer.BadParameter(
                f"{text!r} is not MODEL=FILE with one of {choice}", param_hint="--trained-on"
            )
        found[name] = Path(text[len(name) + 1 :])
    return found


def _print(found: "Comparison") -> None:
    from rich.table import Table
    from rich.text import Text

    from tunespace.evaluation.metrics.bootstrap import format_value
    from tunespace.evaluation.report import is_headline

    out = console()
    first = found.reports[0]
    clips = len(first.data.items)
    out.print(Text(f"{first.data.name}, {clips:,} clips"))
    print_listening(first)
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
        if not is_headline(row.figure):
            continue
        values = [
            f"{format_value(v.value)} ({format_value(v.low)} - {format_value(v.high)})"
            for v in row.values
        ]
        differences = [f"{d.value:+.3f}, p = {d.p:.3f}" for d in row.differences]
        name = "" if row.protocol == shown else row.protocol
        chance = "" if row.chance is None else format_value(row.chance)
        table.add_row(name, row.figure, *values, *differences, chance)
        shown = row.protocol
    out.print(table)
    print_published(first)
    for report in found.reports:
        out.print(Text(f"{report.model.name}: {heard_before(report)}"))
    print_left_out(first)
