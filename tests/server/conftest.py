import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

import sounds
import tiny_model
from tunespace.library import Library
from tunespace.server import Settings, create_app

Client = Callable[..., TestClient]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a library with three tracks and a broken file."""
    folder = tmp_path_factory.mktemp("server")
    model = tiny_model.make(folder / "model")
    music = folder / "music"
    music.mkdir()
    for name, hertz, year in (
        ("low", 300.0, "1999"),
        ("middle", 1500.0, ""),
        ("high", 5000.0, "2005"),
    ):
        samples = 0.5 * sounds.tone(2.0, 16_000, hertz)
        tags = {"title": f"{name} tone", "artist": "The Tones", "date": year, "genre": "Tones"}
        sounds.write(music / f"{name}.flac", samples[None], 16_000, "flac", tags=tags)
    (music / "broken.mp3").write_bytes(b"nothing")
    with Library.open(folder / "library", model=str(model)) as lib:
        lib.index([music], workers=1)
    return folder / "library"


@pytest.fixture
def client(library: Path) -> Iterator[Client]:
    """Starts a server; what is given goes into its settings."""
    with ExitStack() as stack:

        def start(base_url: str = "http://127.0.0.1:8731", **settings: Any) -> TestClient:  # noqa: ANN401
            app = create_app(Settings(**{"library": library} | settings))
            return stack.enter_context(TestClient(app, base_url=base_url, follow_redirects=False))

        yield start


@contextmanager
def served(library: Path) -> Iterator[str]:
    """A server in a thread; gives its address."""
    app = create_app(Settings(library=library, requests_a_minute=0))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def address(library: Path) -> Iterator[str]:
    """A server of ``library``."""
    with served(library) as found:
        yield found


@pytest.fixture
def address_of_aiff(library: Path, tmp_path: Path) -> Iterator[str]:
    """A server of a track in a format that Chromium does not play."""
    music = tmp_path / "music"
    music.mkdir()
    samples = 0.5 * sounds.tone(4.0, 44_100, 300.0)
    sounds.write(music / "low.aiff", samples[None], 44_100, "pcm_s16be")
    with Library.open(tmp_path / "library", model=str(library.parent / "model")) as lib:
        lib.index([music], workers=1)
    with served(tmp_path / "library") as found:
        yield found
