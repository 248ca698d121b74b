"""Run a server until it is stopped: HTTP, or MCP over standard input and output."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from threadpoolctl import threadpool_limits
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tunespace.errors import TunespaceError
from tunespace.server.app import create_app
from tunespace.server.mcp_server import make_mcp
from tunespace.server.services.index_job import IndexJob
from tunespace.server.services.library_pool import LibraryPool
from tunespace.server.settings import Settings

_MAX_HEADER_BYTES = 32 * 1024
_MAX_CONNECTIONS = 1000


def run(settings: Settings, on_ready: Callable[[str, str], None]) -> None:
    """Serve HTTP until the process is interrupted.

    Args:
        settings: Settings of the server.
        on_ready: Called with the address and the token as soon as requests are answered.

    Raises:
        TunespaceError: The address is not available.
        LibraryError: There is no library, or it cannot be opened.
        ModelError: Its model cannot be used.
    """
    app = create_app(settings)
    listener = _listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        http=with_header_timeout(settings.body_seconds),
        log_level="warning",
        access_log=False,
        server_header=False,
        # uvicorn trusts the headers of a proxy only if its own variable names the proxy.
        proxy_headers=True,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
        limit_concurrency=_MAX_CONNECTIONS,
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
    )
    server = _Server(config, lambda: on_ready(_address(settings.host, port), settings.token))
    # One core for each request: one that uses all cores makes the others wait.
    with threadpool_limits(1, user_api="blas"):
        server.run([listener])


def run_mcp_stdio(settings: Settings) -> None:
    """Serve MCP over standard input and output until the input ends.

    Raises:
        LibraryError: There is no library, or it cannot be opened.
        ModelError: Its model cannot be used.
    """
    libraries = LibraryPool(settings)
    index_job = IndexJob(libraries)
    try:
        make_mcp(libraries, index_job if settings.allow_write else None).run("stdio")
    finally:
        index_job.close()
        libraries.close()


def with_header_timeout(seconds: float) -> type[HttpToolsProtocol]:
    """Return an HTTP protocol that closes connections whose headers do not arrive in time.

    Slow clients (slowloris) would otherwise exhaust the connection limit.

    Args:
        seconds: Maximum time until the headers of a request are complete.
    """

    class TimeoutProtocol(HttpToolsProtocol):
        _timer: asyncio.TimerHandle | None = None

        def _start_timer(self) -> None:
            self._stop_timer()
            self._timer = self.loop.call_later(seconds, self._close)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start_timer()

        def on_headers_complete(self) -> None:
            self._stop_timer()
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._start_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

    return TimeoutProtocol


class _Server(uvicorn.Server):
    """Server that calls a function when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise TunespaceError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}): "
            "choose another with --port"
        ) from error
    # Inherited by connections. Without it the second packet of a response waits 40 ms for the
    # acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
