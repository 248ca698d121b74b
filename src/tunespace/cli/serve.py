"""``tunespace serve``: the library as a page and an HTTP API."""

from typing import Annotated

import typer

from tunespace.cli.options import LibraryOption, ModelOption
from tunespace.errors import TunespaceError

_HOST = "127.0.0.1"
_PORT = 8731


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = _HOST,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")
    ] = _PORT,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="TUNESPACE_TOKEN",
            help="What clients must send; made and printed where others can reach the server.",
            show_default=False,
        ),
    ] = None,
    allow_write: Annotated[
        bool,
        typer.Option("--allow-write", help="Let clients bring the library up to date."),
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="A further name the server is reached by; may be repeated."),
    ] = None,
    mcp: Annotated[
        bool,
        typer.Option(
            "--mcp", help="Answer a language model over standard input and output instead (MCP)."
        ),
    ] = False,
    library: LibraryOption = None,
    model: ModelOption = None,
) -> None:
    """Serve the library: a page to search and play, and an HTTP API for programs."""
    try:
        # Only this command needs them.
        from tunespace.server import Settings
        from tunespace.server.serve import run, speak
        from tunespace.server.settings import is_local, new_token
    except ModuleNotFoundError as error:
        raise TunespaceError(
            f"{error.name} is not installed: run `pip install 'tunespace[serve]'`"
        ) from error
    if not token:  # an empty one would let everybody in
        token = "" if is_local(host) else new_token()
    settings = Settings(
        library=library,
        model=model,
        host=host,
        port=port,
        token=token,
        allow_write=allow_write,
        names=tuple(name or ()),
    )
    if mcp:
        speak(settings)
    else:
        run(settings, on_ready=_announce)


def _announce(address: str, token: str) -> None:
    typer.echo(f"tunespace listens on {address}" + (f"/?token={token}" if token else ""))
    if token:
        typer.echo(f"programs send the header: authorization: Bearer {token}")
    typer.echo("stop it with Ctrl-C")
