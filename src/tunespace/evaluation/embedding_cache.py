"""Cache of clip embeddings: a SQLite file that several processes can share."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np

from tunespace.audio.archives import modification_stamp
from tunespace.errors import DataError
from tunespace.evaluation.audio_view import Clip
from tunespace.models.model import Vectors

_SECONDS_BETWEEN_COMMITS = 1.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"


def default_cache() -> Path:
    """Return the default cache file."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("tunespace")) / "embeddings.sqlite"


def cache_key(identity: str, clip: Clip) -> bytes:
    """Return the key of a clip's embedding.

    It depends on the identity of the model, the path, size and modification time of the file, the
    part of the file, and the pooling of its windows.
    """
    try:
        file = modification_stamp(Path(clip.path))
    except OSError:
        file = (-1, -1)
    about: tuple[object, ...] = (
        identity, os.path.realpath(clip.path), *file, clip.start, clip.duration
    )  # fmt: skip
    if clip.pooling != "track":
        about += (clip.pooling,)
    return hashlib.blake2b(repr(about).encode("utf-8", "surrogateescape"), digest_size=16).digest()


class EmbeddingCache:
    """Open cache; new embeddings are committed every second, and when it is closed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take an open database; ``EmbeddingCache.open`` opens one."""
        self._connection = connection
        self._committed = time.monotonic()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open a cache, and create it if it is missing.

        Raises:
            DataError: The cache cannot be used.
        """
        from filelock import FileLock

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite does not wait for another process that enables write-ahead logging as well.
            with FileLock(f"{path}.lock", timeout=30):
                connection = sqlite3.connect(path, timeout=60)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise DataError([f"the cache {path} cannot be used ({error})"]) from error
        try:
            yield cls(connection)
        finally:
            connection.commit()
            connection.close()

    def get(self, key: bytes) -> Vectors | None:
        """Return a cached ``(dim,)`` float32 embedding; None if there is none."""
        sql = "SELECT vector FROM vectors WHERE key = ?"
        row = self._connection.execute(sql, (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float32)

    def put(self, key: bytes, vector: Vectors) -> None:
        """Store a ``(dim,)`` float32 embedding."""
        row = (key, vector.tobytes())
        self._connection.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", row)
        if time.monotonic() - self._committed > _SECONDS_BETWEEN_COMMITS:
            self._connection.commit()
            self._committed = time.monotonic()
