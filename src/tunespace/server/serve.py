"""Running a server until it is told to stop."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from threadpoolctl import threadpool_limits
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tunespace.errors import TunespaceError
from tunespace.server.app import create_app
from tunespace.server.mcp_server import make_mcp
from tunespace.server.routes.indexing import Jobs
from tunespace.server.services.library_pool import Collection
from tunespace.server.settings import Settings

_HEADER_BYTES = 32 * 1024
_CONNECTIONS = 1000


def run(settings: Settings, on_ready: Callable[[str, str], None]) -> None:
    """Serves until it is interrupted.

    Args:
        settings: What to serve, and to whom.
        on_ready: Told the address and the token as soon as requests are answered.

    Raises:
        TunespaceError: The address cannot be listened on.
        LibraryError: There is no library.
        ModelError: Its model cannot be used.
    """
    app = create_app(settings)
    listener = _listener(settings.host, settings.port)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        http=impatient(settings.body_seconds),
        log_level="warning",
        access_log=False,
        server_header=False,
        # A proxy that may say who asks has to be named to uvicorn by its own variable.
        proxy_headers=True,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
    )
    server = _Server(config, lambda: on_ready(_address(settings.host, port), settings.token))
    # There are as many requests as cores; one that takes all cores makes the others wait.
    with threadpool_limits(1, user_api="blas"):
        server.run([listener])


def speak(settings: Settings) -> None:
    """Answers a language model's host over standard input and output (MCP) until that ends.

    Raises:
        LibraryError: There is no library.
        ModelError: Its model cannot be used.
    """
    collection = Collection(settings)
    jobs = Jobs(collection)
    try:
        make_mcp(collection, jobs if settings.allow_write else None).run("stdio")
    finally:
        jobs.close()
        collection.close()


def impatient(seconds: float) -> type[HttpToolsProtocol]:
    """A protocol that hangs up on whoever takes longer to say what it wants.

    Otherwise a thousand connections that send a letter a minute keep everybody else out.
    """

    class Impatient(HttpToolsProtocol):
        _waiting: asyncio.TimerHandle | None = None

        def _wait(self) -> None:
            self._done_waiting()
            self._waiting = self.loop.call_later(seconds, self._give_up)

        def _done_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _give_up(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def on_headers_complete(self) -> None:
            self._done_waiting()
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._done_waiting()
            super().connection_lost(exc)

    return Impatient


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise TunespaceError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}): "
            "name another with --port"
        ) from error
    # Connections inherit it. Without it the second half of an answer waits 40 ms for the other
    # side to say that it has the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
