"""``tunespace serve``: the library as a page and an HTTP API."""

from typing import Annotated

import typer

from tunespace.cli.options import LibraryOption, ModelOption
from tunespace.errors import TunespaceError

# The same as in tunespace.server.settings, whose package takes a second to import.
_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8731


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = _DEFAULT_HOST,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 for a free one.")
    ] = _DEFAULT_PORT,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="TUNESPACE_TOKEN",
            help="Token that clients must send; generated and printed if other machines can reach "
            "the server.",
            show_default=False,
        ),
    ] = None,
    allow_write: Annotated[
        bool,
        typer.Option("--allow-write", help="Allow clients to update the library."),
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Further host name of the server. Can be repeated."),
    ] = None,
    mcp: Annotated[
        bool,
        typer.Option(
            "--mcp", help="Serve MCP to a language model over standard input and output instead."
        ),
    ] = False,
    library: LibraryOption = None,
    model: ModelOption = None,
) -> None:
    """Serve the library: a web page to search and play, and an HTTP API."""
    try:
        # Needs the extra `serve`, and takes a second.
        from tunespace.server import Settings
        from tunespace.server.serve import run, run_mcp_stdio
        from tunespace.server.settings import is_local, new_token
    except ModuleNotFoundError as error:
        raise TunespaceError(
            f"{error.name} is not installed: run `pip install 'tunespace[serve]'`"
        ) from error
    if not token:  # an empty token would let everybody in
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
        run_mcp_stdio(settings)
    else:
        run(settings, on_ready=_announce)


def _announce(address: str, token: str) -> None:
    typer.echo(f"tunespace listens on {address}" + (f"/?token={token}" if token else ""))
    if token:
        typer.echo(f"programs send the header `authorization: Bearer {token}`")
    typer.echo("stop it with Ctrl-C")
