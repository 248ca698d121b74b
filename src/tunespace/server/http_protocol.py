"""HTTP protocol with bounds on what a client may send, leave unread, or take its time for."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 1024
# What a header takes beside its text.
_HEADER_BYTES = 32
# Responses to requests that were sent ahead of them wait in memory.
MAX_PIPELINED = 16
# A player that has buffered enough leaves the rest of a track unread for minutes, and many clients
# that read nothing would leave no connection to anybody else.
MAX_STALLED = 64
STALLED_SECONDS = 600.0

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def bounded_protocol(
    head_seconds: float,
    *,
    max_stalled: int = MAX_STALLED,
    stalled_seconds: float = STALLED_SECONDS,
) -> type[HttpToolsProtocol]:
    """Return an HTTP protocol for one server.

    It closes connections whose request head is too slow (slowloris) or too large, that send many
    requests without reading the responses, or that do not read a response. Of too many connections
    that do not read, the one that has waited longest is closed.

    Args:
        head_seconds: Maximum time until the head of a request is complete.
        max_stalled: Maximum number of connections that do not read.
        stalled_seconds: Maximum time for which a connection does not read.
    """
    stalled: dict[HttpToolsProtocol, asyncio.TimerHandle] = {}

    class BoundedProtocol(HttpToolsProtocol):
        _head_timer: asyncio.TimerHandle | None = None
        _is_in_head = False
        _is_refused = False
        _head_bytes = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start_head_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_head_timer()
            self._stop_stalled_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._is_refused:
                return
            # The parser keeps a header until it is complete.
            if self._is_in_head:
                self._count_head(len(data))
            if not self._is_refused:
                super().data_received(data)

        def on_message_begin(self) -> None:
            self._is_in_head, self._head_bytes = True, 0
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            self._count_head(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count_head(len(name) + len(value) + _HEADER_BYTES)
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._is_in_head, self._head_bytes = False, 0
            if len(self.pipeline) >= MAX_PIPELINED:
                self._is_refused = True
                self.transport.abort()
            if not self._is_refused:
                self._stop_head_timer()
                super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if not self._is_refused:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if not self._is_refused:
                super().on_message_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._start_head_timer()

        def pause_writing(self) -> None:
            super().pause_writing()
            while len(stalled) >= max_stalled:
                oldest = next(iter(stalled))
                stalled.pop(oldest).cancel()
                oldest.transport.abort()
            stalled[self] = self.loop.call_later(stalled_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._stop_stalled_timer()
            super().resume_writing()

        def _count_head(self, size: int) -> None:
            self._head_bytes += size
            if self._head_bytes > MAX_HEAD_BYTES and not self._is_refused:
                self._is_refused = True
                self.transport.write(_TOO_LARGE)
                self.transport.close()

        def _start_head_timer(self) -> None:
            self._stop_head_timer()
            self._head_timer = self.loop.call_later(head_seconds, self._close)

        def _stop_head_timer(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _stop_stalled_timer(self) -> None:
            timer = stalled.pop(self, None)
            if timer is not None:
                timer.cancel()

        def _close(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

    return BoundedProtocol
