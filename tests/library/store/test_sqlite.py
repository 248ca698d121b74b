import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import tiny_model
from tunespace.errors import LibraryError
from tunespace.library import Library
from tunespace.library.search.filter_parser import parse_filter
from tunespace.library.store import sqlite
from tunespace.library.store.records import FileStamp, Space, TrackEmbedding
from tunespace.library.store.sqlite import SqliteStore
from tunespace.library.tags import Tags
from tunespace.models import Model, load_model

# The schema of version 1, as it was released.
VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
    dim INTEGER NOT NULL, config TEXT NOT NULL
);
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, content BLOB NOT NULL, seconds REAL, reason TEXT,
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
INSERT INTO meta VALUES ('generation', 1);
PRAGMA user_version = 1;
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(tiny_model.make(tmp_path_factory.mktemp("model")))


@pytest.fixture
def store(tmp_path: Path, model: Model) -> SqliteStore:
    return open_store(tmp_path / "library", model)


def open_store(folder: Path, model: Model) -> SqliteStore:
    store = SqliteStore(folder)
    with store.writing():
        store.activate(store.ensure_space(model, ""))
    return store


def space_of(store: SqliteStore) -> Space:
    assert store.active_space is not None
    return store.active_space


def save(store: SqliteStore, name: str, angle: float = 0.0) -> int:
    """Store a track, and return its id."""
    vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
    spans = np.array([[0, 10]], np.float32)
    embedding = TrackEmbedding(name.encode(), 10.0, vector, spans, vector[None], Tags(title=name))
    with store.writing():
        store.save_track(f"/nowhere/{name}.mp3", FileStamp(1, 1), embedding, space_of(store))
    id_ = store.id_of_path(f"/nowhere/{name}.mp3")
    assert id_ is not None
    return id_


def test_ids_of_removed_tracks_and_vectors_are_not_given_again(store: SqliteStore) -> None:
    save(store, "one")
    removed = save(store, "two")
    last = store.last_vector_id(space_of(store))
    with store.writing():
        store.remove_tracks([removed])
    assert save(store, "three") > removed
    assert store.last_vector_id(space_of(store)) > last


def test_the_space_of_another_model_has_another_id(store: SqliteStore, tmp_path: Path) -> None:
    first = space_of(store)
    other = tmp_path / "other"
    tiny_model.make(other)
    tiny_model.write_config(other, name="other")
    with store.writing():
        store.activate(store.ensure_space(load_model(other), ""))
    with store.writing():
        third = store.ensure_space(load_model(shutil.copytree(other, tmp_path / "same")), "")
    assert first.id < space_of(store).id == third.id


def test_each_library_and_each_transaction_has_its_own_revision(
    store: SqliteStore, model: Model, tmp_path: Path
) -> None:
    other = open_store(tmp_path / "other", model)
    assert other.generation == store.generation
    assert other.identity != store.identity
    before = store.revision
    save(store, "one")
    assert len({before, store.revision, other.revision}) == 3
    assert store.revision.startswith(f"{store.identity}-{store.generation}-")


def test_a_restored_library_that_goes_on_has_another_revision(
    store: SqliteStore, tmp_path: Path
) -> None:
    save(store, "one")
    backup = tmp_path / "backup"
    backup.mkdir()
    with sqlite3.connect(backup / sqlite.FILE) as copy:
        store._connection.backup(copy)  # noqa: SLF001
    save(store, "two")
    restored = SqliteStore(backup)
    save(restored, "three")
    assert restored.identity == store.identity
    assert restored.generation == store.generation
    assert restored.revision != store.revision


def test_a_library_of_version_1_is_migrated(tmp_path: Path, model: Model) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    with sqlite3.connect(folder / sqlite.FILE) as old:
        old.executescript(VERSION_1)
        old.execute(
            "INSERT INTO spaces VALUES (1, ?, '', 2, '{}')",
            (model.identity,),
        )
        old.execute("INSERT INTO meta VALUES ('active_space', 1)")
        for number in (1, 7):
            vector = np.array([1, number], np.float32).tobytes()
            old.execute(
                "INSERT INTO tracks (id, path, size, mtime_ns, content, title) "
                "VALUES (?, ?, 1, 1, x'00', ?)",
                (number, f"/nowhere/{number}.mp3".encode(), f"track {number}"),
            )
            old.execute("INSERT INTO vectors VALUES (?, ?, 1, ?)", (number, number, vector))
            old.execute("INSERT INTO windows VALUES (?, ?, 1, x'', x'')", (number, number))
            old.execute("INSERT INTO names (rowid, title) VALUES (?, ?)", (number, "track"))
    old.close()

    store = SqliteStore(folder)
    assert store.identity
    ids, vectors = store.vectors(space_of(store))
    assert ids.tolist() == [1, 7]
    assert vectors.tolist() == [[1, 1], [1, 7]]
    assert store.tracks([7])[7].title == "track 7"
    assert store.ids_matching_names(["track"], 5) == [1, 7]
    with store.writing():
        store.remove_tracks([7])
    assert save(store, "new") == 8
    assert not store.integrity_error()
    assert store._select("PRAGMA foreign_key_check") == []  # noqa: SLF001
    again = SqliteStore(folder)
    assert again.identity == store.identity


def plans(store: SqliteStore) -> Callable[[], list[str]]:
    """Return a function that returns the query plans of all statements since."""
    statements: list[str] = []
    store._connection.set_trace_callback(statements.append)  # noqa: SLF001

    def explain() -> list[str]:
        store._connection.set_trace_callback(None)  # noqa: SLF001
        words = ("SELECT", "UPDATE", "DELETE")
        return [
            f"{statement}: {detail}"
            for statement in dict.fromkeys(statements)
            if statement.startswith(words)
            for *_, detail in store._connection.execute(f"EXPLAIN QUERY PLAN {statement}")  # noqa: SLF001
        ]

    return explain


