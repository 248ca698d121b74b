import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tunespace.errors import LibraryError, NoLibraryError
from tunespace.library import Library
from tunespace.library.repair import repair
from tunespace.library.store.salvage import salvage

Damage = Callable[[Path], None]


def execute(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "library.db")) as connection, connection:
        connection.execute(sql, values)


def overwrite(first: int, count: int) -> Damage:
    """Overwrite pages of the data."""

    def damage(folder: Path) -> None:
        path = folder / "library.db"
        content = bytearray(path.read_bytes())
        content[4096 * first : 4096 * (first + count)] = b"\xa5" * 4096 * count
        path.write_bytes(content)

    return damage


def truncate(part: float) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "library.db"
        content = path.read_bytes()
        path.write_bytes(content[: int(part * len(content))])

    return damage


def shorten_vector(folder: Path) -> None:
    execute(folder, "UPDATE vectors SET vector = x'00' WHERE track = 2")


def spoil_vector(folder: Path) -> None:
    nan = np.full(2, np.nan, np.float32).tobytes()
    execute(folder, "UPDATE vectors SET vector = ? WHERE track = 2", nan)


def shorten_windows(folder: Path) -> None:
    execute(folder, "UPDATE windows SET vectors = x'00' WHERE track = 2")


def lock_with_a_folder(folder: Path) -> None:
    (folder / "writer.lock").unlink(missing_ok=True)
    (folder / "writer.lock").mkdir()


def truncate_matrix(folder: Path) -> None:
    for path in (folder / "vectors").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-5])


def replace_by_text(folder: Path) -> None:
    (folder / "library.db").write_bytes(b"nothing" * 1000)


DAMAGES: dict[str, Damage] = {
    "no database": replace_by_text,
    "the first page": overwrite(0, 1),
    "the second page": overwrite(1, 1),
    "pages in the middle": overwrite(6, 2),
    "all pages but the first": overwrite(1, 100),
    "truncated": truncate(0.5),
    "truncated to nothing": truncate(0.0),
    "a short vector": shorten_vector,
    "a vector that is not finite": spoil_vector,
    "short windows": shorten_windows,
    "a folder in the place of the lock": lock_with_a_folder,
    "a truncated matrix": truncate_matrix,
}


def found(folder: Path) -> list[str] | None:
    """Return the hits of a search; None if it is refused in one sentence."""
    try:
        with Library.open(folder, create=False) as library:
            return [hit.track.path for hit in library.search("low").hits]
    except LibraryError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return None


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_library_is_one_error_until_it_is_repaired(
    damage: Damage, library: Library, music: Path, model: str
) -> None:
    library.index([music])
    titles = [hit.track.path for hit in library.search("low").hits]
    vectors = {path: library.vector_of(path).tobytes() for path in titles}
    folder = library.folder
    library.close()
    damage(folder)
    assert found(folder) in (None, titles)
    repair(folder)
    with Library.open(folder, model=model) as repaired:
        repaired.index([music])
        assert not repaired.check_integrity()
        assert [hit.track.path for hit in repaired.search("low").hits] == titles
        assert {path: repaired.vector_of(path).tobytes() for path in titles} == vectors
        assert len(repaired) == 4
        assert repaired.search("track 1").hits


def test_a_library_without_damage_is_unchanged(library: Library, music: Path) -> None:
    library.index([music])
    identity = library.identity
    before = {t.id: t.path for t in library.tracks()[0]}
    report = repair(library.folder)
    assert (report.damaged_tracks, report.lost_rows, report.damaged_folder) == (0, 0, None)
    assert library.identity == identity
    assert {t.id: t.path for t in library.tracks()[0]} == before


def test_recovered_tracks_keep_their_ids(library: Library, music: Path) -> None:
    library.index([music])
    before = {t.id: (t.path, t.title) for t in library.tracks()[0]}
    roots = library.roots()
    folder = library.folder
    library.close()
    with closing(sqlite3.connect(folder / "library.db")) as connection, connection:
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute("DELETE FROM sqlite_schema WHERE name = 'tracks_title'")
    report = repair(folder)
    assert report.damaged_folder is not None
    assert (report.damaged_folder / "library.db").exists()
    with Library.open(folder) as repaired:
        assert {t.id: (t.path, t.title) for t in repaired.tracks()[0]} == before
        assert repaired.roots() == roots


def test_a_folder_without_a_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoLibraryError):
        repair(tmp_path)


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    execute(tmp_path, "CREATE TABLE songs (title TEXT)")
    before = (tmp_path / "library.db").read_bytes()
    with pytest.raises(LibraryError, match="another program"):
        repair(tmp_path)
    assert (tmp_path / "library.db").read_bytes() == before


def test_embeddings_of_a_lost_model_do_not_become_those_of_another(
    library: Library, music: Path, model: str
) -> None:
    library.index([music])
    library.index([music], exclude=["album 0/"])  # two tracks are kept for a return
    folder = library.folder
    library.close()
    execute(folder, "DELETE FROM spaces")
    assert salvage(folder).lost_rows > 0
    for table in ("vectors", "windows", "retired"):
        with closing(sqlite3.connect(folder / "library.db")) as connection:
            sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - names of this test
            assert connection.execute(sql).fetchall() == [(0,)]
    with Library.open(folder, model=model) as repaired:
        report = repaired.index([music], exclude=[])
        assert (report.added + report.updated, report.unchanged) == (4, 0)
        assert not repaired.check_integrity()
        assert len(repaired.search("low").hits) == 4


def test_vectors_without_windows_are_found_without_an_active_model(
    library: Library, music: Path, model: str
) -> None:
    library.index([music])
    folder = library.folder
    library.close()
    execute(folder, "DELETE FROM windows WHERE track = 2")
    execute(folder, "DELETE FROM meta WHERE key = 'active_space'")
    assert repair(folder).damaged_tracks == 1
    with Library.open(folder, model=model) as repaired:
        repaired.index([music])
        assert not repaired.check_integrity()
        assert len(repaired.search("low").hits) == 4
