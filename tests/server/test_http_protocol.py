import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn

from tunespace.server import Settings, create_app
from tunespace.server.http_protocol import bounded_protocol

HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
Address = tuple[str, int]


@contextmanager
def served(
    library: Path, head_seconds: float = 30.0, max_stalled: int = 64, stalled_seconds: float = 60.0
) -> Iterator[Address]:
    app = create_app(Settings(library=library))
    listener = socket.create_server(("127.0.0.1", 0))
    protocol = bounded_protocol(
        head_seconds, max_stalled=max_stalled, stalled_seconds=stalled_seconds
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", http=protocol))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(10)


def connect(address: Address, buffer: int = 0) -> socket.socket:
    client = socket.socket()
    if buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(5)
    client.connect(address)
    return client


def status_of(address: Address) -> bytes:
    with connect(address) as client:
        client.sendall(HEALTH)
        return client.recv(4096)[:12]


def send_for(client: socket.socket, data: bytes, seconds: float) -> None:
    """Send the same bytes again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client.send(data)


def is_closed(client: socket.socket) -> bool:
    """Return whether the server has closed a connection, after what it has sent."""
    try:
        while client.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def test_silent_connections_are_closed(library: Path) -> None:
    with served(library, head_seconds=0.5) as address:
        for sent in (b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "):
            with connect(address) as slow:
                slow.sendall(sent)
                assert slow.recv(1) == b""
        with connect(address) as good:
            for _ in range(2):  # kept open in between
                good.sendall(HEALTH)
                assert good.recv(4096).startswith(b"HTTP/1.1 200")
                time.sleep(0.2)


@pytest.mark.parametrize(
    "part",
    [b"X-Small: 1\r\n", b"X-Large: " + b"a" * 60_000, b"a" * 60_000],
    ids=["many headers", "a long header", "a header without end"],
)
def test_a_request_head_that_is_too_large_is_refused(library: Path, part: bytes) -> None:
    with served(library) as address:
        with connect(address) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe
                send_for(client, part, 20.0)
        assert status_of(address) == b"HTTP/1.1 200"


def test_a_head_that_is_too_large_gets_a_response(library: Path) -> None:
    with served(library) as address, connect(address) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n" + b"X: 1\r\n" * 4000 + b"X: 1\r\n" * 4000)
        assert client.recv(100).startswith(b"HTTP/1.1 431")


def test_a_large_body_is_no_large_head(library: Path) -> None:
    body = b'{"terms": [{"text": "low"}], "where": "' + b" " * 1000 + b'"}' + b" " * 100_000
    head = (
        b"POST /api/search HTTP/1.1\r\nHost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    with served(library) as address, connect(address) as client:
        for _ in range(3):
            client.sendall(head + body)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")


def test_a_client_that_reads_no_responses_is_cut_off(library: Path) -> None:
    with served(library) as address:
        with connect(address, 2048) as client, pytest.raises(OSError):  # noqa: PT011
            send_for(client, HEALTH * 50, 20.0)
        assert status_of(address) == b"HTTP/1.1 200"


def test_a_few_requests_in_advance_are_answered(library: Path) -> None:
    with served(library) as address, connect(address) as client:
        client.sendall(HEALTH * 8)
        received = b""
        while received.count(b"HTTP/1.1 200") < 8:
            received += client.recv(65_536)


@pytest.fixture
def long_track(library: Path) -> Iterator[bytes]:
    """A request of a track that fills every buffer."""
    from tunespace.library import Library

    with Library.open(library) as opened:
        track = opened.find_track("low tone")
    assert track is not None
    path = Path(track.path)
    content = path.read_bytes()
    path.write_bytes(content + bytes(20_000_000))
    yield b"GET /api/tracks/%d/audio HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % track.id
    path.write_bytes(content)


def test_of_too_many_clients_that_do_not_read_the_oldest_is_closed(
    library: Path, long_track: bytes
) -> None:
    with served(library, max_stalled=3) as address, ExitStack() as stack:
        clients = [stack.enter_context(connect(address, 2048)) for _ in range(5)]
        for client in clients:
            client.sendall(long_track)
            time.sleep(0.5)
        for client in clients:
            client.settimeout(0.5)
        assert [is_closed(client) for client in clients[:2]] == [True, True]
        assert status_of(address) == b"HTTP/1.1 200"


def test_a_client_that_never_reads_is_closed_after_a_while(
    library: Path, long_track: bytes
) -> None:
    with served(library, stalled_seconds=0.5) as address, connect(address, 2048) as client:
        client.sendall(long_track)
        time.sleep(1.5)
        assert is_closed(client)
