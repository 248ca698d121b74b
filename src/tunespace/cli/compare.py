"""``tunespace compare``."""

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
    progress_bar,
    progress_callback,
    write_file,
    write_json,
)

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.table import Table

    from tunespace.evaluation import Comparison, Manifest, Overlap
    from tunespace.models import JointModel


@click.command()
@click.argument("models", nargs=-1, required=True)
@data_option
@choice_options
@click.option("--out", type=PATH, help="Also write the comparison as JSON.")
@click.option("--html", type=PATH, help="Also write a web page with plots.")
@click.option(
    "--trained-on",
    metavar="MODEL=FILE",
    multiple=True,
    help="Manifest of a model's training data. Can be repeated.",
)
@run_options
def compare(
    models: tuple[str, ...],
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
    html: Path | None,
    trained_on: tuple[str, ...],
    compare_recordings: bool,
    seed: int,
    cache: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Compare several models on the same clips.

    Differences have a significance. MODELS are names of bundled models, folders, or hf:owner/name.
    """
    from tunespace.evaluation import compare as compare_models
    from tunespace.evaluation import load_manifest
    from tunespace.models import load_joint_model

    training_files = _training_files(trained_on, models)
    request = EvaluationRequest(
        data, root, split, protocol, label, tag, seconds, pooling, skip_missing
    )
    manifest, protocols = request.load()
    training = {name: load_manifest(path) for name, path in training_files.items()}
    loaded = {name: load_joint_model(name) for name in models}
    terminal = console(stderr=True)
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None
    with bar or nullcontext():
        leakage = _leakage(training, loaded, manifest, bar, compare_recordings=compare_recordings)
        callbacks = {
            model.identity: progress_callback(bar, f"{model.name}: embedding")
            for model in loaded.values()
        }

        def on_progress(model: "JointModel", done: int, total: int) -> None:
            if (callback := callbacks[model.identity]) is not None:
                callback(done, total)

        comparison = compare_models(
            [loaded[name] for name in models],
            manifest,
            protocols,
            leakage=leakage,
            seed=seed,
            cache=cache,
            workers=workers,
            on_progress=on_progress,
        )
    _write(comparison, out, html, as_json=as_json)


def _write(comparison: "Comparison", out: Path | None, html: Path | None, *, as_json: bool) -> None:
    content = comparison.as_json() if out is not None or as_json else {}
    if out is not None:
        write_json(out, content)
    if html is not None:
        from tunespace.evaluation.html_report import html_report

        first = comparison.reports[0]
        published = [row for protocol, _ in first.protocols for row in first.published(protocol)]
        write_file(html, html_report(comparison, published))
    if as_json:
        print_json(content)
    else:
        _print(comparison)


def _leakage(
    training: "dict[str, Manifest]",
    models: "dict[str, JointModel]",
    manifest: "Manifest",
    bar: "Bar | None",
    *,
    compare_recordings: bool,
) -> "dict[str, Overlap]":
    """Return the overlap of each model's training data with the evaluated clips."""
    from tunespace.evaluation import overlap

    leakage = {}
    for name, data in training.items():
        shown = progress_callback(bar, f"training data of {name}") if compare_recordings else None
        leakage[models[name].identity] = overlap(
            data, manifest, compare_recordings=compare_recordings, on_progress=shown
        )
    return leakage


def _training_files(options: tuple[str, ...], models: tuple[str, ...]) -> dict[str, Path]:
    """Parse ``MODEL=FILE`` options."""
    files = {}
    for option in options:
        name = next((name for name in models if option.startswith(f"{name}=")), None)
        if name is None or option == f"{name}=":
            choice = ", ".join(models)
            raise click.BadParameter(
                f"{option!r} is not MODEL=FILE with one of {choice}", param_hint="--trained-on"
            )
        files[name] = Path(option[len(name) + 1 :])
    return files


def _print(comparison: "Comparison") -> None:
    from rich.text import Text

    out = console()
    first = comparison.reports[0]
    out.print(Text(f"{first.data.name}, {len(first.data.items):,} clips"))
    print_audio_view(first)
    out.print(_table(comparison))
    print_few_units(first)
    print_published(first)
    for report in comparison.reports:
        out.print(Text(f"{report.model.name}: {describe_leakage(report)}"))
    print_skipped(first)


def _table(comparison: "Comparison") -> "Table":
    from rich.table import Table

    from tunespace.evaluation.metrics.bootstrap import format_value
    from tunespace.evaluation.report import is_headline

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("protocol", no_wrap=True)
    table.add_column("metric")
    for report in comparison.reports:
        table.add_column(report.model.identity, no_wrap=True)
    for report in comparison.reports[1:]:
        table.add_column(f"{report.model.name} minus the first", no_wrap=True)
    table.add_column("chance", justify="right", no_wrap=True)
    shown = ""
    for row in comparison.rows:
        if not is_headline(row.figure):
            continue
        values = [f"{format_value(v.value)} ({v.format_interval()})" for v in row.values]
        differences = [f"{d.value:+.3f}, p = {d.p:.3f}" for d in row.differences]
        name = "" if row.protocol == shown else row.protocol
        chance = "" if row.chance is None else format_value(row.chance)
        table.add_row(name, row.figure, *values, *differences, chance)
        shown = row.protocol
    return table
