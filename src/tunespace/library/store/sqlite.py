"""SQLite store of tracks, tags and embeddings; everything else is derived from it.

Write-ahead logging: readers are never blocked, and a process that is killed at any moment leaves
what was committed.
"""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tunespace.errors import LibraryError, NoLibraryError
from tunespace.files import is_below, is_writable
from tunespace.library.store.base import FacetField
from tunespace.library.store.filter_sql import Condition, path_key, to_sql
from tunespace.library.store.filters import Filter
from tunespace.library.store.records import (
    FileRecord,
    FileStamp,
    Space,
    Track,
    TrackEmbedding,
    TrackWindows,
)
from tunespace.library.store.schema import name_keys, prepare, set_meta
from tunespace.library.tags import Tags, title_from_path
from tunespace.models import Model

FILE = "library.db"

_TAG_NAMES = ("title", "artist", "album", "genre", "year", "recording_id", "artist_id")
# A disk may be away for a holiday.
_RETIRED_SECONDS = 60 * 24 * 3600
# SQLite takes a bounded number of parameters in one statement.
_IDS_AT_ONCE = 500
_FACET_COLUMNS: dict[FacetField, str] = {
    "genre": "genre",
    "artist": "artist",
    "decade": "year / 10 * 10",
    # Everything before the last slash of the path.
    "folder": "rtrim(CAST(path AS TEXT), replace(CAST(path AS TEXT), '/', ''))",
}


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
        self._copy: TemporaryDirectory[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = self._open(path)
            try:
                self._connection.execute("PRAGMA foreign_keys = ON")
                prepare(self._connection, path, is_writable=self._is_writable)
                self._file = self._file_state()
            except BaseException:
                self.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise LibraryError(
                f"{path} cannot be used as a library ({error}); `tunespace doctor --repair` "
                "recovers what can be read"
            ) from error

    def _open(self, path: Path) -> sqlite3.Connection:
        """Open the file, without writing to a folder that is not writable."""
        self._is_writable = not path.exists() or is_writable(self.folder)
        uri = path.absolute().as_uri()
        if self._is_writable:
            return self._connect(uri)
        log = path.with_name(f"{FILE}-wal")
        if not log.exists() or log.stat().st_size == 0:
            # No process is writing: SQLite needs none of the files that it cannot create.
            return self._connect(f"{uri}?mode=ro&immutable=1")
        connection = self._connect(f"{uri}?mode=ro")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.OperationalError:
            # A process was killed before it could merge its log; a copy may be merged.
            connection.close()
            self._copy = TemporaryDirectory(prefix="tunespace-library-")
            for source in (path, log):
                shutil.copy(source, self._copy.name)
            return self._connect((Path(self._copy.name) / FILE).as_uri())
        return connection

    def _connect(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri,
            isolation_level=None,
            timeout=30,
            uri=True,
            check_same_thread=not self._any_thread,
        )
        connection.create_function("path_key", 1, path_key, deterministic=True)
        return connection

    def _file_state(self) -> tuple[int, ...]:
        """Return what changes when the file is replaced, or when a read-only one is written."""
        path = self.folder / FILE
        status = path.stat()
        if self._is_writable:
            return status.st_dev, status.st_ino
        log = path.with_name(f"{FILE}-wal")
        try:
            logged = log.stat().st_mtime_ns
        except OSError:
            logged = 0
        return status.st_dev, status.st_ino, status.st_mtime_ns, logged

    @property
    def is_replaced(self) -> bool:
        """True if the data is not that which was opened.

        It was deleted, restored, or written to in a folder that this process may not write to.
        """
        try:
            return self._file != self._file_state()
        except OSError:
            return True

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        if self._copy is not None:
            self._copy.cleanup()

    def reopen(self) -> Self:
        """Open the same file again: a connection belongs to one thread."""
        return type(self)(self.folder, create=False)

    def integrity_error(self) -> str:
        """Check the file and return what is damaged; empty if nothing is."""
        try:
            [(result,), *_] = self._connection.execute("PRAGMA quick_check").fetchall()
        except sqlite3.Error as error:
            return str(error)
        if result != "ok":
            return str(result)
        damaged = len(self._damaged_embeddings())
        return f"{damaged:,} tracks have a damaged embedding" if damaged else ""

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
        rows = self._select(
            "SELECT id, identity, source, dim FROM spaces "
            "WHERE id = (SELECT value FROM meta WHERE key = 'active_space')"
        )
        return Space(*rows[0]) if rows else None

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

    @property
    def forgotten(self) -> list[str]:
        """Folders below the roots that are not indexed any more."""
        folders: list[str] = json.loads(self._meta("forgotten") or "[]")
        return folders

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
            rows = self._select(
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

    def ids_at(self, path: str) -> list[int]:
        """Return ids of the files, tracks or not, at a path: a file, or a folder with all below."""
        rows = self._select("SELECT id FROM tracks WHERE path = ?", (os.fsencode(path),))
        return [*(id_ for (id_,) in rows), *self.ids_below(path)]

    def tags(self, id_: int) -> Tags:
        """Return the tags of a track; empty for an unknown id."""
        rows = self._select(f"SELECT {', '.join(_TAG_NAMES)} FROM tracks WHERE id = ?", (id_,))
        return Tags(**dict(zip(_TAG_NAMES, rows[0], strict=True))) if rows else Tags()

    def total_seconds(self) -> float:
        """Return the length of all tracks in seconds."""
        [(seconds,)] = self._select("SELECT total(seconds) FROM tracks WHERE reason IS NULL")
        return float(seconds)

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
        rows = self._select(
            "SELECT track, spans, vectors FROM windows "
            f"WHERE space = ? AND track IN ({_marks(ids)})",
            (space.id, *ids),
        )
        if any(len(vectors) * 8 != len(spans) * space.dim for _, spans, vectors in rows):
            raise self._damage("the windows of a track have the wrong size")
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
        rows = self._select(
            "SELECT t.id, t.path, t.size, t.mtime_ns, t.ctime_ns, t.content, t.reason, "
            "v.id IS NOT NULL "
            "FROM tracks t LEFT JOIN vectors v ON v.track = t.id AND v.space = ?",
            (space.id,),
        )
        return [
            FileRecord(id_, os.fsdecode(path), FileStamp(size, mtime_ns, ctime_ns), *rest)
            for id_, path, size, mtime_ns, ctime_ns, *rest in rows
        ]

    def known_files(self) -> list[FileRecord]:
        """Return the record of every known file, in the active space."""
        space = self.active_space
        return self.file_records(space) if space is not None else []

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
        for table in ("vectors", "windows", "retired"):
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

    def set_forgotten(self, folders: Iterable[str]) -> None:
        """Replace ``forgotten``."""
        self._set_meta("forgotten", json.dumps(sorted(folders)))

    def save_track(
        self, path: str, stamp: FileStamp, embedding: TrackEmbedding, space: Space
    ) -> None:
        """Store a track, and replace what is stored under its path."""
        track = self._save_file(path, stamp, embedding.content, embedding.seconds, None)
        self.save_tags(track, path, embedding.tags)
        quantized = np.rint(embedding.windows * 127).astype(np.int8)
        self._save_vectors(
            track,
            space.id,
            embedding.vector.astype(np.float32).tobytes(),
            embedding.spans.astype(np.float32).tobytes(),
            quantized.tobytes(),
        )

    def save_failure(self, path: str, stamp: FileStamp, content: bytes, reason: str) -> None:
        """Store why a file could not be read."""
        track = self._save_file(path, stamp, content, None, reason)
        for table in ("vectors", "windows"):
            self._connection.execute(f"DELETE FROM {table} WHERE track = ?", (track,))
        self._connection.execute("DELETE FROM names WHERE rowid = ?", (track,))

    def move_track(self, id_: int, path: str, stamp: FileStamp) -> None:
        """Store a new path or new times of a track whose content is unchanged."""
        self._clear_path(path, id_)
        self._connection.execute(
            "UPDATE tracks SET path = ?, size = ?, mtime_ns = ?, ctime_ns = ? WHERE id = ?",
            (os.fsencode(path), stamp.size, stamp.mtime_ns, stamp.ctime_ns, id_),
        )
        [(title, artist, album)] = self._select(
            "SELECT title, artist, album FROM tracks WHERE id = ?", (id_,)
        )
        self._save_names(id_, title or title_from_path(path), artist, album)

    def remove_tracks(self, ids: Iterable[int]) -> None:
        """Delete files, tracks or not."""
        rows = [(id_,) for id_ in ids]
        self._connection.executemany("DELETE FROM tracks WHERE id = ?", rows)
        self._connection.executemany("DELETE FROM names WHERE rowid = ?", rows)

    def retire_tracks(self, ids: Iterable[int], space: Space) -> None:
        """Remove tracks, and keep their embeddings for a while in case their files come back."""
        now = int(time.time())
        rows = [(now, id_, space.id) for id_ in ids]
        self._connection.executemany(
            "INSERT OR REPLACE INTO retired SELECT t.id, ?, t.size, t.content, "
            "t.seconds, json_array(title, artist, album, genre, year, recording_id, artist_id), "
            "v.space, v.vector, w.spans, w.vectors FROM tracks t "
            "JOIN vectors v ON v.track = t.id JOIN windows w ON w.track = t.id "
            "AND w.space = v.space WHERE t.id = ? AND v.space = ? AND t.reason IS NULL",
            rows,
        )
        self.remove_tracks(id_ for _, id_, _ in rows)
        self._connection.execute(
            "DELETE FROM retired WHERE retired_at < ?", (now - _RETIRED_SECONDS,)
        )

    def retired_records(self, space: Space) -> list[FileRecord]:
        """Return the records of retired tracks that have an embedding in a space."""
        rows = self._select("SELECT id, size, content FROM retired WHERE space = ?", (space.id,))
        return [
            FileRecord(id_, "", FileStamp(size, 0), content, None, embedded=True)
            for id_, size, content in rows
        ]

    def restore_track(self, id_: int, path: str, stamp: FileStamp) -> None:
        """Make a track of a retired one, under the same id, whose content is at a path again."""
        [(content, seconds, tags, *embedding)] = self._select(
            "SELECT content, seconds, tags, space, vector, spans, windows FROM retired "
            "WHERE id = ?",
            (id_,),
        )
        self._clear_path(path, id_)
        self._save_file(path, stamp, content, seconds, None, id_=id_)
        self.save_tags(id_, path, Tags(**dict(zip(_TAG_NAMES, json.loads(tags), strict=True))))
        space, vector, spans, windows = embedding
        self._save_vectors(id_, space, vector, spans, windows)
        self._connection.execute("DELETE FROM retired WHERE id = ?", (id_,))

    def _save_vectors(
        self, track: int, space: int, vector: bytes, spans: bytes, windows: bytes
    ) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO vectors (track, space, vector) VALUES (?, ?, ?)",
            (track, space, vector),
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO windows (track, space, spans, vectors) VALUES (?, ?, ?, ?)",
            (track, space, spans, windows),
        )

    def remove_damaged_embeddings(self) -> int:
        """Delete embeddings that are not of their space; the next run makes them again.

        Returns:
            Number of tracks whose embedding was deleted.
        """
        tracks = self._damaged_embeddings()
        for table in ("vectors", "windows"):
            self._connection.executemany(
                f"DELETE FROM {table} WHERE track = ?", [(track,) for track in tracks]
            )
        return len(tracks)

    def _damaged_embeddings(self) -> set[int]:
        """Return ids of tracks whose embedding has the wrong size, or is not finite."""
        # All spaces: the active one may be lost, or become active by the next run.
        spaces = self._select("SELECT id, dim FROM spaces")
        return {track for space, dim in spaces for track in self._damaged_in(space, dim)}

    def _damaged_in(self, space: int, dim: int) -> set[int]:
        # A window has `dim` bytes and two numbers of four.
        rows = self._select(
            "SELECT track FROM windows WHERE space = ?1 AND (length(vectors) % ?2 != 0 "
            "OR length(spans) * ?2 != length(vectors) * 8)",
            (space, dim),
        )
        damaged = {track for (track,) in rows}
        rows = self._select(
            "SELECT track FROM vectors v WHERE space = ?1 AND NOT EXISTS "
            "(SELECT 1 FROM windows w WHERE w.track = v.track AND w.space = ?1)",
            (space,),
        )
        damaged.update(track for (track,) in rows)
        sql = "SELECT track, vector FROM vectors WHERE space = ?"
        for track, blob in self._connection.execute(sql, (space,)):
            if len(blob) != 4 * dim or not np.isfinite(np.frombuffer(blob, np.float32)).all():
                damaged.add(track)
        return damaged

    def _select(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._reading():
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Raise one clear error for data that cannot be read."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._damage(str(error)) from error

    def _damage(self, what: str) -> LibraryError:
        return LibraryError(
            f"{self.folder / FILE} is damaged ({what}): `tunespace doctor --repair` recovers what "
            "can be read"
        )

    def _read_vectors(
        self, space: Space, sql: str, parameters: tuple[int, ...]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        ids: list[int] = []
        blobs: list[bytes] = []
        with self._reading():
            for id_, blob in self._connection.execute(sql, parameters):
                ids.append(id_)
                blobs.append(blob)
        if any(len(blob) != 4 * space.dim for blob in blobs):
            raise self._damage("an embedding has the wrong size")
        vectors = np.frombuffer(b"".join(blobs), np.float32).reshape(-1, space.dim)
        return np.array(ids, np.int64), vectors

    def _meta(self, key: str) -> Any:  # noqa: ANN401 - any SQLite value
        rows = self._select("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def _set_meta(self, key: str, value: object) -> None:
        set_meta(self._connection, key, value)

    def _clear_path(self, path: str, id_: int) -> None:
        """Delete the record of a path that another has now, such as that of a broken file."""
        rows = self._select(
            "SELECT id FROM tracks WHERE path = ? AND id != ?", (os.fsencode(path), id_)
        )
        self.remove_tracks(other for (other,) in rows)

    def _save_file(
        self,
        path: str,
        stamp: FileStamp,
        content: bytes,
        seconds: float | None,
        reason: str | None,
        *,
        id_: int | None = None,
    ) -> int:
        row = self._connection.execute(
            "INSERT INTO tracks (id, path, size, mtime_ns, ctime_ns, content, seconds, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET "
            "size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, "
            "content = excluded.content, seconds = excluded.seconds, reason = excluded.reason "
            "RETURNING id",
            (
                id_,
                os.fsencode(path),
                stamp.size,
                stamp.mtime_ns,
                stamp.ctime_ns,
                content,
                seconds,
                reason,
            ),
        ).fetchone()
        return int(row[0])

    def save_tags(self, id_: int, path: str, tags: Tags) -> None:
        """Store the tags of a track."""
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
                *name_keys(tags.title, tags.artist, tags.album, tags.genre),
                id_,
            ),
        )
        self._save_names(id_, tags.title or title_from_path(path), tags.artist, tags.album)

    def _save_names(self, track: int, title: str, artist: str, album: str) -> None:
        self._connection.execute("DELETE FROM names WHERE rowid = ?", (track,))
        self._connection.execute(
            "INSERT INTO names (rowid, title, artist, album) VALUES (?, ?, ?, ?)",
            (track, title, artist, album),
        )


def _tracks_where(where: Filter | None) -> Condition:
    if where is None:
        return Condition("reason IS NULL", ())
    condition = to_sql(where)
    return Condition(f"reason IS NULL AND {condition.sql}", condition.parameters)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
