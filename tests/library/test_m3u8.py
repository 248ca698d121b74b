from pathlib import Path

import pytest

from tunespace.errors import LibraryError
from tunespace.library import Hit, Track
from tunespace.library.m3u8 import write_m3u8


def hit(path: Path | str, title: str = "Jóga", *, missing: bool = False) -> Hit:
    track = Track(1, str(path), 305.4, title, "Björk", "", "", 1997)
    return Hit(track, 80.0, 0.0, 10.0, 0.5, missing=missing)


def test_a_playlist_has_relative_paths_and_names(tmp_path: Path) -> None:
    path = tmp_path / "lists" / "out.m3u8"
    path.parent.mkdir()
    assert write_m3u8([hit(tmp_path / "music" / "jóga.mp3")], path) == 1
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
    assert write_m3u8(hits, tmp_path / "out.m3u8") == 1
    assert "Björk - two lines" in (tmp_path / "out.m3u8").read_text(encoding="utf-8")


def test_an_unwritable_playlist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="cannot be written"):
        write_m3u8([hit("/a.mp3")], tmp_path / "nowhere" / "out.m3u8")
