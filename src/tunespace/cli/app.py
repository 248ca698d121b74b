"""Commands and exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted."""

import atexit
import gc
import io
import sys
from difflib import get_close_matches
from importlib import import_module

import click

from tunespace import __version__
from tunespace.errors import TunespaceError

# Module of each command, in the order of the help.
_MODULES = {
    "index": "index",
    "relocate": "relocate",
    "forget": "forget",
    "search": "search",
    "similar": "search",
    "describe": "describe",
    "list": "list",
    "stats": "stats",
    "evaluate": "evaluate",
    "compare": "compare",
    "recipes": "train",
    "train": "train",
    "fine-tune": "train",
    "export": "train",
    "serve": "serve",
    "models": "models",
    "doctor": "doctor",
}


class _LazyGroup(click.Group):
    """Group that imports the module of a command when the command is used.

    Source: "Lazily loading subcommands" in the documentation of click.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - overrides
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _MODULES:
            return None
        module = import_module(f"tunespace.cli.{_MODULES[cmd_name]}")
        name = cmd_name.replace("-", "_")
        command = getattr(module, f"{name}_", None) or getattr(module, name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            similar = get_close_matches(args[0], _MODULES, n=1, cutoff=0.7)
            if not similar:
                raise
            message = f"{error.message} Did you mean '{similar[0]}'?"
            raise click.UsageError(message, ctx) from None


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="tunespace %(version)s")
def app() -> None:
    """Find music with words: index a folder, then describe what you want to hear."""


def main() -> None:
    """Run a command; print errors of use in one sentence."""
    # The default collects a dozen times while a model is loaded, and never finds anything.
    gc.set_threshold(50_000)
    # The collection at exit visits every object once more: a tenth of the time of a search.
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Not every terminal can print every letter.
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(app(prog_name="tunespace", standalone_mode=False) or 0)
    except click.ClickException as error:
        message = io.StringIO()
        error.show(message)
        sys.stderr.write(_printable_lines(message.getvalue()))
        sys.exit(error.exit_code)
    except click.Abort:  # Ctrl-C
        sys.exit(130)
    except TunespaceError as error:
        sys.stderr.write(f"tunespace: {_printable_lines(str(error))}\n")
        sys.exit(1)


def _printable_lines(text: str) -> str:
    """Return text without control characters: names of files reach error messages."""
    from tunespace.cli.output import printable_lines

    return printable_lines(text)
