"""``tunespace recipes``, ``tunespace train``, ``tunespace export``."""

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunespace.cli.options import JsonOption
from tunespace.cli.output import console, print_json, printable, progress_bar, shown_on
from tunespace.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tunespace.training.recipe.recipe import Recipe


def recipes(as_json: JsonOption = False) -> None:
    """List the systems that can be trained, with their papers."""
    from tunespace.training.recipe.catalogue import catalogue

    found = catalogue()
    if as_json:
        print_json([vars(entry) for entry in found])
        return
    out = console()
    for entry in found:
        out.print(f"[bold]{entry.name}[/]  {entry.title}. {entry.paper}", highlight=False)
        if entry.presets:
            out.print(f"    --preset {', '.join(entry.presets)}", style="dim", highlight=False)


DataOption = Annotated[Path, typer.Option("--data", help="A manifest: clips and words.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the run, new or stopped.")]
ChangeOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="key=value, as loss.kind=triplet.", show_default=False),
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Folder of what is heard.", show_default=False)
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Processes that decode; by default one per core.")
]


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a .yaml file.")],
    data: DataOption,
    out: OutOption,
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", help="A named variant, as paper.", show_default=False),
    ] = None,
    change: ChangeOption = None,
    cache: CacheOption = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Processes that share a batch.")] = 1,
    workers: WorkersOption = None,
    loaders: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes that prepare batches; by default 4 with an accelerator, else none.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a system of the literature, or go on where a run was stopped."""
    with _train_extra():
        from tunespace.training.loop.train import train as _  # noqa: F401 - what it needs is there
        from tunespace.training.recipe.recipe import load_recipe
    loaded = load_recipe(recipe, presets=preset or (), changes=change or ())
    _run(loaded, data, out, cache, accelerator, devices, workers, loaders, as_json=as_json)


def fine_tune(
    model: Annotated[str, typer.Argument(help="A bundled name or a model folder.")],
    data: DataOption,
    out: OutOption,
    change: ChangeOption = None,
    cache: CacheOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model learn from clips and texts of your own: a table of audio and text is enough."""
    with _train_extra():
        from tunespace.training.loop.train import train as _  # noqa: F401 - what it needs is there
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
    from tunespace.training.loop.train import train as run

    terminal = console(stderr=True)
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None

    def say(line: str) -> None:
        terminal.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    with bar or nullcontext():
        trained = run(
            recipe,
            data,
            out,
            cache=cache,
            accelerator=accelerator,
            devices=devices,
            workers=workers,
            loaders=loaders,
            say=say,
            on_progress=shown_on(bar, "clips are heard"),
        )
    if as_json:
        print_json(
            {
                "model": str(trained.model),
                "figures": trained.figures,
                "epochs": trained.epochs,
                "rejected": trained.rejected,
            }
        )
    else:
        console().print(f"{trained.model}", highlight=False, soft_wrap=True)


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path, typer.Option("--out", help="The model folder to make.")],
    last: Annotated[
        bool, typer.Option("--last", help="The last checkpoint, not the one that validated best.")
    ] = False,
) -> None:
    """Make a model folder of a run; it needs no torch."""
    with _train_extra():
        from tunespace.training.loop.export import export_run
    folder, _, _ = export_run(run, out, last=last)
    console().print(str(folder), highlight=False, soft_wrap=True)


@contextmanager
def _train_extra() -> "Iterator[None]":
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"training needs {error.name}, which is not installed: pip install 'tunespace[train]'"
        ) from error
