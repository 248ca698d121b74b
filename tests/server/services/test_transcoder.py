"""Files that browsers do not play are converted once, by a process that cannot do harm."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

import sounds
from tunespace.audio import decode
from tunespace.errors import AudioError
from tunespace.server.services import transcoder
from tunespace.server.services.transcoder import Transcoder


def aiff(folder: Path, name: str = "a", seconds: float = 2.0) -> Path:
    samples = sounds.tone(seconds, 44_100, 440.0)[None]
    return sounds.write(folder / f"{name}.aiff", samples, 44_100, "pcm_s16be")


@contextmanager
def started() -> Iterator[Callable[[], int]]:
    """Counts the conversions that are really made."""
    made: list[Path] = []
    before = Transcoder._transcode  # noqa: SLF001

    async def make(self: Transcoder, key: transcoder.Key, file: Path) -> Path:
        made.append(file)
        return await before(self, key, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transcoder, "_transcode", make)
        yield lambda: len(made)


def test_concurrent_requests_share_one_transcode(tmp_path: Path) -> None:
    file = aiff(tmp_path)

    async def ask() -> None:
        made = Transcoder()
        with started() as count:
            found = await asyncio.gather(*(made.flac_of(file) for _ in range(5)))
            assert len(set(found)) == 1
            assert await made.flac_of(file) == found[0]
            assert count() == 1
        assert decode(found[0], 16_000).tolist() == decode(file, 16_000).tolist()
        await made.close()
        assert not found[0].exists()

    asyncio.run(ask())


def test_a_disconnected_client_does_not_cancel_a_shared_job(tmp_path: Path) -> None:
    file = aiff(tmp_path)

    async def ask() -> None:
        made = Transcoder()
        gone = asyncio.create_task(made.flac_of(file))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(made.flac_of(file))
        await asyncio.sleep(0.05)
        gone.cancel()
        assert (await waiting).exists()
        await made.close()

    asyncio.run(ask())


def test_the_oldest_transcode_is_deleted_first(tmp_path: Path) -> None:
    files = [aiff(tmp_path, name) for name in "abc"]

    async def ask() -> None:
        made = Transcoder(cache_bytes=1)
        found = [await made.flac_of(file) for file in files]
        assert [path.exists() for path in found] == [False, False, True]
        assert (await made.flac_of(files[0])).exists()
        await made.close()

    asyncio.run(ask())


def test_too_many_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcoder, "_MAX_WAITING", 2)
    files = [aiff(tmp_path, name) for name in "abc"]

    async def ask() -> None:
        made = Transcoder()
        found = await asyncio.gather(
            *(made.flac_of(file) for file in files), return_exceptions=True
        )
        assert [isinstance(one, Path) for one in found] == [True, True, False]
        assert isinstance(found[2], HTTPException)
        assert found[2].status_code == 503
        await made.close()

    asyncio.run(ask())


def test_a_failed_transcode_is_reported_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.aiff").write_bytes(b"no sound")
    file = aiff(tmp_path, seconds=20.0)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    async def ask() -> None:
        made = Transcoder()
        with pytest.raises(AudioError, match="not audio"):
            await made.flac_of(tmp_path / "b.aiff")
        with monkeypatch.context() as patch:
            patch.setattr(transcoder, "_COMMAND", "import time; time.sleep(60)")
            patch.setattr(transcoder, "_MAX_SECONDS", 0.2)
            with pytest.raises(AudioError, match="takes too long"):
                await made.flac_of(file)
        assert list((tmp_path / "temporary").glob("*/*")) == []
        assert (await made.flac_of(file)).exists()
        await made.close()

    asyncio.run(ask())


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    import subprocess
    import sys

    aiff(tmp_path, seconds=20.0)
    command = (
        "import sys; from tunespace.server.services import transcoder;"
        "transcoder._MAX_FILE_BYTES = 1000;"
        "transcoder.main(*sys.argv[1:])"
    )
    arguments = [str(tmp_path / "a.aiff"), str(tmp_path / "b.flac")]
    ran = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True)  # noqa: S603
    assert "disk is full" in json.loads(ran.stdout)["reason"]


def test_a_track_is_sent_converted_in_ranges(client: Callable[..., TestClient]) -> None:
    api = client()
    hits = api.get("/api/search", params={"q": "low"}).json()["hits"]
    address = f"/api/tracks/{hits[0]['track']['id']}/audio"
    whole = api.get(address, params={"convert": "flac"})
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/flac")
    assert whole.content[:4] == b"fLaC"
    part = api.get(address, params={"convert": "flac"}, headers={"range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, whole.content[4:10])
    assert api.get(address, params={"convert": "exe"}).status_code == 422
