import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import sounds
import tiny_model
from sounds import write_noise
from tunespace.errors import LibraryError
from tunespace.library import IndexReport, Library, Progress
from tunespace.library.index import embed_files
from tunespace.library.index.embed_files import DecodeFailure, FileResult, embed_file
from tunespace.library.index.scan import FORGOTTEN
from tunespace.library.store.sqlite import SqliteStore
from tunespace.library.tags import Tags
from tunespace.models import AudioEmbedding, load_model


def counts(report: IndexReport) -> dict[str, int]:
    found = {
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "removed": report.removed,
        "restored": report.restored,
        "unchanged": report.unchanged,
        "failed": len(report.failed),
        "excluded": report.excluded,
        "kept": report.kept,
    }
    return {name: count for name, count in found.items() if count}


def vectors(library: Library) -> dict[str, bytes]:
    with closing(sqlite3.connect(library.folder / "library.db")) as connection:
        rows = connection.execute(
            "SELECT path, vector FROM tracks JOIN vectors ON track = tracks.id"
        ).fetchall()
    return {Path(os.fsdecode(path)).name: vector for path, vector in rows}


def another(model: str, folder: Path) -> str:
    """The same model under another name, which makes another space."""
    other = shutil.copytree(model, folder / "other")
    tiny_model.write_config(other, name="other")
    return str(other)


def test_a_second_run_changes_nothing(library: Library, music: Path) -> None:
    assert counts(library.index([music])) == {"added": 4}
    assert counts(library.index([music])) == {"unchanged": 4}
    assert len(library) == 4


def test_new_changed_and_deleted_files_are_brought_up_to_date(
    library: Library, music: Path
) -> None:
    library.index([music])
    before = vectors(library)
    write_noise(music / "new.wav", 1, 1)
    write_noise(music / "album 0" / "track 0.wav", 1e-4, 1, seconds=3)
    (music / "album 0" / "track 1.wav").unlink()
    assert counts(library.index([music])) == {
        "added": 1,
        "updated": 1,
        "removed": 1,
        "unchanged": 2,
    }
    after = vectors(library)
    assert after["track 0.wav"] != before["track 0.wav"]
    assert after["track 2.wav"] == before["track 2.wav"]
    assert len(library) == 4


def test_a_moved_file_keeps_its_vectors(library: Library, music: Path, tmp_path: Path) -> None:
    library.index([music])
    before = vectors(library)
    (music / "album 0").rename(music / "renamed")
    (music / "album 1" / "track 2.wav").rename(music / "elsewhere.wav")
    report = library.index([music])
    assert counts(report) == {"moved": 3, "unchanged": 1}
    assert report.music_seconds == 0
    after = vectors(library)
    assert after["elsewhere.wav"] == before["track 2.wav"]
    assert library.find_track(str(music / "renamed" / "track 0.wav")) is not None
    shutil.move(music / "elsewhere.wav", tmp_path / "music" / "album 1" / "track 2.wav")
    assert counts(library.index([music])) == {"moved": 1, "unchanged": 3}


def test_a_file_that_moves_to_the_place_of_a_broken_one(library: Library, music: Path) -> None:
    broken = music / "broken.wav"
    broken.write_text("no music")
    library.index([music])
    (music / "album 0" / "track 0.wav").rename(broken)
    assert counts(library.index([music])) == {"moved": 1, "unchanged": 3}
    assert library.failures() == []
    assert len(library) == 4


def test_files_that_change_places(library: Library, music: Path) -> None:
    library.index([music])
    before = vectors(library)
    one, other = music / "album 0" / "track 0.wav", music / "album 1" / "track 3.wav"
    one.rename(music / "x.wav")
    other.rename(one)
    (music / "x.wav").rename(other)
    library.index([music])
    after = vectors(library)
    assert after["track 0.wav"] == before["track 3.wav"]
    assert after["track 3.wav"] == before["track 0.wav"]


def test_a_new_modification_time_alone_is_no_change(library: Library, music: Path) -> None:
    library.index([music])
    os.utime(music / "album 0" / "track 0.wav", (1, 1))
    report = library.index([music])
    assert counts(report) == {"unchanged": 4}
    assert report.music_seconds == 0


