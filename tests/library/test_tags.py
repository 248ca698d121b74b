from pathlib import Path
from typing import Any

import pytest

import sounds
from tunespace.library.tags import Tags, genre_keys, read_tags, title_from_path

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


def tagged(path: Path, tags: dict[str, list[str]]) -> Path:
    import mutagen

    file: Any = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    for name, values in tags.items():
        file[name] = values
    file.save()
    return path


CONTAINERS = [
    sounds.Format("wma", "wmav2", options=(("b", "128000"),)),
    sounds.Format("wav", "pcm_s16le"),
    sounds.Format("wv", "wavpack"),
    sounds.Format("mka", "flac"),
    sounds.Format("mp4", "aac"),
]


@pytest.mark.parametrize("format_", CONTAINERS, ids=lambda f: f.suffix)
def test_tags_of_containers_beyond_the_usual(format_: sounds.Format, tmp_path: Path) -> None:
    written = {"title": "Ferry", "artist": "Ada Rowe", "album": "Harbour", "genre": "Jazz"}
    path = sounds.write_as(tmp_path, format_, seconds=0.5, tags=written | {"date": "1999-04-03"})
    tags = read_tags(str(path))
    assert (tags.title, tags.artist, tags.album, tags.genre) == tuple(written.values())
    assert tags.year == 1999


def test_an_mp3_with_an_ape_tag_alone(tmp_path: Path) -> None:
    from mutagen import apev2, id3

    path = sounds.write_as(tmp_path, sounds.BY_SUFFIX["mp3"], seconds=0.5)
    delete: Any = id3.delete
    delete(path)
    make: Any = apev2.APEv2
    tag = make()
    tag["Title"], tag["Artist"], tag["Year"] = "Ferry", ["Ada Rowe", "Ben Ode"], "1999"
    tag.save(path)
    for follows in (b"", b"TAG" + b"\0" * 124 + b"\xff"):
        with path.open("ab") as file:
            file.write(follows)
        tags = read_tags(str(path))
        assert (tags.title, tags.artist, tags.year) == ("Ferry", "Ada Rowe, Ben Ode", 1999)


@pytest.mark.parametrize("suffix", ["flac", "mp3", "opus", "m4a"])
def test_several_values_of_a_tag(suffix: str, tmp_path: Path) -> None:
    path = sounds.write_as(tmp_path, sounds.BY_SUFFIX[suffix], seconds=0.5)
    tagged(path, {"artist": ["Ada Rowe", "Ben Ode"], "genre": ["Folk, World", "Drum & Bass"]})
    tags = read_tags(str(path))
    assert (tags.artist, tags.genre) == ("Ada Rowe, Ben Ode", "Folk, World; Drum & Bass")


@pytest.mark.parametrize("suffix", ["flac", "mp3", "opus"])
@pytest.mark.parametrize(
    ("dates", "year"),
    [
        ({"date": ["20190403"]}, 2019),
        ({"date": ["1999-04-03T00:00:00Z"]}, 1999),
        ({"originaldate": ["0000"], "date": ["1999"]}, 1999),
        ({"originaldate": ["1967"], "date": ["2009"]}, 1967),
        ({"date": ["03/04/1999"]}, 1999),
        ({"date": ["'67"]}, None),
    ],
)
def test_dates(suffix: str, dates: dict[str, list[str]], year: int | None, tmp_path: Path) -> None:
    path = tagged(sounds.write_as(tmp_path, sounds.BY_SUFFIX[suffix], seconds=0.5), dates)
    assert read_tags(str(path)).year == year


def test_an_empty_artist_does_not_hide_the_artist_of_the_album(tmp_path: Path) -> None:
    path = sounds.write_as(tmp_path, sounds.BY_SUFFIX["flac"], seconds=0.5)
    tagged(path, {"artist": ["  "], "albumartist": ["Ada Rowe"]})
    assert read_tags(str(path)).artist == "Ada Rowe"


@pytest.mark.parametrize("suffix", ["flac", "mp3", "m4a", "opus"])
def test_musicbrainz_ids(suffix: str, tmp_path: Path) -> None:
    recording, artist = f"{1:08}-0000-0000-0000-{1:012}", f"{2:08}-0000-0000-0000-{2:012}"
    path = sounds.write_as(tmp_path, sounds.BY_SUFFIX[suffix], seconds=0.5)
    tagged(path, {"musicbrainz_trackid": [recording], "musicbrainz_artistid": [artist]})
    tags = read_tags(str(path))
    assert (tags.recording_id, tags.artist_id) == (recording, artist)


def test_a_compressed_title_is_not_taken_for_text(tmp_path: Path) -> None:
    path = tmp_path / "bomb.mp3"
    path.write_bytes(sounds.mp3_with_compressed_frame(b"TIT2", 1_000_000))
    assert read_tags(str(path)).title == ""


def test_keys_of_genres() -> None:
    assert genre_keys("Rock/Pop; Indie") == ["rockpop", "rock", "pop", "indie"]
    assert genre_keys("?") == ["?"]
    assert genre_keys("") == []
