"""The truth about a library, in one SQLite file.

Write-ahead logging: readers are never blocked, and a kill at any moment leaves what was committed.
A library knows its spaces: vectors of two models never meet in one matrix.
"""

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tunespace.errors import LibraryError
from tunespace.library.tags import Tags, title_from_path
from tunespace.models import Model
from tunespace.text.normalize import fold

SCHEMA_VERSION = 1
FILE = "library.db"

GENRE_BOUNDARY = re.compile(r"[,;/]")

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,   -- name and hash of the model
    source TEXT NOT NULL,            -- what to load it by
    dim INTEGER NOT NULL,
    config TEXT NOT NULL             -- front end, window, hop: all that the vectors depend on
);
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,       -- bytes, since a name need not be UTF-8
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    content BLOB NOT NULL,           -- hash of the file; finds moved files and duplicates
    seconds REAL,
    reason TEXT,                     -- why it could not be read; null for a track
    title TEXT NOT NULL DEFAULT '', artist TEXT NOT NULL DEFAULT '',
    album TEXT NOT NULL DEFAULT '', genre TEXT NOT NULL DEFAULT '', year INTEGER,
    recording_id TEXT NOT NULL DEFAULT '', artist_id TEXT NOT NULL DEFAULT '',
    title_key TEXT NOT NULL DEFAULT '', artist_key TEXT NOT NULL DEFAULT '',
    album_key TEXT NOT NULL DEFAULT '', genre_key TEXT NOT NULL DEFAULT ''
);
CREATE INDEX tracks_artist ON tracks (artist_key);
CREATE INDEX tracks_title ON tracks (title_key);
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY, track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces, vector BLOB NOT NULL, UNIQUE (space, track)
);
CREATE TABLE windows (
    id INTEGER PRIMARY KEY, track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces, spans BLOB NOT NULL, vectors BLOB NOT NULL,
    UNIQUE (space, track)
);
CREATE VIRTUAL TABLE names USING fts5 (
    title, artist, album, tokenize = 'unicode61 remove_diacritics 2'
);
"""


@dataclass(frozen=True)
class Space:
    """A space that vectors of the library lie in."""

    id: int
    identity: str
    source: str
    dim: int


@dataclass(frozen=True)
class Track:
    """A track of a library.

    Attributes:
        id: Within the library.
        path: Of its file.
        seconds: Its length.
        title: From its tags, or the name of its file.
        artist: Empty where it has none; so are album and genre.
        album: That it is on.
        genre: As its tags have it.
        year: Of its release.
    """

    id: int
    path: str
    seconds: float
    title: str
    artist: str
    album: str
    genre: str
    year: int | None


@dataclass(frozen=True)
class FileRecord:
    """What the store knows about a file, music or not."""

    id: int
    path: str
    size: int
    mtime_ns: int
    content: bytes
    reason: str | None
    embedded: bool


@dataclass(frozen=True)
class TrackEmbedding:
    """What was heard in a file.

    Attributes:
        content: Hash of the file.
        seconds: Its length.
        vector: ``(dim,)`` float32, unit length.
        spans: ``(windows, 2)`` float32, start and end in seconds.
        windows: ``(windows, dim)`` float32, unit rows.
        tags: What the file says about itself.
    """

    content: bytes
    seconds: float
    vector: npt.NDArray[np.float32]
    spans: npt.NDArray[np.float32]
    windows: npt.NDArray[np.float32]
    tags: Tags


@dataclass(frozen=True)
class TrackWindows:
    """The windows of a track.

    Attributes:
        spans: ``(windows, 2)`` float32, start and end in seconds.
        vectors: ``(windows, dim)`` int8, unit rows times 127.
    """

    spans: npt.NDArray[np.float32]
    vectors: npt.NDArray[np.int8]


class Store:
    """The SQLite file of a library."""

    def __init__(self, folder: Path, *, create: bool = True, any_thread: bool = False) -> None:
        """Opens the file, or makes it.

        Args:
            folder: Of the library.
            create: Whether it is made when it is missing.
            any_thread: Whether other threads than this one may use it, one at a time.

        Raises:
            LibraryError: It cannot be opened, is no library, or of a newer version.
        """
        self.folder = folder
        path = folder / FILE
        if not create and not path.exists():
            raise LibraryError(f"there is no library in {folder}: run `tunespace index PATH` first")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A library on a read-only disk can be searched: nobody can be writing to it.
            place = path.absolute().as_uri()
            if path.exists() and not os.access(folder, os.W_OK):
                place += "?mode=ro&immutable=1"
            self._connection = sqlite3.connect(
                place,
                isolation_level=None,
                timeout=30,
                uri=True,
                check_same_thread=not any_thread,
            )
            self._connection.execute("PRAGMA foreign_keys = ON")
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._create()
            elif version != SCHEMA_VERSION:
                raise LibraryError(
                    f"{path} was written by a newer tunespace (version {version}, this one reads "
                    f"{SCHEMA_VERSION}): update tunespace"
                )
        except (sqlite3.Error, OSError) as error:
            raise LibraryError(f"{path} cannot be used as a library ({error})") from error

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all of it is kept, or nothing.

        Raises:
            LibraryError: The disk is full or the file cannot be written; nothing was changed.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute(
                    "UPDATE meta SET value = value + 1 WHERE key = 'generation'"
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise LibraryError(
                f"{self.folder / FILE} cannot be written ({error}); what was stored before is kept"
            ) from error

    @property
    def generation(self) -> int:
        """Counts the transactions that changed the library."""
        return int(self._meta("generation"))

    @property
    def active_space(self) -> Space | None:
        """The space that is searched; none before the first track."""
        row = self._connection.execute(
            "SELECT id, identity, source, dim FROM spaces "
            "WHERE id = (SELECT value FROM meta WHERE key = 'active_space')"
        ).fetchone()
        return Space(*row) if row else None

    def ensure_space(self, model: Model, source: str) -> Space:
        """The space of a model, made where the library has none; within ``writing``."""
        self._connection.execute(
            "INSERT OR IGNORE INTO spaces (identity, source, dim, config) VALUES (?, ?, ?, ?)",
            (model.identity, source, model.dim, json.dumps(model.config.as_json())),
        )
        row = self._connection.execute(
            "SELECT id, identity, source, dim FROM spaces WHERE identity = ?", (model.identity,)
        ).fetchone()
        return Space(*row)

    def activate(self, space: Space) -> None:
        """Searches go to this space from now on, others are dropped; within ``writing``."""
        execute = self._connection.execute
        execute("INSERT OR REPLACE INTO meta VALUES ('active_space', ?)", (space.id,))
        for table in ("vectors", "windows"):
            execute(f"DELETE FROM {table} WHERE space != ?", (space.id,))
        execute("DELETE FROM spaces WHERE id != ?", (space.id,))

    @property
    def roots(self) -> list[str]:
        """The folders that were indexed, without those that lie in others of them."""
        found: list[str] = json.loads(self._meta("roots") or "[]")
        return found

    def add_roots(self, folders: Iterable[str]) -> None:
        """Adds folders to those that were indexed; within ``writing``."""
        all_ = sorted({*self.roots, *folders}, key=len)
        kept: list[str] = []
        for folder in all_:
            if not any(os.path.join(folder, "").startswith(os.path.join(k, "")) for k in kept):
                kept.append(folder)
        self._connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('roots', ?)", (json.dumps(sorted(kept)),)
        )

    @property
    def excluded(self) -> list[str]:
        """Patterns of what is left out."""
        found: list[str] = json.loads(self._meta("excluded") or "[]")
        return found

    def set_excluded(self, patterns: Sequence[str]) -> None:
        """Takes patterns in the place of those before; within ``writing``."""
        self._connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('excluded', ?)", (json.dumps(list(patterns)),)
        )

    def file_records(self, space: Space) -> list[FileRecord]:
        """Every file that the library knows."""
        found = self._connection.execute(
            "SELECT t.id, t.path, t.size, t.mtime_ns, t.content, t.reason, v.id IS NOT NULL "
            "FROM tracks t LEFT JOIN vectors v ON v.track = t.id AND v.space = ?",
            (space.id,),
        )
        return [FileRecord(id_, os.fsdecode(path), *rest) for id_, path, *rest in found]

    def save_track(
        self, path: str, size: int, mtime_ns: int, heard: TrackEmbedding, space: Space
    ) -> None:
        """Stores a track, in the place of what was known of this path; within ``writing``."""
        track = self._save_file(path, size, mtime_ns, heard.content, heard.seconds, None)
        self._save_tags(track, path, heard.tags)
        quantised = np.rint(heard.windows * 127).astype(np.int8)
        self._connection.execute(
            "INSERT OR REPLACE INTO vectors (track, space, vector) VALUES (?, ?, ?)",
            (track, space.id, heard.vector.astype(np.float32).tobytes()),
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO windows (track, space, spans, vectors) VALUES (?, ?, ?, ?)",
            (track, space.id, heard.spans.astype(np.float32).tobytes(), quantised.tobytes()),
        )

    def save_failure(
        self, path: str, size: int, mtime_ns: int, content: bytes, reason: str
    ) -> None:
        """Stores why a file could not be read; within ``writing``."""
        track = self._save_file(path, size, mtime_ns, content, None, reason)
        for table in ("vectors", "windows"):
            self._connection.execute(f"DELETE FROM {table} WHERE track = ?", (track,))
        self._connection.execute("DELETE FROM names WHERE rowid = ?", (track,))

    def move_track(self, track: int, path: str, size: int, mtime_ns: int, tags: Tags) -> None:
        """The same content under another name or date; within ``writing``."""
        # What was known of that name, such as a broken file that this one took the place of.
        row = self._connection.execute(
            "SELECT id FROM tracks WHERE path = ? AND id != ?", (os.fsencode(path), track)
        ).fetchone()
        if row is not None:
            self.remove_tracks(row)
        self._connection.execute(
            "UPDATE tracks SET path = ?, size = ?, mtime_ns = ? WHERE id = ?",
            (os.fsencode(path), size, mtime_ns, track),
        )
        self._save_tags(track, path, tags)

    def remove_tracks(self, tracks: Iterable[int]) -> None:
        """Forgets files; within ``writing``."""
        ids = [(track,) for track in tracks]
        self._connection.executemany("DELETE FROM tracks WHERE id = ?", ids)
        self._connection.executemany("DELETE FROM names WHERE rowid = ?", ids)

    def count(self) -> int:
        """Number of tracks that can be found."""
        row = self._connection.execute("SELECT count(*) FROM tracks WHERE reason IS NULL")
        return int(row.fetchone()[0])

    def failures(self) -> list[tuple[str, str]]:
        """Path and reason of each file that could not be read."""
        found = self._connection.execute(
            "SELECT path, reason FROM tracks WHERE reason IS NOT NULL ORDER BY path"
        )
        return [(os.fsdecode(path), reason) for path, reason in found]

    def tracks(self, ids: Sequence[int]) -> dict[int, Track]:
        """Tracks by id; a file that could not be read is none."""
        found: dict[int, Track] = {}
        for start in range(0, len(ids), 500):
            some = [int(id_) for id_ in ids[start : start + 500]]
            marks = ",".join("?" * len(some))
            rows = self._connection.execute(
                "SELECT id, path, seconds, title, artist, album, genre, year FROM tracks "
                f"WHERE reason IS NULL AND id IN ({marks})",
                some,
            )
            for id_, path, seconds, title, *rest in rows:
                name = os.fsdecode(path)
                found[id_] = Track(id_, name, seconds or 0.0, title or title_from_path(name), *rest)
        return found

    def windows(self, tracks: Sequence[int], space: Space) -> dict[int, TrackWindows]:
        """The windows of some tracks."""
        marks = ",".join("?" * len(tracks))
        rows = self._connection.execute(
            f"SELECT track, spans, vectors FROM windows WHERE space = ? AND track IN ({marks})",
            (space.id, *tracks),
        )
        return {
            track: TrackWindows(
                np.frombuffer(spans, np.float32).reshape(-1, 2),
                np.frombuffer(vectors, np.int8).reshape(-1, space.dim),
            )
            for track, spans, vectors in rows
        }

    def vectors(self, space: Space) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """``(tracks,)`` ids and ``(tracks, dim)`` vectors of a whole space, in the order of ids."""
        ids: list[int] = []
        blobs: list[bytes] = []
        for id_, blob in self._connection.execute(
            "SELECT track, vector FROM vectors WHERE space = ? ORDER BY track", (space.id,)
        ):
            ids.append(id_)
            blobs.append(blob)
        vectors = np.frombuffer(b"".join(blobs), np.float32).reshape(-1, space.dim)
        return np.array(ids, np.int64), vectors

    def newest(self, space: Space) -> int:
        """The number of the vector that was stored last, 0 where there is none."""
        row = self._connection.execute(
            "SELECT max(id) FROM vectors WHERE space = ?", (space.id,)
        ).fetchone()
        return int(row[0] or 0)

    def vectors_since(self, space: Space, newest: int) -> tuple[list[int], list[bytes], int]:
        """Ids and vectors of tracks, in the order of ids, that were stored after a vector.

        The third is how many tracks have vectors in all: fewer than one would think where some were
        removed.
        """
        rows = self._connection.execute(
            "SELECT track, vector FROM vectors WHERE space = ? AND id > ? ORDER BY track",
            (space.id, newest),
        ).fetchall()
        [(total,)] = self.select("SELECT count(*) FROM vectors WHERE space = ?", (space.id,))
        return [id_ for id_, _ in rows], [blob for _, blob in rows], total

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Reads whatever a search needs; ``sql`` is never built from what a user typed."""
        return self._connection.execute(sql, parameters).fetchall()

    def _meta(self, key: str) -> Any:  # noqa: ANN401 - what SQLite holds
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def _create(self) -> None:
        from filelock import FileLock  # a search never needs it

        # SQLite does not wait for another process that turns write-ahead logging on as well.
        with FileLock(self.folder / "create.lock", timeout=30):
            if self._connection.execute("PRAGMA user_version").fetchone()[0] != 0:
                return  # another process has made it meanwhile
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA.split(";\n"):
                self._connection.execute(statement)
            self._connection.execute("INSERT INTO meta VALUES ('generation', 0)")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._connection.execute("COMMIT")

    def _save_file(
        self,
        path: str,
        size: int,
        mtime_ns: int,
        content: bytes,
        seconds: float | None,
        reason: str | None,
    ) -> int:
        row = self._connection.execute(
            "INSERT INTO tracks (path, size, mtime_ns, content, seconds, reason) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET size = excluded.size, "
            "mtime_ns = excluded.mtime_ns, content = excluded.content, "
            "seconds = excluded.seconds, reason = excluded.reason RETURNING id",
            (os.fsencode(path), size, mtime_ns, content, seconds, reason),
        ).fetchone()
        return int(row[0])

    def _save_tags(self, track: int, path: str, tags: Tags) -> None:
        self._connection.execute(
            "UPDATE tracks SET title = ?, artist = ?, album = ?, genre = ?, year = ?, "
            "recording_id = ?, artist_id = ?, title_key = ?, artist_key = ?, album_key = ?, "
            "genre_key = ? WHERE id = ?",
            (
                tags.title,
                tags.artist,
                tags.album,
                tags.genre,
                tags.year,
                tags.recording_id,
                tags.artist_id,
                fold(tags.title),
                fold(tags.artist),
                fold(tags.album),
                # Each of several genres between commas, so that one can be found as a whole.
                f",{','.join(map(fold, GENRE_BOUNDARY.split(tags.genre)))},",
                track,
            ),
        )
        self._connection.execute("DELETE FROM names WHERE rowid = ?", (track,))
        self._connection.execute(
            "INSERT INTO names (rowid, title, artist, album) VALUES (?, ?, ?, ?)",
            (track, tags.title or title_from_path(path), tags.artist, tags.album),
        )
