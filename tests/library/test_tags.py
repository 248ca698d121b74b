from pathlib import Path

import pytest

import sounds
from tunespace.library.tags import Tags, read_tags, title_from_path

KINDS = ["mp3", "flac", "ogg", "opus", "m4a"]


@pytest.mark.parametrize("kind", KINDS)
def test_tags_of_every_format(kind: str, tmp_path: Path) -> None:
    written = {
        "title": "Ne me quitte pas",
        "artist": "Nina Simone",
        "album": "I Put a Spell on You",
        "genre": "Jazz",
        "date": "1965-06-01",
    }
    format_ = sounds.BY_SUFFIX[kind]
    path = sounds.write_as(tmp_path, format_, seconds=0.5, tags=written)
    assert read_tags(str(path)) == Tags(
        title="Ne me quitte pas",
        artist="Nina Simone",
        album="I Put a Spell on You",
        genre="Jazz",
        year=1965,
    )


def test_a_file_without_tags_has_none(tmp_path: Path) -> None:
    path = sounds.wav(tmp_path / "a.wav", sounds.tone(0.5, 16_000))
    assert read_tags(str(path)) == Tags()


@pytest.mark.parametrize("content", [b"", b"no music", b"ID3" + b"\xff" * 100, b"fLaC" + b"\0" * 9])
def test_broken_tags_are_no_tags(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    assert read_tags(str(path)) == Tags()


def test_a_missing_file_has_no_tags(tmp_path: Path) -> None:
    assert read_tags(str(tmp_path / "none.mp3")) == Tags()


def test_a_track_without_title_has_the_name_of_its_file() -> None:
    assert title_from_path("/music/01 Blue Train.mp3") == "01 Blue Train"
    assert title_from_path("/music/caf\udce9.mp3") == "caf?"