def test_excluded_tracks_are_removed_and_stay_excluded(library: Library, music: Path) -> None:
    library.index([music])
    assert counts(library.index([music], exclude=["/album 0/", "*3.wav"])) == {
        "excluded": 3,
        "unchanged": 1,
    }
    # Remembered, also for a folder within: a pattern is relative to the outermost.
    assert counts(library.index([music])) == {"unchanged": 1}
    assert counts(library.index([music / "album 0"])) == {}
    assert len(library) == 1
    assert counts(library.index([music], exclude=[""])) == {"restored": 3, "unchanged": 1}
    assert counts(library.index([music])) == {"unchanged": 4}


def test_a_file_moved_out_of_an_excluded_folder_keeps_its_embedding(
    library: Library, music: Path
) -> None:
    library.index([music])
    before = vectors(library)
    shutil.copy(music / "album 0" / "track 0.wav", music / "kept.wav")
    report = library.index([music], exclude=["album 0"])
    assert counts(report) == {"moved": 1, "excluded": 1, "unchanged": 2}
    assert vectors(library)["kept.wav"] == before["track 0.wav"]


def test_an_invalid_pattern_is_an_error(library: Library, music: Path) -> None:
    library.index([music])
    with pytest.raises(LibraryError, match="invalid pattern"):
        library.index([music], exclude=["!"])
    assert len(library) == 4


def test_another_model_does_not_embed_excluded_tracks(
    library: Library, music: Path, tmp_path: Path, model: str
) -> None:
    library.index([music])
    with Library.open(library.folder, model=another(model, tmp_path)) as changed:
        report = changed.index([music], exclude=["album 0"])
        assert counts(report) == {"excluded": 2, "updated": 2}
        assert len(changed.search("low")) == 2


def test_indexing_one_folder_does_not_affect_another(library: Library, music: Path) -> None:
    library.index([music])
    assert counts(library.index([music / "album 0"])) == {"unchanged": 2}
    assert len(library) == 4


