"""Commands and exit codes: 0 success, 1 failure, 2 wrong usage."""

import os
import sys

import typer

from tunespace import __version__
from tunespace.cli import compare, describe, doctor, evaluate, index, models, search, serve, train
from tunespace.errors import TunespaceError

app = typer.Typer(
    help="Find music with words: index a folder, then describe what you want to hear.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("index")(index.index)
app.command("search")(search.search)
app.command("similar")(search.similar)
app.command("describe")(describe.describe)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("recipes")(train.recipes)
app.command("train")(train.train)
app.command("fine-tune")(train.fine_tune)
app.command("export")(train.export)
app.command("serve")(serve.serve)
app.command("models")(models.models)
app.command("doctor")(doctor.doctor)


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer passes it by position
    if value:
        typer.echo(f"tunespace {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(  # noqa: FBT001 - typer's convention
        False,  # noqa: FBT003
        "--version",
        callback=_show_version,
        is_eager=True,
        help="Show the version and exit.",
    ),
) -> None:
    pass


def main() -> None:
    """Run a command; print errors of use in one sentence."""
    try:
        app()
    except TunespaceError as error:
        sys.stderr.write(f"tunespace: {error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of the pipe has closed it; Python must not report that at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
