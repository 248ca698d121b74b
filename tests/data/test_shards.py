import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest

import sounds
from tiny_music import manifest
from tunespace.audio import decode
from tunespace.audio.archives import exists, open_member
from tunespace.data.manifest import Item, load_manifest, missing_audio
from tunespace.errors import AudioError, DataError

RATE = 16_000


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Item, ...]:
    return load_manifest(manifest(tmp_path_factory.mktemp("music"))).items


def known(item: Item) -> dict[str, Any]:
    return {"tags": item.tags, "captions": item.captions, "artist": item.artist} | (
        {"split": item.split} if item.split else {}
    )


def put(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def shards(items: tuple[Item, ...], folder: Path) -> Path:
    folder.mkdir()
    for n in range(2):
        with tarfile.open(folder / f"music-{n:03d}.tar", "w") as archive:
            for k, item in enumerate(items[n::2]):
                assert item.audio is not None
                put(archive, f"clips/{k:04d}.wav", item.audio.read_bytes())
                put(archive, f"clips/{k:04d}.json", json.dumps(known(item)).encode())
    return folder


def table(items: tuple[Item, ...], path: Path) -> Path:
    rows = [
        known(item) | {"audio": {"bytes": item.audio.read_bytes(), "path": item.audio.name}}
        for item in items
        if item.audio is not None
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=4)
    return path


@pytest.mark.parametrize("kind", ["folder", "pattern", "parquet"])
def test_clips_of_shards_equal_their_files(
    kind: str, plain: tuple[Item, ...], tmp_path: Path
) -> None:
    if kind == "parquet":
        found = load_manifest(table(plain, tmp_path / "music.parquet"))
        wanted = list(plain)
    else:
        folder = shards(plain, tmp_path / "shards")
        found = load_manifest(folder if kind == "folder" else folder / "music-*.tar")
        wanted = [*plain[::2], *plain[1::2]]
    assert len({item.track_id for item in found.items}) == len(plain)
    assert missing_audio(found.items) == []
    for item, other in zip(found.items, wanted, strict=True):
        assert known(item) == known(other)
        assert item.audio is not None
        assert other.audio is not None
        np.testing.assert_array_equal(decode(item.audio, RATE), decode(other.audio, RATE))


def test_a_caption_can_be_a_text_file_next_to_the_audio(tmp_path: Path) -> None:
    sounds.wav(tmp_path / "a.wav", sounds.tone(1.0, RATE, 440))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        put(archive, "x.wav", (tmp_path / "a.wav").read_bytes())
        put(archive, "x.txt", b"a tone\n")
    (item,) = load_manifest(tmp_path / "a.tar").items
    assert item.captions == ("a tone",)
    assert item.track_id == "a.tar!/x.wav"


def test_an_invalid_sample_of_a_shard_is_one_problem(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        put(archive, "x.wav", b"x")
        put(archive, "x.json", b"{")
        put(archive, "y.wav", b"y")
        put(archive, "y.json", b"[1]")
        put(archive, "z.json", b"{}")
        put(archive, "ok.wav", b"ok")
    rejected: list[str] = []
    (item,) = load_manifest(tmp_path / "a.tar", rejected=rejected).items
    with pytest.raises(ValueError, match="Expecting") as error:
        json.loads("{")
    sentence = f"sample 1 (x): its .json is not JSON ({error.value})"
    assert item.track_id.endswith("ok.wav")
    assert [line.partition("a.tar ")[2] for line in rejected] == [
        sentence,
        "sample 2 (y): its .json is not an object",
        "line 3: names no audio",
    ]


def test_a_missing_member_of_a_shard_does_not_exist(
    plain: tuple[Item, ...], tmp_path: Path
) -> None:
    folder = shards(plain, tmp_path / "shards")
    gone = folder / "music-000.tar!" / "none.wav"
    assert not exists(gone)
    with pytest.raises(AudioError, match=r"is not in music-000\.tar"):
        decode(gone, RATE)
    with pytest.raises(AudioError, match="cannot be read"):
        decode(folder / "music-009.tar!" / "clips" / "0000.wav", RATE)
    rows = table(plain, tmp_path / "music.parquet")
    for number in ("0", "19", "x"):
        assert not exists(Path(f"{rows}!") / number)


@pytest.mark.parametrize("name", ["none.tar", "no-*.tar", "empty", "text.tar", "packed.tar"])
def test_unreadable_shards_are_reported(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.tar").write_text("no archive " * 100)
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as archive:
        put(archive, "x.wav", b"x")
    with pytest.raises(DataError) as error:
        load_manifest(tmp_path / name)
    assert name.rstrip("*") in str(error.value)


def test_a_window_is_a_file(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        put(archive, "x", b"before")
        put(archive, "y", b"0123456789")
        put(archive, "z", b"after")
    with open_member(tmp_path / "a.tar", "y") as found:
        assert found.read() == b"0123456789"
        assert found.seek(-3, io.SEEK_END) == 7
        assert found.read(10) == b"789"
        assert found.read(1) == b""
        assert found.seek(2) == 2
        assert found.seek(1, io.SEEK_CUR) == 3
        assert found.read(2) == b"34"
        assert found.tell() == 5
