"""``tunespace recipes``, ``train``, ``fine-tune`` and ``export``."""

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunespace.cli.options import PATH, json_option, workers_option
from tunespace.cli.output import console, print_json, printable, progress_bar, progress_callback
from tunespace.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tunespace.training.recipe.recipe import Recipe


@click.command()
@json_option
def recipes(as_json: bool) -> None:
    """List the systems that can be trained, with their papers."""
    from tunespace.training.recipe.catalogue import catalogue

    entries = catalogue()
    if as_json:
        print_json([vars(entry) for entry in entries])
        return
    from rich.text import Text

    out = console()
    for entry in entries:
        out.print(Text(entry.name, style="bold"), f" {entry.title}. {entry.paper}")
        if entry.presets:
            out.print(f"    --preset {', '.join(entry.presets)}", style="dim")


_data_option = click.option(
    "--data",
    type=PATH,
    required=True,
    help="Manifest of audio and text (.csv, .tsv, .jsonl, .parquet).",
)
_out_option = click.option(
    "--out", type=PATH, required=True, help="Run folder; an interrupted run in it is resumed."
)
_set_option = click.option(
    "--set",
    "change",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a key of the recipe: loss.kind=triplet. Can be repeated.",
)
_cache_option = click.option("--cache", type=PATH, help="Spectrogram cache directory.")


@click.command()
@click.argument("recipe")
@_data_option
@_out_option
@click.option(
    "--preset",
    metavar="NAME",
    multiple=True,
    help="Variant of the recipe, such as paper. Can be repeated.",
)
@_set_option
@_cache_option
@click.option(
    "--accelerator",
    type=click.Choice(["auto", "cpu", "gpu", "mps"]),
    default="auto",
    show_default=True,
    help="Device to train on.",
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of devices of this machine that share each batch.",
)
@click.option(
    "--nodes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of machines that share each batch, with the run folder on a common disk; start "
    "the same command on each with torchrun.",
)
@workers_option
@click.option(
    "--loaders",
    type=click.IntRange(min=0),
    help="Number of processes that prepare batches; by default 4 with an accelerator, else 0.",
)
@json_option
def train(
    recipe: str,
    data: Path,
    out: Path,
    preset: tuple[str, ...],
    change: tuple[str, ...],
    cache: Path | None,
    accelerator: str,
    devices: int,
    nodes: int,
    workers: int | None,
    loaders: int | None,
    as_json: bool,
) -> None:
    """Train a system of the literature, or resume a run.

    RECIPE is the name of a recipe, or a .yaml file.
    """
    with _train_extra():
        from tunespace.training.recipe.recipe import load_recipe, preset_overrides

        loaded = load_recipe(recipe, presets=preset, changes=change)
        for clause in preset_overrides(recipe, preset):
            click.echo(f"preset {clause}", err=True)
        hardware = (accelerator, devices, nodes, loaders)
        _run(loaded, data, out, cache, hardware, workers, as_json=as_json)


@click.command("fine-tune")
@click.argument("model")
@_data_option
@_out_option
@_set_option
@click.option(
    "--folds",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Number of folds of artists that choose how long to train, if the table has no splits; 0 "
    "for a validation part.",
)
@_cache_option
@workers_option
@json_option
def fine_tune(
    model: str,
    data: Path,
    out: Path,
    change: tuple[str, ...],
    folds: int,
    cache: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Adapt a model to your own pairs of audio and text.

    MODEL is the name of a bundled model, or a model folder.
    """
    with _train_extra():
        from tunespace.training.recipe.fine_tune import fine_tune_recipe

        loaded = fine_tune_recipe(model, change)
        hardware = ("cpu", 1, 1, None)
        _run(loaded, data, out, cache, hardware, workers, folds, as_json=as_json)


def _run(
    recipe: "Recipe",
    data: Path,
    out: Path,
    cache: Path | None,
    hardware: tuple[str, int, int, int | None],
    workers: int | None,
    folds: int = 0,
    *,
    as_json: bool,
) -> None:
    """Train with a recipe, on an accelerator with devices, nodes and loading processes."""
    from tunespace.training.loop.train import train as run_training

    accelerator, devices, nodes, loaders = hardware
    terminal = console(stderr=True)
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None

    def log(line: str) -> None:
        terminal.print(printable(line), soft_wrap=True)

    with bar or nullcontext():
        result = run_training(
            recipe,
            data,
            out,
            cache=cache,
            accelerator=accelerator,
            devices=devices,
            nodes=nodes,
            workers=workers,
            loaders=loaders,
            folds=folds,
            log=log,
            on_progress=progress_callback(bar, "computing spectrograms"),
        )
    if as_json:
        print_json(
            {
                "model": str(result.model),
                "figures": result.figures,
                "before": result.before,
                "epochs": result.epochs,
                "rejected": result.rejected,
            }
        )
    else:
        console().print(str(result.model), highlight=False, soft_wrap=True)


@click.command()
@click.argument("run", type=PATH)
@click.option("--out", type=PATH, required=True, help="Model folder to write.")
@click.option("--last", is_flag=True, help="Export the last checkpoint instead of the best one.")
def export(run: Path, out: Path, last: bool) -> None:
    """Export a run as a model folder.

    RUN is a run folder. The model folder is used without torch.
    """
    with _train_extra():
        from tunespace.training.loop.export import export_run
    folder, _, _ = export_run(run, out, last=last)
    console().print(str(folder), highlight=False, soft_wrap=True)


@contextmanager
def _train_extra() -> "Iterator[None]":
    """Report a missing package of the extra ``train`` in one sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"training needs {error.name}, which is not installed: pip install 'tunespace[train]'"
        ) from error
