"""Run a server until it is stopped: HTTP, or MCP over standard input and output."""

import logging
import socket
import time
from collections.abc import Callable

import uvicorn
from threadpoolctl import threadpool_limits

from tunespace.errors import TunespaceError
from tunespace.server.app import create_app
from tunespace.server.http_protocol import bounded_protocol
from tunespace.server.mcp_server import make_mcp
from tunespace.server.services.index_job import IndexJob
from tunespace.server.services.library_pool import LibraryPool
from tunespace.server.settings import Settings

_MAX_CONNECTIONS = 1000
_SECONDS_BETWEEN_TRACEBACKS = 60.0
_MAX_TRACED = 100


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
    _log_plainly()
    listener = _listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        http=bounded_protocol(settings.body_seconds),
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        # Anybody can write these headers; they count if they come from a proxy that was named.
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
        limit_concurrency=_MAX_CONNECTIONS,
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


class _PlainFormatter(logging.Formatter):
    """Formatter whose traceback of a repeated error is left out: it takes time and disk space."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._traced: dict[str, float] = {}

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return super().format(record)
        kind = f"{type(error).__name__}: {error}"
        now = time.monotonic()
        if (
            now - self._traced.get(kind, -_SECONDS_BETWEEN_TRACEBACKS)
            >= _SECONDS_BETWEEN_TRACEBACKS
        ):
            if len(self._traced) >= _MAX_TRACED:
                self._traced.clear()
            self._traced[kind] = now
            return super().format(record)
        short = logging.makeLogRecord(record.__dict__ | {"exc_info": None, "exc_text": None})
        return f"{super().format(short)} ({kind}, as above)"


def _log_plainly() -> None:
    """Log to the standard error; libraries install handlers that draw tracebacks in colours."""
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


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
