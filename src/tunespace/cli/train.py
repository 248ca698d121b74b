"""``tunespace recipes``, ``train``, ``fine-tune`` and ``export``."""

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunespace.cli.options import JsonOption, WorkersOption
from tunespace.cli.output import console, print_json, printable, progress_bar, progress_callback
from tunespace.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tunespace.training.recipe.recipe import Recipe


def recipes(as_json: JsonOption = False) -> None:
    """List the recipes: systems that can be trained, with their papers."""
    from tunespace.training.recipe.catalogue import catalogue

    entries = catalogue()
    if as_json:
        print_json([vars(entry) for entry in entries])
        return
    out = console()
    for entry in entries:
        out.print(f"[bold]{entry.name}[/]  {entry.title}. {entry.paper}", highlight=False)
        if entry.presets:
            out.print(f"    --preset {', '.join(entry.presets)}", style="dim", highlight=False)


DataOption = Annotated[
    Path, typer.Option("--data", help="Manifest of audio and text (.csv, .tsv, .jsonl, .parquet).")
]
OutOption = Annotated[
    Path, typer.Option("--out", help="Run folder; an interrupted run in it is resumed.")
]
ChangeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a key of the recipe: loss.kind=triplet. Can be repeated.",
        show_default=False,
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", help="Spectrogram cache directory.", show_default=False),
]


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a .yaml file.")],
    data: DataOption,
    out: OutOption,
    preset: Annotated[
        list[str] | None,
        typer.Option(
            "--preset",
            help="Variant of the recipe, such as paper. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    change: ChangeOption = None,
    cache: CacheOption = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu or mps.")] = "auto",
    devices: Annotated[
        int, typer.Option(min=1, help="Number of devices that share each batch.")
    ] = 1,
    workers: WorkersOption = None,
    loaders: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Number of processes that prepare batches; by default 4 with an accelerator, "
            "else 0.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a system of the literature, or resume an interrupted run."""
    with _train_extra():
        from tunespace.training.recipe.recipe import load_recipe

        loaded = load_recipe(recipe, presets=preset or (), changes=change or ())
        _run(loaded, data, out, cache, accelerator, devices, workers, loaders, as_json=as_json)


def fine_tune(
    model: Annotated[str, typer.Argument(help="Name of a bundled model, or a model folder.")],
    data: DataOption,
    out: OutOption,
    change: ChangeOption = None,
    cache: CacheOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Adapt a model to your own pairs of audio and text."""
    with _train_extra():
        from tunespace.training.recipe.fine_tune import fine_tune_recipe

        loaded = fine_tune_recipe(model, tuple(change or ()))
        _run(loaded, data, out, cache, "cpu", 1, workers, None, as_json=as_json)


def _run(
    recipe: "Recipe",
    data: Path,
    out: Path,
    cache: Path | None,
    accelerator: str,
    devices: int,
    workers: int | None,
    loaders: int | None,
    *,
    as_json: bool,
) -> None:
    from tunespace.training.loop.train import train as run_training

    terminal = console(stderr=True)
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None

    def log(line: str) -> None:
        terminal.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    with bar or nullcontext():
        result = run_training(
            recipe,
            data,
            out,
            cache=cache,
            accelerator=accelerator,
            devices=devices,
            workers=workers,
            loaders=loaders,
            log=log,
            on_progress=progress_callback(bar, "computing spectrograms"),
        )
    if as_json:
        print_json(
            {
                "model": str(result.model),
                "figures": result.figures,
                "epochs": result.epochs,
                "rejected": result.rejected,
            }
        )
    else:
        console().print(str(result.model), highlight=False, soft_wrap=True)


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path, typer.Option("--out", help="Model folder to write.")],
    last: Annotated[
        bool,
        typer.Option("--last", help="Export the last checkpoint instead of the best one."),
    ] = False,
) -> None:
    """Export a run as a model folder, which is used without torch."""
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
