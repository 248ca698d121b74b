from pathlib import Path
from typing import Any

import pytest

import sounds
from tunespace.library.cover_art import read_cover_art

PNG = b"\x89PNG\r\n\x1a\n" + b"inside"
JPEG = b"\xff\xd8\xff" + b"beside"


def song(folder: Path, suffix: str = "flac", codec: str = "flac") -> Path:
    samples = sounds.tone(0.5, 44_100)[None]
    return sounds.write(folder / f"song.{suffix}", samples, 44_100, codec)


def put_in(file: Path, data: bytes) -> None:
    from mutagen import flac, id3, mp4

    if file.suffix == ".flac":
        make: Any = flac.Picture
        picture = make()
        picture.type, picture.mime, picture.data = 3, "image/png", data
        open_flac: Any = flac.FLAC
        tagged = open_flac(file)
        tagged.add_picture(picture)
        tagged.save()
    elif file.suffix == ".mp3":
        make_frames: Any = id3.ID3
        frames = make_frames()
        frame: Any = id3.APIC
        frames.add(frame(encoding=3, mime="image/png", type=3, desc="", data=data))
        frames.save(file)
    else:
        open_mp4: Any = mp4.MP4
        cover: Any = mp4.MP4Cover
        tagged = open_mp4(file)
        tagged["covr"] = [cover(data)]
        tagged.save()


@pytest.mark.parametrize(
    ("suffix", "codec"), [("flac", "flac"), ("mp3", "libmp3lame"), ("m4a", "aac")]
)
def test_the_picture_in_a_file_is_its_cover(suffix: str, codec: str, tmp_path: Path) -> None:
    file = song(tmp_path, suffix, codec)
    assert read_cover_art(str(file)) is None
    (tmp_path / "cover.jpg").write_bytes(JPEG)
    put_in(file, PNG)
    found = read_cover_art(str(file))
    assert found is not None
    assert (found.type, found.data) == ("image/png", PNG)


def test_a_picture_in_the_folder_is_the_cover_if_none_is_embedded(tmp_path: Path) -> None:
    file = song(tmp_path)
    (tmp_path / "holiday.jpg").write_bytes(JPEG)
    assert read_cover_art(str(file)) is None
    (tmp_path / "AlbumArt.JPG").write_bytes(JPEG + b" album")
    (tmp_path / "Folder.png").write_bytes(JPEG + b" folder")  # by its bytes, not by its name
    found = read_cover_art(str(file))
    assert found is not None
    assert (found.type, found.data) == ("image/jpeg", JPEG + b" folder")


def test_a_cover_that_is_not_an_image_is_skipped(tmp_path: Path) -> None:
    file = song(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(JPEG + b" secret")
    (tmp_path / "cover.jpg").symlink_to(secret)
    (tmp_path / "cover.png").mkdir()
    (tmp_path / "folder.jpg").write_text("<svg onload=x>")
    assert read_cover_art(str(file)) is None
    (tmp_path / "front.jpg").write_bytes(JPEG)
    found = read_cover_art(str(file))
    assert found is not None
    assert found.data == JPEG


def test_with_damaged_tags_the_picture_in_the_folder_is_used(tmp_path: Path) -> None:
    file = tmp_path / "song.flac"
    file.write_bytes(b"fLaC" + b"\xff" * 50)
    (tmp_path / "cover.jpg").write_bytes(JPEG)
    found = read_cover_art(str(file))
    assert found is not None
    assert found.data == JPEG
