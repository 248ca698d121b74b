"""SQLite store of tracks, tags and embeddings; everything else is derived from it.

Write-ahead logging: readers are never blocked, and a process that is killed at any moment leaves
what was committed.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tunespace.errors import LibraryError, NoLibraryError
from tunespace.files import is_below
from tunespace.library.store.base import FacetField
from tunespace.library.store.filter_sql import Condition, to_sql
from tunespace.library.store.filters import Filter
from tunespace.library.store.records import (
    FileRecord,
    Space,
    Track,
    TrackEmbedding,
    TrackWindows,
)
from tunespace.library.tags import Tags, split_genres, title_from_path
from tunespace.models import Model

SCHEMA_VERSION = 2
FILE = "library.db"

# SQLite takes a bounded number of parameters in one statement.
_IDS_AT_ONCE = 500
_FACET_COLUMNS: dict[FacetField, str] = {
    "genre": "genre",
    "artist": "artist",
    "decade": "year / 10 * 10",
    # Everything before the last slash of the path.
    "folder": "rtrim(CAST(path AS TEXT), replace(CAST(path AS TEXT), '/', ''))",
}

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,   -- name and hash of the model
    source TEXT NOT NULL,            -- name or folder to load it from
    dim INTEGER NOT NULL,
    config TEXT NOT NULL             -- front end, window, hop: what the vectors depend on
);
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never given again: clients and caches keep ids
    path BLOB NOT NULL UNIQUE,       -- bytes, since a name need not be UTF-8
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    content BLOB NOT NULL,           -- hash of the file, to recognise moved files
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
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces, vector BLOB NOT NULL,
    UNIQUE (track, space)   -- begins with the track: a track is deleted without a scan
);
CREATE TABLE windows (
    id INTEGER PRIMARY KEY, track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces, spans BLOB NOT NULL, vectors BLOB NOT NULL,
    UNIQUE (track, space)
);
CREATE VIRTUAL TABLE names USING fts5 (
    title, artist, album, tokenize = 'unicode61 remove_diacritics 2'
);
"""
_STATEMENTS = [statement.strip() for statement in _SCHEMA.split(";\n") if statement.strip()]


def sqlite_version() -> str:
    """Return the version of SQLite.

    Raises:
        LibraryError: SQLite has no FTS5.
    """
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE names USING fts5 (title)")
    except sqlite3.Error as error:
        raise LibraryError(
            "SQLite has no FTS5, which name search needs: use a Python that is built with it"
        ) from error
    finally:
        connection.close()
    return f"{sqlite3.sqlite_version} with FTS5"


