"""``tunespace evaluate``."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunespace.cli.evaluation_options import (
    EvaluationRequest,
    Pooling,
    choice_options,
    data_option,
    run_options,
)
from tunespace.cli.evaluation_output import (
    describe_leakage,
    print_audio_view,
    print_few_units,
    print_published,
    print_skipped,
)
from tunespace.cli.options import PATH
from tunespace.cli.output import (
    console,
    print_json,
    printable,
    progress_bar,
    progress_callback,
    write_json,
)

if TYPE_CHECKING:
    from rich.table import Table

    from tunespace.evaluation import Report


@click.command()
@click.argument("model")
@data_option
@choice_options
@click.option("--out", type=PATH, help="Also write the report as JSON.")
@click.option(
    "--trained-on",
    type=PATH,
    help="Manifest of the model's training data: report which clips are in it.",
)
@run_options
def evaluate(
    model: str,
    data: str,
    root: Path | None,
    split: str,
    protocol: tuple[str, ...],
    label: tuple[str, ...],
    tag: tuple[str, ...],
    seconds: float | None,
    pooling: Pooling,
    skip_missing: bool,
    out: Path | None,
    trained_on: Path | None,
    compare_recordings: bool,
    seed: int,
    cache: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Evaluate a model: metrics with confidence intervals.

    Each metric has its 95 % confidence interval and chance level. MODEL is the name of a bundled
    model, a folder, or hf:owner/name.
    """
    from tunespace.evaluation import evaluate as evaluate_model
    from tunespace.evaluation import load_manifest, overlap
    from tunespace.models import load_joint_model

    request = EvaluationRequest(
        data, root, split, protocol, label, tag, seconds, pooling, skip_missing
    )
    manifest, protocols = request.load()
    training = load_manifest(trained_on) if trained_on is not None else None
    loaded = load_joint_model(model)
    terminal = console(stderr=True)
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None
    with bar or nullcontext():
        leakage = None
        if training is not None:
            shown = progress_callback(bar, "comparing recordings") if compare_recordings else None
            leakage = overlap(
                training, manifest, compare_recordings=compare_recordings, on_progress=shown
            )
        report = evaluate_model(
            loaded,
            manifest,
            protocols,
            leakage=leakage,
            seed=seed,
            cache=cache,
            workers=workers,
            on_progress=progress_callback(bar, f"{loaded.name}: embedding"),
        )
    content = report.as_json() if out is not None or as_json else {}
    if out is not None:
        write_json(out, content)
    if as_json:
        print_json(content)
    else:
        _print(report)


def _print(report: "Report") -> None:
    from rich.text import Text

    out = console()
    clips = len(report.data.items)
    out.print(Text(f"{report.model.identity} on {report.data.name}, {clips:,} clips"))
    print_audio_view(report)
    out.print(_table(report))
    print_few_units(report)
    for name, values in report.probes.items():
        shown = ", ".join(f"{key} {value}" for key, value in values.items())
        out.print(Text(f"probe: {name}: {shown}", style="dim"))
    print_published(report)
    out.print(Text(describe_leakage(report)))
    print_skipped(report)
    for remark in report.data.remarks:
        out.print(Text(f"note: {printable(remark)}"))
    for text in report.unknown_texts:
        out.print(Text(f"not understood: {printable(text)}"))


def _table(report: "Report") -> "Table":
    from rich.table import Table

    from tunespace.evaluation.metrics.bootstrap import format_value
    from tunespace.evaluation.report import is_headline

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("protocol", no_wrap=True)
    table.add_column("metric")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("chance", justify="right", no_wrap=True)
    table.add_column("over", justify="right", no_wrap=True)
    for protocol, result in report.protocols:
        shown = protocol.name
        for name, figure in result.figures.items():
            if not is_headline(name):
                continue
            chance = result.chance.get(name)
            table.add_row(
                shown,
                name,
                format_value(figure.value),
                figure.format_interval(),
                "" if chance is None else format_value(chance),
                f"{figure.n:,} {figure.unit}",
            )
            shown = ""
    return table
