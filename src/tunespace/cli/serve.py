"""``tunespace serve``: the library as a page and an HTTP API."""

from pathlib import Path
from urllib.parse import quote

import click

from tunespace.cli.options import library_option, model_option
from tunespace.errors import TunespaceError

# The same as in tunespace.server.settings, whose package takes a second to import.
_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8731
_DEFAULT_RATE = 1200
_MAX_TOKEN_LENGTH = 4096


@click.command()
@click.option(
    "--host",
    default=_DEFAULT_HOST,
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 for a free one.",
)
@click.option(
    "--token",
    envvar="TUNESPACE_TOKEN",
    show_envvar=True,
    help="Token that clients must send; generated and printed if other machines can reach the "
    "server. Other users of this machine can see it on the command line.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that contains the token.",
)
@click.option("--allow-write", is_flag=True, help="Allow clients to update the library.")
@click.option(
    "--name",
    metavar="HOST",
    multiple=True,
    help="Further host name of the server. Can be repeated.",
)
@click.option(
    "--rate",
    type=click.IntRange(0),
    default=_DEFAULT_RATE,
    show_default=True,
    help="Maximum number of requests of one address a minute; 0 for no limit. Programs on this "
    "machine are not limited if there is no token.",
)
@click.option(
    "--proxy",
    metavar="ADDRESS",
    multiple=True,
    help="Address of a reverse proxy that names its clients in X-Forwarded-For. Can be repeated.",
)
@click.option(
    "--mcp",
    is_flag=True,
    help="Serve MCP to a language model over standard input and output instead.",
)
@library_option
@model_option
def serve(
    host: str,
    port: int,
    token: str | None,
    token_file: Path | None,
    allow_write: bool,
    name: tuple[str, ...],
    rate: int,
    proxy: tuple[str, ...],
    mcp: bool,
    library: Path | None,
    model: str | None,
) -> None:
    """Serve the library as a web page and an HTTP API."""
    try:
        # Needs the extra `serve`, and takes a second.
        from tunespace.server import Settings
        from tunespace.server.serve import run, run_mcp_stdio
        from tunespace.server.settings import is_local, new_token
    except ModuleNotFoundError as error:
        raise TunespaceError(
            f"{error.name} is not installed: run `pip install 'tunespace[serve]'`"
        ) from error
    if token_file is not None:
        token = _read_token(token_file)
    if not token:  # an empty token would let everybody in
        token = "" if is_local(host) else new_token()
    settings = Settings(
        library=library,
        model=model,
        host=host,
        port=port,
        token=token,
        allow_write=allow_write,
        names=name,
        requests_a_minute=rate,
        proxies=proxy,
    )
    if mcp:
        run_mcp_stdio(settings)
    else:
        run(settings, on_ready=_announce)


def _read_token(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_MAX_TOKEN_LENGTH + 1)
        token = text.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TunespaceError(f"{file} cannot be read as a token ({error})") from error
    if not token:
        raise TunespaceError(f"{file} is empty: it must contain the token")
    if len(text) > _MAX_TOKEN_LENGTH:
        raise TunespaceError(
            f"{file} is no token: it has more than {_MAX_TOKEN_LENGTH:,} characters"
        )
    return token


def _announce(address: str, token: str) -> None:
    click.echo(
        f"tunespace listens on {address}" + (f"/?token={quote(token, safe='')}" if token else "")
    )
    if token:
        click.echo(f"programs send the header `authorization: Bearer {token}`")
    click.echo("stop it with Ctrl-C")
