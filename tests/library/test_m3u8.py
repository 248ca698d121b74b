import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest

from tunespace.errors import LibraryError
from tunespace.library import Hit, Track
from tunespace.library.m3u8 import format_m3u8, write_m3u8


def hit(path: Path | str, title: str = "Jóga", *, missing: bool = False) -> Hit:
    track = Track(1, str(path), 305.4, title, "Björk", "", "", 1997)
    return Hit(track, 80.0, 0.0, 10.0, 0.5, missing=missing)


def test_a_playlist_has_relative_paths_and_names(tmp_path: Path) -> None:
    path = tmp_path / "lists" / "out.m3u8"
    path.parent.mkdir()
    assert write_m3u8([hit(tmp_path / "music" / "jóga.mp3")], path).written == 1
    assert path.read_text(encoding="utf-8") == (
        "#EXTM3U\n#EXTINF:305,Björk - Jóga\n../music/jóga.mp3\n"
    )


def test_paths_that_players_cannot_open_are_left_out(tmp_path: Path) -> None:
    hits = [
        hit("/gone.mp3", missing=True),
        hit("/line\nbreak.mp3"),
        hit("/caf\udce9.mp3"),
        hit("/good.mp3", title="two\nlines"),
    ]
    playlist = write_m3u8(hits, tmp_path / "out.m3u8")
    assert (playlist.written, playlist.left_out) == (1, 2)
    text = (tmp_path / "out.m3u8").read_text(encoding="utf-8")
    assert "Björk - two lines" in text
    assert text.endswith("# 2 tracks are left out: their file names cannot be written\n")


def read_lines(playlist: Path) -> list[str]:
    """Read as a player that joins folder and entry."""
    lines = playlist.read_text(encoding="utf-8").split("\n")
    return [os.path.join(playlist.parent, x) for x in lines if x and not x.startswith("#")]  # noqa: PTH118


def read_addresses(playlist: Path) -> list[str]:
    """Read as a player that takes entries for addresses, relative to that of the list."""
    entries = []
    for line in playlist.read_text(encoding="utf-8").splitlines():
        entry = line.strip()
        if entry and entry[0] != "#":
            joined = urljoin(playlist.absolute().as_uri(), quote(entry, safe="/:"))
            assert urlsplit(joined).scheme == "file", entry
            entries.append(unquote(urlsplit(joined).path))
    return entries


def read_text(playlist: Path) -> list[str]:
    """Read as a player that shortens paths as text."""
    return [os.path.normpath(path) for path in read_lines(playlist)]


@pytest.mark.parametrize("place", ["music", "lists", "far/away/deep/down", "link", "musiclink"])
@pytest.mark.parametrize("read", [read_lines, read_addresses, read_text])
def test_every_entry_of_a_playlist_exists(
    place: str, read: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    names = ["plain.flac", "#hash.flac", "#1 Hits/one.flac", " space.flac", "http:/x.flac"]
    names += ["100%25 pure.flac", "jóga.flac", "a: b.flac", "what?.flac", "semi;colon.flac"]
    music = tmp_path / "music"
    for name in names:
        (music / name).parent.mkdir(parents=True, exist_ok=True)
        (music / name).write_bytes(b"")
    (tmp_path / "target" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "target" / "deep")
    (tmp_path / "musiclink").symlink_to(music)
    folder = tmp_path / place
    folder.mkdir(parents=True, exist_ok=True)
    playlist = folder / "list.m3u8"
    assert write_m3u8([hit(music / name) for name in names], playlist).written == len(names)
    assert [Path(entry).exists() for entry in read(playlist)] == [True] * len(names)


def test_music_on_two_disks_has_absolute_paths() -> None:
    tracks = [hit("/mnt/a/x.flac").track, hit("/media/b/y.flac").track]
    lines = format_m3u8(tracks, "/").text.splitlines()
    assert lines[2::2] == ["/mnt/a/x.flac", "/media/b/y.flac"]


def test_an_unwritable_playlist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="cannot be written"):
        write_m3u8([hit("/a.mp3")], tmp_path / "nowhere" / "out.m3u8")
