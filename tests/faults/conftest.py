"""Deliberate faults, each tried ``TUNESPACE_FAULT_ROUNDS`` times; `make faults` sets it."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import sounds
import tiny_model
from tunespace.library import Library

ROUNDS = int(os.environ.get("TUNESPACE_FAULT_ROUNDS", "2"))
_TRACKS = 12
# A result is committed at once, so that a kill falls between any two of them.
_COMMAND = (
    "from tunespace.library.index import indexer; indexer._SECONDS_BETWEEN_COMMITS = 0;"
    "from tunespace.cli import main; main()"
)


@dataclass(frozen=True)
class Place:
    """A library with its music, in a folder of its own.

    Attributes:
        folder: Folder of both.
        model: Folder of the model.
    """

    folder: Path
    model: Path

    @property
    def library(self) -> Path:
        """Folder of the library."""
        return self.folder / "library"

    @property
    def music(self) -> Path:
        """Folder of the music."""
        return self.folder / "music"

    @property
    def saved(self) -> Path:
        """Folder of the saved library."""
        return self.folder / "saved"

    def save(self) -> None:
        """Copy the library, for ``restore``."""
        shutil.copytree(self.library, self.saved)

    def restore(self) -> None:
        """Replace the library by its copy."""
        shutil.rmtree(self.library)
        shutil.copytree(self.saved, self.library)

    def start(self, *arguments: object) -> "subprocess.Popen[bytes]":
        """Start a command of tunespace."""
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TUNESPACE_LIBRARY": str(self.library),
            "TUNESPACE_MODEL": str(self.model),
        }
        return subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-c", _COMMAND, *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *arguments: object) -> None:
        """Run a command, which must succeed."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, (arguments, out, err)

    def kill_after(self, seconds: float, *arguments: object) -> bool:
        """Start a command and kill it with its workers; return whether it was still running."""
        process = self.start(*arguments)
        time.sleep(seconds)
        is_running = process.poll() is None
        if is_running:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return is_running


@dataclass(frozen=True)
class State:
    """Contents of a library: embeddings and windows of each file, relative to the music."""

    vectors: dict[str, bytes]
    windows: dict[str, bytes]


def read_state(place: Place, model: Path | None = None, music: Path | None = None) -> State:
    """Check a library, and return its contents.

    Args:
        place: The library.
        model: Model that it must have; None for the first one.
        music: Folder of the music; None for its own.
    """
    with closing(sqlite3.connect(place.library / "library.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        paths = [os.fsdecode(p) for (p,) in connection.execute("SELECT path FROM tracks")]
        assert len(paths) == len(set(paths))
        rows = connection.execute(
            "SELECT t.path, v.vector, w.vectors FROM tracks t JOIN vectors v ON v.track = t.id "
            "JOIN windows w ON w.track = t.id AND w.space = v.space "
            "WHERE v.space = (SELECT value FROM meta WHERE key = 'active_space')"
        ).fetchall()
        spaces = connection.execute("SELECT count(*) FROM spaces").fetchone()[0]
        assert spaces in (1, 2)  # a change of model that was killed may go on later
    root = os.path.realpath(music or place.music)
    names = [os.path.relpath(os.fsdecode(path), root) for path, _, _ in rows]
    assert len(names) == len(set(names))
    assert not any(name.startswith("..") for name in names)
    with Library.open(place.library, model=str(model or place.model), create=False) as library:
        assert not library.check_integrity()
        ids, matrix = library.embeddings()
        assert len(ids) == len(library) == len(rows)
        tracks = {track.id: track.path for track in library.tracks_by_id([int(i) for i in ids])}
        stored = {os.fsdecode(path): vector for path, vector, _ in rows}
        for id_, vector in zip(ids, matrix, strict=True):
            assert np.asarray(vector).tobytes() == stored[tracks[int(id_)]]
        assert len(library.search("low").hits) == len(rows)
    return State(
        {name: row[1] for name, row in zip(names, rows, strict=True)},
        {name: row[2] for name, row in zip(names, rows, strict=True)},
    )


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An indexed library."""
    folder = tmp_path_factory.mktemp("faults")
    place = Place(folder / "original", tiny_model.make(folder / "model"))
    for n in range(_TRACKS):
        path = place.music / f"album {n // 4}" / f"{n:02}.wav"
        sounds.write_noise(path, 1, 10.0 ** (-n / 3), seconds=2 + n % 3, seed=n)
    place.run("index", place.music, "--workers", 2)
    return place


@pytest.fixture(scope="session")
def right(original: Place) -> State:
    """The contents of the indexed library."""
    return read_state(original)


@pytest.fixture
def place(original: Place, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """Make a copy of the library with its music, at the same path each time."""
    target = Place(tmp_path / "copy", original.model)

    def copy(*, with_library: bool = True) -> Place:
        shutil.rmtree(target.folder, ignore_errors=True)
        shutil.copytree(original.music, target.music)
        if with_library:
            target.run("index", target.music, "--workers", 2)
        return target

    yield copy
    shutil.rmtree(target.folder, ignore_errors=True)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Numbers that are the same in every run of a test."""
    return random.Random(request.node.nodeid)  # noqa: S311 - no secret