def test_no_statement_of_one_track_scans_a_table(store: SqliteStore) -> None:
    save(store, "one")
    explain = plans(store)
    two = save(store, "two")
    with store.writing():
        store.save_failure("/nowhere/three.mp3", FileStamp(1, 1), b"x", "broken")
        store.move_track(two, "/nowhere/four.mp3", FileStamp(1, 1))
        store.remove_tracks([two])
    scans = [
        line
        for line in explain()
        if "SCAN" in line and not line.endswith(("SCAN meta", "VIRTUAL TABLE INDEX 0:="))
    ]
    assert not scans
    # The cascade of a deleted track looks its rows up in an index that begins with the track.
    for table in ("vectors", "windows"):
        lookup = f"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE track = 1"  # noqa: S608
        [(*_, detail)] = store._connection.execute(lookup)  # noqa: SLF001
        assert detail.startswith(f"SEARCH {table} USING")


def test_a_new_library_in_the_place_of_a_deleted_one_has_its_own_vectors(
    model: Model, tmp_path: Path
) -> None:
    folder = tmp_path / "library"
    for angle in (0.0, 1.0):
        store = open_store(folder, model)
        for name in ("one", "two"):
            save(store, name, angle)
        store.close()
        with Library.open(folder, model=model) as library:
            _, vectors = library.embeddings()
        np.testing.assert_allclose(vectors[0], [np.cos(angle), np.sin(angle)], atol=1e-6)
        for file in folder.glob(f"{sqlite.FILE}*"):
            file.unlink()


def test_the_database_of_another_program_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE songs (title TEXT)")
    other.commit()
    for version in (0, 1, 3, 7):
        other.execute(f"PRAGMA user_version = {version}")
        other.commit()
        before = path.read_bytes()
        with pytest.raises(LibraryError, match="another program"):
            SqliteStore(tmp_path)
        assert path.read_bytes() == before
    other.close()


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make folders appear as not writable, for the superuser as well."""
    monkeypatch.setattr(os, "access", lambda *_: False)


def save_without_merging(store: SqliteStore, name: str) -> None:
    """Store a track in the write-ahead log alone."""
    store._connection.execute("PRAGMA wal_autocheckpoint = 0")  # noqa: SLF001
    save(store, name)


def test_a_reader_of_a_folder_that_is_not_writable_sees_the_log(
    store: SqliteStore, request: pytest.FixtureRequest
) -> None:
    save(store, "one")
    save_without_merging(store, "two")
    request.getfixturevalue("read_only")
    with closing(SqliteStore(store.folder, create=False)) as reader:
        assert reader.count() == 2


def test_the_log_of_a_killed_run_is_read_from_a_read_only_folder(
    store: SqliteStore, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    save(store, "one")
    save_without_merging(store, "two")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("library.db", "library.db-wal"):  # the state after a kill, on another disk
        shutil.copy(store.folder / name, copy)
    files = {path.name: path.read_bytes() for path in copy.iterdir()}
    request.getfixturevalue("read_only")
    if os.geteuid() != 0:
        copy.chmod(0o500)
    with closing(SqliteStore(copy, create=False)) as reader:
        assert reader.count() == 2
    kept = {path.name: path.read_bytes() for path in copy.iterdir() if path.suffix != ".db-shm"}
    assert kept == files


def test_a_read_only_reader_notices_that_the_library_was_written(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, "one")
    store.close()
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        reader = SqliteStore(store.folder, create=False)
        states = [reader.is_replaced]
    with closing(SqliteStore(store.folder)) as writer:
        save(writer, "two")
        states.append(reader.is_replaced)
    assert states == [False, True]
    reader.close()


def test_a_library_of_version_2_is_migrated(store: SqliteStore) -> None:
    number = save(store, "!!!")
    store._connection.execute("ALTER TABLE tracks DROP COLUMN ctime_ns")  # noqa: SLF001
    store._connection.execute("DROP TABLE retired")  # noqa: SLF001
    store._connection.execute("UPDATE tracks SET title_key = ''")  # noqa: SLF001
    store._connection.execute("PRAGMA user_version = 2")  # noqa: SLF001
    identity = store.identity
    store.close()
    with closing(SqliteStore(store.folder)) as migrated:
        assert migrated.identity == identity
        assert list(migrated.tracks([number])) == [number]
        [record] = migrated.file_records(space_of(migrated))
        assert record.stamp == FileStamp(1, 1, 0)
        assert migrated.matching_ids(parse_filter('title = "!!!"')).tolist() == [number]
        assert migrated.retired_records(space_of(migrated)) == []


def test_retired_tracks_are_kept_for_sixty_days(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = save(store, "one", 0.1), save(store, "two", 0.2)
    space = space_of(store)
    _, vectors = store.vectors(space)
    now = time.time()
    with store.writing():
        store.retire_tracks([one], space)
    assert [record.id for record in store.retired_records(space)] == [one]
    assert list(store.tracks([one, two])) == [two]
    with store.writing():
        store.restore_track(one, "/elsewhere/one.mp3", FileStamp(1, 1))
    assert store.retired_records(space) == []
    restored = store.tracks([one])[one]
    assert (restored.title, restored.path) == ("one", "/elsewhere/one.mp3")
    np.testing.assert_array_equal(store.vectors(space)[1], vectors)
    with store.writing():
        store.retire_tracks([one], space)
    monkeypatch.setattr(time, "time", lambda: now + 61 * 24 * 3600)
    with store.writing():
        store.retire_tracks([two], space)
    assert [record.id for record in store.retired_records(space)] == [two]