def test_a_folder_that_lost_all_of_its_music_keeps_its_tracks(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    music.rename(tmp_path / "unmounted")
    music.mkdir()
    assert counts(library.index([music])) == {"kept": 4}
    assert len(library) == 4


def test_a_broken_file_is_reported_and_tried_again_when_it_changes(
    library: Library, music: Path
) -> None:
    broken = music / "broken.mp3"
    broken.write_text("no music at all")
    report = library.index([music])
    assert counts(report) == {"added": 4, "failed": 1}
    assert report.failed[0].path == str(broken)
    assert "is not audio" in report.failed[0].reason
    report = library.index([music])
    assert counts(report) == {"unchanged": 4, "failed": 1}
    assert library.failures() == [(str(broken), report.failed[0].reason)]
    shutil.copyfile(music / "album 0" / "track 0.wav", broken)
    assert counts(library.index([music])) == {"updated": 1, "unchanged": 4}
    assert library.failures() == []


def test_all_kinds_of_bad_files_at_once(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "empty.mp3").touch()
    (folder / "text.mp3").write_text("text " * 1000)
    sounds.wav(folder / "short.wav", sounds.tone(0.1, 16_000))
    sounds.wav(folder / "silence.wav", np.zeros(32_000, np.float32))
    sounds.wav(folder / "nan.wav", np.full(32_000, np.nan, np.float32))
    good = sounds.write_as(tmp_path, sounds.BY_SUFFIX["mp3"])
    (folder / "truncated.mp3").write_bytes(good.read_bytes()[:5000])
    shutil.copyfile(good, folder / "wrong extension.flac")
    shutil.copyfile(good, os.fsdecode(os.fsencode(folder) + b"/caf\xe9.mp3"))
    report = library.index([folder])
    assert counts(report) == {"added": 6, "failed": 2}
    assert {Path(f.path).name: f.reason for f in report.failed} == {
        "empty.mp3": "is empty",
        "text.mp3": "is not audio, or too damaged to be read",
    }
    assert counts(library.index([folder])) == {"unchanged": 6, "failed": 2}
    assert len(library.search("low")) > 0


def test_an_unreadable_file_is_reported(library: Library, music: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("everything is readable to root")
    (music / "album 0" / "track 0.wav").chmod(0)
    report = library.index([music])
    assert "permission denied" in report.failed[0].reason


def test_an_empty_folder_adds_no_tracks(library: Library, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert counts(library.index([tmp_path / "empty"])) == {}


def test_a_missing_path_is_an_error_and_loses_no_tracks(library: Library, music: Path) -> None:
    library.index([music])
    with pytest.raises(LibraryError, match="does not exist"):
        library.index([music / "nothing"])
    assert len(library) == 4


def test_one_writer_at_a_time(library: Library, music: Path) -> None:
    library.index([music / "album 0"])
    with FileLock(library.folder / "writer.lock"):
        with pytest.raises(LibraryError, match="another process is writing"):
            library.index([music])
        assert len(library.search("low")) == 2  # readers are not blocked


def test_a_full_disk_loses_no_tracks(library: Library, music: Path) -> None:
    library.index([music / "album 0"])
    connection: sqlite3.Connection = library._store._connection  # type: ignore[attr-defined]  # noqa: SLF001
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for n in range(3):  # each with many windows
        write_noise(music / f"more {n}.wav", 1, 1, seconds=600, seed=n)
    with pytest.raises(LibraryError, match=r"full.*earlier changes are kept"):
        library.index([music])
    connection.execute("PRAGMA max_page_count = 1000000")
    assert len(library) == 2
    assert counts(library.index([music]))["added"] == 5


def test_a_killed_run_loses_only_uncommitted_files(tmp_path: Path, model: str) -> None:
    folder = tmp_path / "music"
    for n in range(60):
        write_noise(folder / f"{n:02}.wav", 1, 1e-2 * n, seconds=20, seed=n)
    script = (
        "import sys; from tunespace import Library;"
        "from tunespace.library.index import indexer; indexer._SECONDS_BETWEEN_COMMITS = 0;"
        "lib = Library.open(sys.argv[1], model=sys.argv[2]);"
        "lib.index([sys.argv[3]], workers=1, on_progress=lambda p: print(p.done, flush=True))"
    )
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", script, tmp_path / "library", model, folder],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    until = time.monotonic() + 60
    while int(process.stdout.readline() or 60) < 12 and time.monotonic() < until:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Library.open(tmp_path / "library", model=model) as library:
        done = len(library)
        assert 12 <= done < 60
        report = library.index([folder])
        assert counts(report) == {"added": 60 - done, "unchanged": done}
        assert len(library) == 60


def test_a_file_that_crashes_its_worker_is_one_failure(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (
        "import os, sys; from tunespace.library.index import embed_files as worker;"
        "embed = worker.embed_file;"
        "worker.embed_file = lambda p, m: os._exit(3) if '1.wav' in p else embed(p, m);"
        "from tunespace.models.worker_process import serve;"
        "serve(*sys.argv[1:])"
    )
    monkeypatch.setattr("tunespace.models.worker_pool._COMMAND", command)
    report = library.index([music])
    assert counts(report) == {"added": 3, "failed": 1}
    assert "crashed its worker process (exit code 3)" in report.failed[0].reason


def test_another_model_makes_another_space_over_all_tracks(
    library: Library, music: Path, tmp_path: Path, model: str
) -> None:
    library.index([music])
    with Library.open(library.folder, model=another(model, tmp_path)) as changed:
        with pytest.raises(LibraryError, match="was indexed with tiny@"):
            changed.search("low")
        report = changed.index([music / "album 0"])
        assert counts(report) == {"updated": 4}
        assert len(changed.search("low")) == 4
    with Library.open(library.folder) as again:
        assert again.model.name == "other"
        assert len(again.search("low")) == 4


def test_a_library_of_a_newer_version_is_refused(library: Library) -> None:
    with closing(sqlite3.connect(library.folder / "library.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LibraryError, match="newer tunespace"):
        Library.open(library.folder)


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "library.db").write_bytes(b"no database" * 1000)
    with pytest.raises(LibraryError, match="cannot be used as a library"):
        Library.open(tmp_path)


def test_progress_is_reported(library: Library, music: Path) -> None:
    reported: list[tuple[int, int]] = []
    library.index([music], on_progress=lambda p: reported.append((p.done, p.total)))
    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_interrupt_does_not_wait_for_a_long_file(library: Library, music: Path) -> None:
    for n in range(6):
        write_noise(music / f"long {n}.wav", 1, 1, seconds=1200, seed=n)
    stopped = 0.0

    def stop(_: Progress) -> None:
        nonlocal stopped
        stopped = time.monotonic()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.index([music / "album 0", music], workers=2, on_progress=stop)
    assert time.monotonic() - stopped < 2
    assert len(library) == 1
    assert counts(library.index([music]))["unchanged"] == 1


def test_two_concurrent_runs_are_safe(tmp_path: Path, model: str, music: Path) -> None:
    script = (
        "import sys; from tunespace import Library; from tunespace.errors import LibraryError\n"
        "try:\n"
        "    Library.open(sys.argv[1], model=sys.argv[2]).index([sys.argv[3]])\n"
        "except LibraryError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "new"), model, str(music)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]  # noqa: S603
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(text == "" or "another process is writing" in text for text in outputs)
    with Library.open(tmp_path / "new") as opened:
        assert len(opened) == 4


def test_a_library_that_cannot_be_written_can_be_searched(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.index([music])
    library.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Library.open(library.folder) as opened:
        assert len(opened.search("low")) == 4
        with pytest.raises(LibraryError, match="readonly"):
            opened.index([music])


def test_the_folders_that_were_indexed_are_remembered(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "library")
    with store.writing():
        store.add_roots(["/music/rock", "/music/jazz"])
        store.add_roots(["/music/rock/live", "/other", "/music/rocking"])
    assert store.roots == ["/music/jazz", "/music/rock", "/music/rocking", "/other"]
    with store.writing():
        store.add_roots(["/music"])
    assert store.roots == ["/music", "/other"]
    store.close()


def test_a_renamed_music_folder_keeps_ids_and_embeddings(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    ids, before = {t.title: t.id for t in library.tracks()[0]}, vectors(library)
    new = music.rename(tmp_path / "moved")
    assert counts(library.index([new])) == {"moved": 4}
    assert {t.title: t.id for t in library.tracks()[0]} == ids
    assert vectors(library) == before
    assert all(t.path.startswith(str(new)) for t in library.tracks()[0])
    assert library.roots() == [str(new)]


def test_a_copy_does_not_take_the_record_of_a_file_that_is_there(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    copy = shutil.copytree(music, tmp_path / "copy")
    assert counts(library.index([copy])) == {"added": 4}
    assert len(library) == 8


def test_a_missing_folder_does_not_stop_the_others(
    library: Library, music: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(music / "album 0", other / "album 9")
    library.index([music, other])
    shutil.rmtree(other)
    write_noise(music / "new.wav", seed=77, low=300, high=900)
    report = library.index([music, other])
    assert counts(report) == {"added": 1, "unchanged": 4, "kept": 2}
    assert report.missing_roots == [str(other)]
    assert report.kept_folders == [str(other)]
    assert library.forget(other) == 2
    assert library.roots() == [str(music)]
    assert len(library) == 5


def test_an_empty_folder_below_the_root_keeps_its_tracks_until_forgotten(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    for file in (music / "album 0").iterdir():
        file.rename(tmp_path / f"away {file.name}")
    report = library.index([music])
    assert counts(report) == {"unchanged": 2, "kept": 2}
    assert report.kept_folders == [str(music / "album 0")]
    assert library.forget(music / "album 0") == 2
    assert library.roots() == [str(music)]
    assert counts(library.index([music])) == {"unchanged": 2}


def test_a_deleted_folder_is_removed(library: Library, music: Path) -> None:
    library.index([music])
    shutil.rmtree(music / "album 0")
    assert counts(library.index([music])) == {"unchanged": 2, "removed": 2}


def test_what_is_unreadable_for_a_while_is_tried_again(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.index([music])
    before = vectors(library)
    file = music / "album 0" / "track 0.wav"
    content = file.read_bytes()

    # The worker finds the file gone, after the scan has listed it.
    file.write_bytes(content + b"\0\0\0\0")

    def failing(paths: Iterable[str], *_: object) -> Generator[FileResult, None, None]:
        for path in paths:
            yield path, DecodeFailure(b"", "does not exist", is_transient=True)

    monkeypatch.setattr("tunespace.library.index.indexer.embed_files", failing)
    report = library.index([music])
    assert [failed.reason for failed in report.failed] == ["does not exist"]
    assert vectors(library) == before
    assert library.count_failed() == 0
    monkeypatch.undo()
    assert counts(library.index([music])) == {"updated": 1, "unchanged": 3}


def test_a_file_that_is_away_is_a_transient_failure(tmp_path: Path, model: str) -> None:
    result = embed_file(str(tmp_path / "away.wav"), load_model(model))
    assert isinstance(result, DecodeFailure)
    assert result.is_transient
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    result = embed_file(str(broken), load_model(model))
    assert isinstance(result, DecodeFailure)
    assert not result.is_transient


def test_dates_that_sqlite_cannot_store_do_not_end_a_run(library: Library, music: Path) -> None:
    far = 2**63 // 10**9 + 10**6
    os.utime(music / "album 0" / "track 0.wav", (far, far))
    assert counts(library.index([music])) == {"added": 4}
    assert counts(library.index([music])) == {"unchanged": 4}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_pipes_and_devices_are_not_indexed(library: Library, music: Path) -> None:
    os.mkfifo(music / "pipe.mp3")
    report = library.index([music])
    assert counts(report) == {"added": 4, "failed": 1}
    assert report.failed[0].reason == "is not a regular file"
    for path in (Path("/dev/null"), music / "pipe.mp3"):
        with pytest.raises(LibraryError, match="neither a folder nor a regular file"):
            library.index([path])


def test_a_file_that_changed_under_the_same_size_and_time_is_embedded_again(
    library: Library, music: Path
) -> None:
    library.index([music])
    file = music / "album 0" / "track 0.wav"
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-2000:] = bytes(2000)
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert counts(library.index([music])) == {"updated": 1, "unchanged": 3}
    assert counts(library.index([music])) == {"unchanged": 4}


def test_new_permissions_alone_are_no_change(library: Library, music: Path) -> None:
    library.index([music])
    for file in music.rglob("*.wav"):
        file.chmod(0o600)
    report = library.index([music])
    assert (counts(report), report.music_seconds) == ({"unchanged": 4}, 0)


def test_a_deleted_file_that_comes_back_keeps_its_id_and_embedding(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    file = music / "album 0" / "track 0.wav"
    before = library.find_track(str(file))
    assert before is not None
    vector = library.vector_of(before)
    away = tmp_path / "away.wav"
    file.rename(away)
    assert counts(library.index([music])) == {"removed": 1, "unchanged": 3}
    assert library.track(before.id) is None
    back = music / "album 1" / "other name.wav"
    away.rename(back)
    report = library.index([music])
    assert (counts(report), report.music_seconds) == ({"restored": 1, "unchanged": 3}, 0)
    after = library.track(before.id)
    assert after is not None
    assert after.path == str(back)
    np.testing.assert_array_equal(library.vector_of(after), vector)
    assert counts(library.index([music])) == {"unchanged": 4}


def test_a_forgotten_folder_is_left_out_until_it_is_named(library: Library, music: Path) -> None:
    library.index([music])
    assert library.forget(music / "album 0") == 2
    assert library.forgotten() == [str(music / "album 0")]
    report = library.index([music])
    assert counts(report) == {"unchanged": 2}
    assert report.passed_over[FORGOTTEN] == 1
    sounds.wav(music / "album 0" / "new.wav", sounds.tone(2.0, 16_000))
    assert counts(library.index(library.roots())) == {"unchanged": 2}
    assert library.index([music / "album 0"]).added == 3
    assert library.forgotten() == []
    assert counts(library.index(library.roots())) == {"unchanged": 5}


def test_a_folder_inside_a_forgotten_one_takes_it_back(library: Library, music: Path) -> None:
    (music / "album 0").rename(music / "album 1" / "album 0")
    library.index([music])
    assert library.forget(music / "album 1" / "album 0") == 2
    assert library.forget(music / "album 1") == 2
    assert library.forgotten() == [str(music / "album 1")]
    assert library.index([music / "album 1" / "album 0"]).added == 2
    assert library.index([music]).added == 2


def test_a_forgotten_root_is_indexed_again_with_its_parent(library: Library, music: Path) -> None:
    library.index([music / "album 0"])
    library.forget(music / "album 0")
    assert (library.roots(), library.forgotten()) == ([], [])
    assert library.index([music]).added == 4


def test_forgotten_folders_follow_a_relocation(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    library.forget(music / "album 0")
    music.rename(tmp_path / "moved")
    library.relocate(music, tmp_path / "moved")
    assert library.forgotten() == [str(tmp_path / "moved" / "album 0")]
    assert counts(library.index(library.roots())) == {"unchanged": 2}


def test_a_file_that_changes_while_it_is_read_is_tried_again(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sounds.wav(tmp_path / "copied.wav", sounds.tone(2.0, 16_000))
    loaded = load_model(model)
    embed = loaded.embed_file

    def slow(path: str) -> AudioEmbedding:
        embedding = embed(path)
        with file.open("ab") as more:
            more.write(bytes(4))
        return embedding

    monkeypatch.setattr(loaded, "embed_file", slow)
    result = embed_file(str(file), loaded)
    assert isinstance(result, DecodeFailure)
    assert (result.reason, result.is_transient) == ("changed while it was read", True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limits of a process")
def test_a_file_that_asks_for_hours_of_computing_is_one_failure(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_files, "_CPU_SECONDS", 0.3)
    monkeypatch.setattr(embed_files, "_CPU_SECONDS_PER_MB", 0.0)
    sounds.wav(music / "long.wav", sounds.tone(2000.0, 16_000))
    report = library.index([music])
    assert counts(report) == {"added": 4, "failed": 1}
    assert report.failed[0].reason == "takes too long to decode for its size"


def test_relocated_tracks_keep_ids_and_embeddings(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    before = {Path(t.path).name: t.id for t in library.tracks()[0]}
    embeddings = vectors(library)
    new = tmp_path / "disk" / "songs"
    new.parent.mkdir()
    music.rename(new)
    left = new / "album 0" / "track 0.wav"
    left.rename(tmp_path / "taken.wav")
    changed = new / "album 0" / "track 1.wav"
    content = changed.read_bytes()
    changed.write_bytes(content[:-4] + b"abcd")
    report = library.relocate(music, new)
    assert report.relocated == 3
    assert report.left == [str(music / "album 0" / "track 0.wav")]
    after = {Path(t.path).name: t.id for t in library.tracks()[0]}
    assert after == before
    assert library.roots() == sorted([str(music), str(new)])
    # The next run compares the content, and embeds what is not the same.
    run = library.index([new])
    assert counts(run) == {"unchanged": 2, "updated": 1}
    assert {k: v for k, v in vectors(library).items() if "track 1" not in k} == {
        k: v for k, v in embeddings.items() if "track 1" not in k
    }
    assert library.search("low").hits


def test_a_folder_that_was_indexed_in_both_places_is_there_once_after_a_relocation(
    library: Library, music: Path, tmp_path: Path
) -> None:
    library.index([music])
    before = {Path(t.path).name: t.id for t in library.tracks()[0]}
    new = tmp_path / "new"
    shutil.copytree(music, new)
    library.index([new])
    assert len(library) == 8
    shutil.rmtree(music)
    assert library.relocate(music, new).left == []
    assert {Path(t.path).name: t.id for t in library.tracks()[0]} == before
    assert library.roots() == [str(new)]


def test_a_relocation_needs_both_folders(library: Library, music: Path, tmp_path: Path) -> None:
    library.index([music])
    with pytest.raises(LibraryError, match="is not a folder"):
        library.relocate(music, tmp_path / "nowhere")
    with pytest.raises(LibraryError, match="nothing in"):
        library.relocate(tmp_path / "model", music)


def test_tags_are_read_again_without_embedding(library: Library, music: Path) -> None:
    library.index([music])
    track = library.tracks()[0][0]
    with library._store.writing():  # noqa: SLF001
        library._store.save_tags(track.id, track.path, Tags(title="wrong"))  # noqa: SLF001
    assert counts(library.index([music])) == {"unchanged": 4}
    assert [t.title for t in library.tracks()[0]].count("wrong") == 1
    report = library.index([music], reread=True)
    assert (report.retagged, report.unchanged, report.music_seconds) == (1, 4, 0)
    assert [t.title for t in library.tracks()[0]].count("wrong") == 0
    assert library.index([music], reread=True).retagged == 0


def test_a_report_says_whether_anything_is_new(library: Library, music: Path) -> None:
    (music / "broken.mp3").write_bytes(b"nothing")
    assert not library.index([music]).is_empty
    again = library.index([music])
    assert again.is_empty
    assert (len(again.failed), again.failed_earlier) == (1, 1)
