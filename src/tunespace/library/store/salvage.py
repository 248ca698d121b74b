"""Recover what can be read of a damaged SQLite file of a library into a new one."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunespace.library.store.schema import prepare, set_meta, set_random_names
from tunespace.library.tags import title_from_path

_FILES = ("library.db", "library.db-wal", "library.db-shm")
# In this order: rows refer to those of earlier tables.
_TABLES = ("spaces", "tracks", "vectors", "windows", "retired")
_META = ("generation", "active_space", "roots", "excluded", "forgotten")
_NEW = ".library.db.new"
# No row is smaller, so that ids of a file whose largest one cannot be read have a bound.
_SMALLEST_ROW = 50


@dataclass(frozen=True)
class Salvage:
    """Result of the recovery of a damaged file.

    Attributes:
        tracks: Number of tracks that were recovered.
        lost_rows: Number of rows that could not be read.
        damaged: Folder with the damaged files.
    """

    tracks: int
    lost_rows: int
    damaged: Path


def salvage(folder: Path) -> Salvage:
    """Replace the file of a library by a new one with all rows that can be read.

    Args:
        folder: Folder of the library.

    Raises:
        OSError: The folder is not writable.
    """
    path, new = folder / _FILES[0], folder / _NEW
    for old in folder.glob(f"{_NEW}*"):
        old.unlink()
    lost = 0
    with closing(sqlite3.connect(new, isolation_level=None)) as target:
        prepare(target, new, is_writable=True)
        # An embedding whose model is lost must not become one of the next model.
        target.execute("PRAGMA foreign_keys = ON")
        with closing(sqlite3.connect(path, isolation_level=None)) as source:
            target.execute("BEGIN IMMEDIATE")
            _copy_meta(source, target)
            for table in _TABLES:
                lost += _copy_table(source, target, table)
            target.execute("DELETE FROM retired WHERE space NOT IN (SELECT id FROM spaces)")
            _write_names(target)
            set_random_names(target)
            target.execute("COMMIT")
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(tracks,)] = target.execute("SELECT count(*) FROM tracks WHERE reason IS NULL").fetchall()
    damaged = folder / f"damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    damaged.mkdir(exist_ok=True)
    for name in _FILES:
        with suppress(FileNotFoundError):
            (folder / name).replace(damaged / name)
    new.replace(path)
    for rest in folder.glob(f"{_NEW}*"):
        rest.unlink()
    return Salvage(int(tracks), lost, damaged)


def _copy_meta(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    for key in _META:
        with suppress(sqlite3.Error):
            row = source.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            if row is not None:
                set_meta(target, key, row[0])


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    """Copy the rows of a table that can be read and are valid; return the number of the others."""
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})").fetchall()]
    try:
        known = {row[1] for row in source.execute(f"PRAGMA table_info({table})").fetchall()}
    except sqlite3.Error:
        return 0
    columns = [column for column in columns if column in known]
    if not columns:
        return 0
    names = ", ".join(columns)
    insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
    lost = 0
    for row in _rows(source, table, names):
        if row is None:
            lost += 1
            continue
        try:
            target.execute(insert, row)
        except sqlite3.Error:  # refers to a lost row, or is no row of ours
            lost += 1
    return lost


def _rows(source: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[Any, ...] | None]:
    """Yield the rows of a table in the order of ids; None for one that cannot be read."""
    for id_ in range(1, _largest_id(source, table) + 1):
        try:
            row = source.execute(f"SELECT {names} FROM {table} WHERE id = ?", (id_,)).fetchone()
        except sqlite3.Error:
            yield None
        else:
            if row is not None:
                yield row


def _largest_id(source: sqlite3.Connection, table: str) -> int:
    for sql, values in (
        (f"SELECT max(id) FROM {table}", ()),
        ("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)),
    ):
        with suppress(sqlite3.Error):
            row = source.execute(sql, values).fetchone()
            return int(row[0] or 0) if row else 0
    [(_, _, path)] = source.execute("PRAGMA database_list").fetchall()
    return Path(path).stat().st_size // _SMALLEST_ROW


def _write_names(target: sqlite3.Connection) -> None:
    rows = target.execute(
        "SELECT id, path, title, artist, album FROM tracks WHERE reason IS NULL"
    ).fetchall()
    target.executemany(
        "INSERT INTO names (rowid, title, artist, album) VALUES (?, ?, ?, ?)",
        (
            (id_, title or title_from_path(os.fsdecode(path)), artist, album)
            for id_, path, title, artist, album in rows
        ),
    )
