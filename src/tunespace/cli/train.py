"""``tunespace recipes``, ``tunespace train``, ``tunespace export``."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunespace.cli.options import JsonOption
from tunespace.cli.output import console, print_json, printable, progress_bar, shown_on
from tunespace.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator


def recipes(as_json: JsonOption = False) -> None:
    """List the systems that can be trained, with their papers."""
    from tunespace.training.catalogue import catalogue

    found = catalogue()
    if as_json:
        print_json([vars(entry) for entry in found])
        return
    out = console()
    for entry in found:
        out.print(f"[bold]{entry.name}[/]  {entry.title}. {entry.paper}", highlight=False)
        if entry.presets:
            out.print(f"    --preset {', '.join(entry.presets)}", style="dim", highlight=False)


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a .yaml file.")],
    data: Annotated[Path, typer.Option("--data", help="A manifest: clips and words.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run, new or stopped.")],
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", help="A named variant, as paper.", show_default=False),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value, as loss.kind=triplet.", show_default=False),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option("--cache", help="Folder of spectrograms.", show_default=False),
    ] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Processes that share a batch.")] = 1,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that decode; by default one per core.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a system of the literature, or go on where a run was stopped."""
    with _train_extra():
        from tunespace.training.recipe import load_recipe
        from tunespace.training.run import train as run
    terminal = console(stderr=True)
    loaded = load_recipe(recipe, presets=preset or (), changes=change or ())
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None

    def say(line: str) -> None:
        terminal.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    if bar is not None:
        bar.start()
    try:
        trained = run(
            loaded,
            data,
            out,
            cache=cache,
            accelerator=accelerator,
            devices=devices,
            workers=workers,
            say=say,
            on_progress=shown_on(bar, "spectrograms"),
        )
    finally:
        if bar is not None:
            bar.stop()
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
        from tunespace.training.export import export_run
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