class SqliteStore:
    """Store in the SQLite file of a library.

    Attributes:
        folder: Folder of the library.
    """

    def __init__(self, folder: Path, *, create: bool = True, any_thread: bool = False) -> None:
        """Open the file, or create it.

        Args:
            folder: Folder of the library.
            create: Whether to create a missing file.
            any_thread: Whether threads other than the current one may use the store, one at a time.

        Raises:
            NoLibraryError: The file is missing and must not be created.
            LibraryError: The file cannot be opened, is not a library, or is of a newer version.
        """
        self.folder = folder
        self._any_thread = any_thread
        path = folder / FILE
        if not create and not path.exists():
            raise NoLibraryError(
                f"there is no library in {folder}: run `tunespace index PATH` first"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A library on a read-only disk can be searched: no process can be writing to it.
            uri = path.absolute().as_uri()
            if path.exists() and not os.access(folder, os.W_OK):
                uri += "?mode=ro&immutable=1"
            self._connection = sqlite3.connect(
                uri,
                isolation_level=None,
                timeout=30,
                uri=True,
                check_same_thread=not any_thread,
            )
            self._connection.execute("PRAGMA foreign_keys = ON")
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._create()
            elif version == 1:
                self._migrate_from_1()
            elif version != SCHEMA_VERSION:
                raise LibraryError(
                    f"{path} was written by a newer tunespace (version {version}, this one reads "
                    f"{SCHEMA_VERSION}): update tunespace"
                )
            self._file = _file_number(path)
        except (sqlite3.Error, OSError) as error:
            raise LibraryError(f"{path} cannot be used as a library ({error})") from error

    @property
    def is_replaced(self) -> bool:
        """True if the file is not the one that was opened: it was deleted, or restored."""
        try:
            return self._file != _file_number(self.folder / FILE)
        except OSError:
            return True

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def reopen(self) -> Self:
        """Open the same file again: a connection belongs to one thread."""
        return type(self)(self.folder, create=False)

    def integrity_error(self) -> str:
        """Check the file and return what is damaged; empty if nothing is."""
        [(result,), *_] = self._select("PRAGMA quick_check")
        return "" if result == "ok" else str(result)

    @property
    def identity(self) -> str:
        """Random name of the library; empty for a library of version 1 that is read-only."""
        return str(self._meta("identity") or "")

    @property
    def generation(self) -> int:
        """Number of transactions that changed the library."""
        return int(self._meta("generation"))

    @property
    def revision(self) -> str:
        """Name of the current content: no other content has it, in this or another library."""
        sql = "SELECT value FROM meta WHERE key IN ('identity', 'generation', 'token') ORDER BY key"
        generation, *random = (str(value) for (value,) in self._select(sql))
        return "-".join((*random[:1], generation, *random[1:]))

    @property
    def active_space(self) -> Space | None:
        """Space that is searched; None before the first run of indexing."""
        row = self._connection.execute(
            "SELECT id, identity, source, dim FROM spaces "
            "WHERE id = (SELECT value FROM meta WHERE key = 'active_space')"
        ).fetchone()
        return Space(*row) if row else None

    @property
    def roots(self) -> list[str]:
        """Folders that were indexed, without those inside another one."""
        roots: list[str] = json.loads(self._meta("roots") or "[]")
        return roots

    @property
    def excluded(self) -> list[str]:
        """Exclude patterns of the last run of indexing."""
        patterns: list[str] = json.loads(self._meta("excluded") or "[]")
        return patterns

    def count(self, where: Filter | None = None) -> int:
        """Return the number of tracks, or of those that match a filter."""
        condition = _tracks_where(where)
        [(count,)] = self._select(
            f"SELECT count(*) FROM tracks WHERE {condition.sql}", condition.parameters
        )
        return int(count)

    def list_ids(self, where: Filter | None, start: int, limit: int) -> list[int]:
        """Return ids of matching tracks in ascending order, ``limit`` of them from ``start`` on."""
        condition = _tracks_where(where)
        rows = self._select(
            f"SELECT id FROM tracks WHERE {condition.sql} ORDER BY id LIMIT ? OFFSET ?",
            (*condition.parameters, limit, start),
        )
        return [id_ for (id_,) in rows]

    def matching_ids(
        self, where: Filter, among: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]:
        """Return ids of the tracks that match a filter, among some ids or all."""
        condition = _tracks_where(where)
        sql = f"SELECT group_concat(id) FROM tracks WHERE {condition.sql}"
        if among is not None:
            sql += f" AND id IN ({','.join(map(str, among.tolist()))})"
        [(joined,)] = self._select(sql, condition.parameters)
        return np.fromstring(joined or "", np.int64, sep=",")

    def tracks(self, ids: Sequence[int]) -> dict[int, Track]:
        """Return tracks by id; ids without a track are missing from the result."""
        tracks: dict[int, Track] = {}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            batch = [int(id_) for id_ in ids[start : start + _IDS_AT_ONCE]]
            rows = self._connection.execute(
                "SELECT id, path, seconds, title, artist, album, genre, year FROM tracks "
                f"WHERE reason IS NULL AND id IN ({_marks(batch)})",
                batch,
            )
            for id_, path, seconds, title, *rest in rows:
                name = os.fsdecode(path)
                tracks[id_] = Track(
                    id_, name, seconds or 0.0, title or title_from_path(name), *rest
                )
        return tracks

    def track_paths(self) -> list[str]:
        """Return the paths of all tracks."""
        rows = self._select("SELECT path FROM tracks WHERE reason IS NULL")
        return [os.fsdecode(path) for (path,) in rows]

    def path_bounds(self) -> tuple[str, str]:
        """Return the first and the last path in the order of bytes; empty if there is no track."""
        [(first, last)] = self._select(
            "SELECT min(path), max(path) FROM tracks WHERE reason IS NULL"
        )
        return os.fsdecode(first or b""), os.fsdecode(last or b"")

    def count_by(self, field: FacetField, where: Filter | None) -> list[tuple[str, int]]:
        """Return the values of a field with the number of matching tracks that have each."""
        condition = _tracks_where(where)
        rows = self._select(
            f"SELECT {_FACET_COLUMNS[field]}, count(*) FROM tracks "
            f"WHERE {condition.sql} GROUP BY 1",
            condition.parameters,
        )
        return [(str(value), count) for value, count in rows if value is not None]

    def genre_keys(self) -> list[tuple[int, list[str]]]:
        """Return id and normalised genres of each track that has a genre."""
        rows = self._select(
            "SELECT id, genre_key FROM tracks WHERE reason IS NULL AND length(genre_key) > 2"
        )
        return [(id_, keys.strip(",").split(",")) for id_, keys in rows]

    def id_of_path(self, path: str) -> int | None:
        """Return the id of the track with a real path; None if there is none."""
        rows = self._select(
            "SELECT id FROM tracks WHERE path = ? AND reason IS NULL", (os.fsencode(path),)
        )
        return rows[0][0] if rows else None

    def ids_below(self, folder: str) -> list[int]:
        """Return ids of the files, tracks or not, in a folder and its subfolders."""
        first = os.fsencode(os.path.join(folder, ""))
        rows = self._select(
            "SELECT id FROM tracks WHERE path >= ? AND path < ?",
            (first, first[:-1] + bytes([first[-1] + 1])),
        )
        return [id_ for (id_,) in rows]

    def ids_of_artists(self, keys: Iterable[str]) -> set[int]:
        """Return ids of the tracks of some artists, given as normalised names."""
        names = sorted(keys)
        rows = self._select(f"SELECT id FROM tracks WHERE artist_key IN ({_marks(names)})", names)
        return {id_ for (id_,) in rows}

    def ids_of_title(self, key: str, limit: int) -> set[int]:
        """Return ids of tracks with a normalised title."""
        rows = self._select("SELECT id FROM tracks WHERE title_key = ? LIMIT ?", (key, limit))
        return {id_ for (id_,) in rows}

    def ids_matching_names(
        self, words: Sequence[str], limit: int, *, ranked: bool = False
    ) -> list[int]:
        """Return ids of tracks that have all words in title, artist or album.

        Args:
            words: Words, without punctuation.
            limit: Maximum number of ids.
            ranked: Whether the best matches come first.
        """
        match = " ".join(f'"{word}"' for word in words)
        order = "ORDER BY rank " if ranked else ""
        rows = self._select(
            f"SELECT rowid FROM names WHERE names MATCH ? {order}LIMIT ?", (match, limit)
        )
        return [id_ for (id_,) in rows]

    def existing_artists(self, keys: Iterable[str]) -> set[str]:
        """Return those of some normalised artist names that the library has."""
        names = sorted(keys)
        rows = self._select(
            f"SELECT DISTINCT artist_key FROM tracks WHERE artist_key IN ({_marks(names)})", names
        )
        return {key for (key,) in rows}

    def windows(self, ids: Sequence[int], space: Space) -> dict[int, TrackWindows]:
        """Return the window embeddings of tracks by id."""
        rows = self._connection.execute(
            "SELECT track, spans, vectors FROM windows "
            f"WHERE space = ? AND track IN ({_marks(ids)})",
            (space.id, *ids),
        )
        return {
            track: TrackWindows(
                np.frombuffer(spans, np.float32).reshape(-1, 2),
                np.frombuffer(vectors, np.int8).reshape(-1, space.dim),
            )
            for track, spans, vectors in rows
        }

    def vectors(self, space: Space) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return ``(tracks,)`` ids, ascending, and ``(tracks, dim)`` embeddings of a space."""
        return self._read_vectors(
            space, "SELECT track, vector FROM vectors WHERE space = ? ORDER BY track", (space.id,)
        )

    def last_vector_id(self, space: Space) -> int:
        """Return the number of the embedding that was stored last; 0 if there is none."""
        [(number,)] = self._select("SELECT max(id) FROM vectors WHERE space = ?", (space.id,))
        return int(number or 0)

    def vectors_since(
        self, space: Space, vector_id: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], int]:
        """Return ids and embeddings stored after an embedding, and the number of all embeddings.

        The total is lower than expected if tracks were deleted.
        """
        ids, vectors = self._read_vectors(
            space,
            "SELECT track, vector FROM vectors WHERE space = ? AND id > ? ORDER BY track",
            (space.id, vector_id),
        )
        [(total,)] = self._select("SELECT count(*) FROM vectors WHERE space = ?", (space.id,))
        return ids, vectors, int(total)

    def failures(self) -> list[tuple[str, str]]:
        """Return path and reason of each file that could not be read."""
        rows = self._select(
            "SELECT path, reason FROM tracks WHERE reason IS NOT NULL ORDER BY path"
        )
        return [(os.fsdecode(path), reason) for path, reason in rows]

    def count_failures(self) -> int:
        """Return the number of files that could not be read."""
        [(count,)] = self._select("SELECT count(*) FROM tracks WHERE reason IS NOT NULL")
        return int(count)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction: everything within it is stored, or nothing.

        Raises:
            LibraryError: The disk is full or the file is not writable; nothing was changed.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute(
                    "UPDATE meta SET value = value + 1 WHERE key = 'generation'"
                )
                # A library that was restored reaches the same generation with other content.
                self._set_meta("token", os.urandom(8).hex())
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise LibraryError(
                f"{self.folder / FILE} cannot be written ({error}); earlier changes are kept"
            ) from error

    def file_records(self, space: Space) -> list[FileRecord]:
        """Return the record of every known file."""
        rows = self._connection.execute(
            "SELECT t.id, t.path, t.size, t.mtime_ns, t.content, t.reason, v.id IS NOT NULL "
            "FROM tracks t LEFT JOIN vectors v ON v.track = t.id AND v.space = ?",
            (space.id,),
        )
        return [FileRecord(id_, os.fsdecode(path), *rest) for id_, path, *rest in rows]

    def ensure_space(self, model: Model, source: str) -> Space:
        """Return the space of a model, created if the library has none."""
        self._connection.execute(
            "INSERT OR IGNORE INTO spaces (identity, source, dim, config) VALUES (?, ?, ?, ?)",
            (model.identity, source, model.dim, json.dumps(model.config.as_json())),
        )
        row = self._connection.execute(
            "SELECT id, identity, source, dim FROM spaces WHERE identity = ?", (model.identity,)
        ).fetchone()
        return Space(*row)

    def activate(self, space: Space) -> None:
        """Make a space the searched one, and delete all others."""
        execute = self._connection.execute
        self._set_meta("active_space", space.id)
        for table in ("vectors", "windows"):
            execute(f"DELETE FROM {table} WHERE space != ?", (space.id,))
        execute("DELETE FROM spaces WHERE id != ?", (space.id,))

    def add_roots(self, folders: Iterable[str]) -> None:
        """Add folders to ``roots``."""
        roots: list[str] = []
        for folder in sorted({*self.roots, *folders}, key=len):
            if folder not in roots and not any(is_below(folder, root) for root in roots):
                roots.append(folder)
        self.set_roots(roots)

    def set_roots(self, folders: Iterable[str]) -> None:
        """Replace ``roots``."""
        self._set_meta("roots", json.dumps(sorted(folders)))

    def set_excluded(self, patterns: Sequence[str]) -> None:
        """Replace ``excluded``."""
        self._set_meta("excluded", json.dumps(list(patterns)))

    def save_track(
        self, path: str, size: int, mtime_ns: int, embedding: TrackEmbedding, space: Space
    ) -> None:
        """Store a track, and replace what is stored under its path."""
        track = self._save_file(path, size, mtime_ns, embedding.content, embedding.seconds, None)
        self._save_tags(track, path, embedding.tags)
        quantized = np.rint(embedding.windows * 127).astype(np.int8)
        self._connection.execute(
            "INSERT OR REPLACE INTO vectors (track, space, vector) VALUES (?, ?, ?)",
            (track, space.id, embedding.vector.astype(np.float32).tobytes()),
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO windows (track, space, spans, vectors) VALUES (?, ?, ?, ?)",
            (track, space.id, embedding.spans.astype(np.float32).tobytes(), quantized.tobytes()),
        )

    def save_failure(
        self, path: str, size: int, mtime_ns: int, content: bytes, reason: str
    ) -> None:
        """Store why a file could not be read."""
        track = self._save_file(path, size, mtime_ns, content, None, reason)
        for table in ("vectors", "windows"):
            self._connection.execute(f"DELETE FROM {table} WHERE track = ?", (track,))
        self._connection.execute("DELETE FROM names WHERE rowid = ?", (track,))

    def move_track(self, id_: int, path: str, size: int, mtime_ns: int, tags: Tags) -> None:
        """Store a new path or modification time of a track whose content is unchanged."""
        # The path may be that of another record, such as a broken file that this one replaced.
        row = self._connection.execute(
            "SELECT id FROM tracks WHERE path = ? AND id != ?", (os.fsencode(path), id_)
        ).fetchone()
        if row is not None:
            self.remove_tracks(row)
        self._connection.execute(
            "UPDATE tracks SET path = ?, size = ?, mtime_ns = ? WHERE id = ?",
            (os.fsencode(path), size, mtime_ns, id_),
        )
        self._save_tags(id_, path, tags)

    def remove_tracks(self, ids: Iterable[int]) -> None:
        """Delete files, tracks or not."""
        rows = [(id_,) for id_ in ids]
        self._connection.executemany("DELETE FROM tracks WHERE id = ?", rows)
        self._connection.executemany("DELETE FROM names WHERE rowid = ?", rows)

    def _select(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def _read_vectors(
        self, space: Space, sql: str, parameters: tuple[int, ...]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        ids: list[int] = []
        blobs: list[bytes] = []
        for id_, blob in self._connection.execute(sql, parameters):
            ids.append(id_)
            blobs.append(blob)
        vectors = np.frombuffer(b"".join(blobs), np.float32).reshape(-1, space.dim)
        return np.array(ids, np.int64), vectors

    def _meta(self, key: str) -> Any:  # noqa: ANN401 - any SQLite value
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def _set_meta(self, key: str, value: object) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _create(self) -> None:
        from filelock import FileLock  # not needed by a search

        # SQLite does not wait for another process that enables write-ahead logging as well.
        with FileLock(self.folder / "create.lock", timeout=30):
            if self._connection.execute("PRAGMA user_version").fetchone()[0] != 0:
                return  # another process was first
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in _STATEMENTS:
                self._connection.execute(statement)
            self._set_meta("generation", 0)
            self._set_random_names()
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._connection.execute("COMMIT")

    def _set_random_names(self) -> None:
        self._set_meta("identity", os.urandom(8).hex())
        self._set_meta("token", os.urandom(8).hex())

    def _migrate_from_1(self) -> None:
        """Migrate a library of version 1: ids that are not given again, random names, indices.

        A library that is not writable is searched as it is.
        """
        from filelock import FileLock

        if not os.access(self.folder, os.W_OK):
            return
        execute = self._connection.execute
        with FileLock(self.folder / "create.lock", timeout=600):
            if execute("PRAGMA user_version").fetchone()[0] != 1:
                return  # another process was first
            execute("PRAGMA foreign_keys = OFF")  # without effect inside a transaction
            execute("BEGIN IMMEDIATE")
            try:
                # Each table is copied to one of the new form, as SQLite's documentation advises.
                for table in ("spaces", "tracks", "vectors"):
                    [new] = [s for s in _STATEMENTS if s.startswith(f"CREATE TABLE {table} ")]
                    execute(new.replace(f"CREATE TABLE {table} ", f"CREATE TABLE new_{table} ", 1))
                    execute(f"INSERT INTO new_{table} SELECT * FROM {table}")
                    execute(f"DROP TABLE {table}")
                    execute(f"ALTER TABLE new_{table} RENAME TO {table}")
                for statement in _STATEMENTS:
                    if statement.startswith("CREATE INDEX"):
                        execute(statement)
                execute("CREATE UNIQUE INDEX windows_track ON windows (track, space)")
                self._set_random_names()
                execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                execute("COMMIT")
            except BaseException:
                execute("ROLLBACK")
                raise
            execute("PRAGMA foreign_keys = ON")

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
        from tunespace.text.normalize import fold  # only indexing writes

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
                # Each genre between commas, so that a filter can match one as a whole.
                f",{','.join(map(fold, split_genres(tags.genre)))},",
                track,
            ),
        )
        self._connection.execute("DELETE FROM names WHERE rowid = ?", (track,))
        self._connection.execute(
            "INSERT INTO names (rowid, title, artist, album) VALUES (?, ?, ?, ?)",
            (track, tags.title or title_from_path(path), tags.artist, tags.album),
        )


def _file_number(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _tracks_where(where: Filter | None) -> Condition:
    if where is None:
        return Condition("reason IS NULL", ())
    condition = to_sql(where)
    return Condition(f"reason IS NULL AND {condition.sql}", condition.parameters)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
