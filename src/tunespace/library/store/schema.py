"""Schema of the SQLite file of a library: creation, and migration from earlier versions."""

import os
import sqlite3
from pathlib import Path

from tunespace.errors import IncompatibleLibraryError, LibraryError

SCHEMA_VERSION = 3
# "tspc": other programs' databases are recognised, and never written to.
APPLICATION_ID = 0x74737063

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
    ctime_ns INTEGER NOT NULL DEFAULT 0,   -- of the metadata; 0 if unknown
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
CREATE TABLE retired (               -- removed tracks, in case their files come back
    id INTEGER PRIMARY KEY,          -- of the track
    retired_at INTEGER NOT NULL,     -- seconds since 1970
    size INTEGER NOT NULL, content BLOB NOT NULL, seconds REAL NOT NULL, tags TEXT NOT NULL,
    space INTEGER NOT NULL, vector BLOB NOT NULL, spans BLOB NOT NULL, windows BLOB NOT NULL
);
CREATE VIRTUAL TABLE names USING fts5 (
    title, artist, album, tokenize = 'unicode61 remove_diacritics 2'
);
"""
_STATEMENTS = [statement.strip() for statement in _SCHEMA.split(";\n") if statement.strip()]
_TABLES = frozenset({"meta", "spaces", "tracks", "vectors", "windows", "names"})


def prepare(connection: sqlite3.Connection, path: Path, *, is_writable: bool) -> None:
    """Create the schema in a new file, or migrate the file of an earlier version.

    A library of an earlier version that is not writable is used as it is.

    Args:
        connection: Connection to the file.
        path: Path of the file.
        is_writable: Whether the file may be written.

    Raises:
        IncompatibleLibraryError: The file is not a library, or of a newer version.
        LibraryError: The file is empty, and cannot be written.
    """
    # In one statement: another process may be creating the schema.
    [(version, names)] = connection.execute(
        "SELECT user_version, (SELECT group_concat(name) FROM sqlite_schema) "
        "FROM pragma_user_version"
    ).fetchall()
    tables = frozenset((names or "").split(",")) - {""}
    if not (tables >= _TABLES if version else not tables):
        raise IncompatibleLibraryError(
            f"{path} is a database of another program, not a library: choose another folder"
        )
    if version > SCHEMA_VERSION:
        raise IncompatibleLibraryError(
            f"{path} was written by a newer tunespace (version {version}, this one reads "
            f"{SCHEMA_VERSION}): update tunespace"
        )
    if version == SCHEMA_VERSION:
        return
    if not is_writable:
        if version == 0:
            raise LibraryError(f"{path} is empty, and cannot be written")
        return
    from filelock import FileLock  # not needed by a search

    # SQLite does not wait for another process that enables write-ahead logging as well.
    with FileLock(path.with_name("create.lock"), timeout=600):
        if _version(connection) == 0:
            _create(connection)
        if _version(connection) == 1:
            _migrate_from_1(connection)
        if _version(connection) == 2:
            _migrate_from_2(connection)


def name_keys(title: str, artist: str, album: str, genre: str) -> tuple[str, str, str, str]:
    """Return the normalised names of a track, as its columns hold them.

    Each genre stands between commas, so that a filter can match one as a whole.
    """
    from tunespace.library.tags import genre_keys  # not needed by a search
    from tunespace.text.normalize import fold_name

    return (
        fold_name(title),
        fold_name(artist),
        fold_name(album),
        f",{','.join(genre_keys(genre))},",
    )


def set_meta(connection: sqlite3.Connection, key: str, value: object) -> None:
    """Store a value under a key."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def set_random_names(connection: sqlite3.Connection) -> None:
    """Give the library an identity, and its content a revision, that no other one has."""
    set_meta(connection, "identity", os.urandom(8).hex())
    set_meta(connection, "token", os.urandom(8).hex())


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _STATEMENTS:
        connection.execute(statement)
    set_meta(connection, "generation", 0)
    set_random_names(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _migrate_from_1(connection: sqlite3.Connection) -> None:
    """Migrate to version 2: ids that are not given again, random names, indices."""
    execute = connection.execute
    execute("PRAGMA foreign_keys = OFF")  # without effect inside a transaction
    execute("BEGIN IMMEDIATE")
    try:
        # Each table is copied to one of the new form, as SQLite's documentation advises.
        for table in ("spaces", "tracks", "vectors"):
            [new] = [s for s in _STATEMENTS if s.startswith(f"CREATE TABLE {table} ")]
            execute(new.replace(f"CREATE TABLE {table} ", f"CREATE TABLE new_{table} ", 1))
            names = [row[1] for row in execute(f"PRAGMA table_info({table})").fetchall()]
            columns = ", ".join(names)
            execute(f"INSERT INTO new_{table} ({columns}) SELECT {columns} FROM {table}")
            execute(f"DROP TABLE {table}")
            execute(f"ALTER TABLE new_{table} RENAME TO {table}")
        for statement in _STATEMENTS:
            if statement.startswith(("CREATE INDEX", "CREATE TABLE retired")):
                execute(statement)
        _rewrite_keys(connection)
        execute("CREATE UNIQUE INDEX windows_track ON windows (track, space)")
        set_random_names(connection)
        execute(f"PRAGMA application_id = {APPLICATION_ID}")
        execute("PRAGMA user_version = 3")  # the new tables have the columns of version 3, too
        execute("COMMIT")
    except BaseException:
        execute("ROLLBACK")
        raise
    execute("PRAGMA foreign_keys = ON")


def _migrate_from_2(connection: sqlite3.Connection) -> None:
    """Migrate to version 3: times of changes of metadata, and retired tracks."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("ALTER TABLE tracks ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0")
        [retired] = [s for s in _STATEMENTS if s.startswith("CREATE TABLE retired")]
        connection.execute(retired)
        _rewrite_keys(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 3")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _rewrite_keys(connection: sqlite3.Connection) -> None:
    """Rewrite the normalised names: version 3 has keys of names without letters, such as "!!!"."""
    rows = connection.execute("SELECT id, title, artist, album, genre FROM tracks").fetchall()
    connection.executemany(
        "UPDATE tracks SET title_key = ?, artist_key = ?, album_key = ?, genre_key = ? "
        "WHERE id = ?",
        ((*name_keys(*names), id_) for id_, *names in rows),
    )
