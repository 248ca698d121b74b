import os
from collections import Counter
from pathlib import Path

import pytest

from tunespace.errors import LibraryError
from tunespace.library.index.scan import HIDDEN, LINKS, SYSTEM_FOLDERS, describe_passed_over, scan


def names(root: Path) -> list[str]:
    return [os.path.relpath(found.path, os.path.realpath(root)) for found in scan(root)]


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_music_is_found_by_its_suffix_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.mp3", "a/z.FLAC", "a/cover.jpg", "notes.txt", "c.opus"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["b.mp3", "c.opus", "a/z.FLAC"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    for name in (".trash/a.mp3", "._a.mp3", "a.mp3"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["a.mp3"]


def test_links_are_not_followed_except_the_root(tmp_path: Path) -> None:
    touch(tmp_path / "outside" / "secret.mp3")
    touch(tmp_path / "music" / "a.mp3")
    (tmp_path / "music" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "music" / "round").symlink_to(tmp_path / "music")
    (tmp_path / "music" / "file.mp3").symlink_to(tmp_path / "outside" / "secret.mp3")
    (tmp_path / "door").symlink_to(tmp_path / "music")
    assert names(tmp_path / "music") == ["a.mp3"]
    assert names(tmp_path / "door") == ["a.mp3"]


def test_a_file_given_by_name_is_indexed_whatever_its_suffix(tmp_path: Path) -> None:
    path = touch(tmp_path / "song.bin")
    assert [found.path for found in scan(path)] == [str(path)]


def test_a_name_that_is_not_utf8_is_found(tmp_path: Path) -> None:
    path = touch(tmp_path / os.fsdecode(b"caf\xe9.mp3"))
    assert [found.path for found in scan(tmp_path)] == [str(path)]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="does not exist"):
        list(scan(tmp_path / "nothing"))


def test_an_empty_folder_has_no_music(tmp_path: Path) -> None:
    assert names(tmp_path) == []


def test_excluded_folders_are_not_scanned(tmp_path: Path) -> None:
    for name in ("a.mp3", "b.m4b", "Books/c.mp3", "Books/sub/d.mp3", "pop/Books.mp3"):
        touch(tmp_path / name)
    asked: list[str] = []

    def excluded_rows(path: str) -> bool:
        asked.append(os.path.relpath(path, tmp_path))
        return path.endswith(("Books/", ".m4b"))

    found = [os.path.relpath(file.path, tmp_path) for file in scan(tmp_path, excluded_rows)]
    assert found == ["a.mp3", "pop/Books.mp3"]
    assert "Books/sub" not in asked


def test_names_that_begin_with_dots_are_names_of_music(tmp_path: Path) -> None:
    kept = [
        "...Baby One More Time.flac",
        ".45.flac",
        "...And You Will Know Us/one.flac",
        ".38 Special/two.flac",
        "!!!/three.flac",
        "#1 Hits/four.flac",
    ]
    passed = ["._three.flac", ".stversions/old.flac", ".Trash-1000/x.flac", "#recycle/x.flac"]
    passed += ["@eaDir/SYNO.mp3", "$RECYCLE.BIN/x.mp3", ".pending-17-a.mp3"]
    for name in kept + passed:
        touch(tmp_path / name)
    assert sorted(names(tmp_path)) == sorted(kept)


def test_what_is_passed_over_is_counted(tmp_path: Path) -> None:
    for name in ("a.mp3", "b.mid", "c.mid", "cover.jpg", "#recycle/d.mp3", ".git/e.mp3"):
        touch(tmp_path / name)
    (tmp_path / "link.mp3").symlink_to(tmp_path / "a.mp3")
    (tmp_path / "folder").symlink_to(tmp_path)
    kinds: Counter[str] = Counter()
    list(scan(tmp_path, on_passed_over=lambda kind: kinds.update([kind])))
    assert kinds == {LINKS: 2, SYSTEM_FOLDERS: 1, HIDDEN: 1, ".mid": 2, ".jpg": 1}
    assert describe_passed_over(kinds, found_any=True) == [
        "2 .mid files, which cannot be decoded",
        "2 symbolic links",
        "1 hidden folders",
        "1 recycle bins and folders of the system",
    ]
    assert "1 .jpg files" in describe_passed_over(kinds, found_any=False)


@pytest.mark.parametrize("suffix", ["dsf", "mkv", "w64", "tta", "ac3", "3gp", "AIFC"])
def test_suffixes_of_formats_that_are_decoded(suffix: str, tmp_path: Path) -> None:
    touch(tmp_path / f"a.{suffix}")
    assert names(tmp_path) == [f"a.{suffix}"]
