import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import sounds
from polling import wait_until
from tunespace.library import Library

Client = Callable[..., TestClient]


@pytest.fixture
def own(library: Path, tmp_path: Path) -> Path:
    """A library of its own, of a folder of its own."""
    music = tmp_path / "music"
    shutil.copytree(library.parent / "music", music)
    with Library.open(tmp_path / "library", model=str(library.parent / "model")) as lib:
        lib.index([music], workers=1)
        assert lib.roots() == [str(music)]
    return tmp_path / "library"


def ended(api: TestClient) -> Any:  # noqa: ANN401 - JSON
    wait_until(lambda: api.get("/api/index").json()["state"] != "running", tries=200)
    return api.get("/api/index").json()


def test_the_library_is_brought_up_to_date(client: Client, own: Path) -> None:
    api = client(library=own, allow_write=True)
    assert api.get("/health").json()["writable"]
    assert api.get("/api/index").json()["state"] == "idle"
    music = own.parent / "music"
    (music / "low.flac").unlink()
    sounds.write(music / "new.flac", sounds.tone(2.0, 16_000, 310.0)[None], 16_000, "flac")
    (music / "bad.mp3").write_bytes(b"bad")
    assert api.post("/api/index").status_code == 202
    with api.stream("GET", "/api/index/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert events[-1]["state"] == "done"
    job = ended(api)
    assert (job["added"], job["removed"], job["failed"]) == (1, 1, 2)
    # The next state is opened beside the searches.
    wait_until(lambda: "new" in api.get("/api/search?q=low").text, tries=100)
    assert "new" in api.get("/api/search?q=low").text
    failures = api.get("/api/index/failures").json()
    assert failures["total"] == 2
    assert {one["file"] for one in failures["failures"]} == {"bad.mp3", "broken.mp3"}
    assert all("/" not in one["file"] for one in failures["failures"])


def test_indexing_needs_allow_write(client: Client, own: Path) -> None:
    api = client(library=own)
    assert not api.get("/health").json()["writable"]
    refused = api.post("/api/index")
    assert refused.status_code == 403
    assert "--allow-write" in refused.json()["detail"]


def test_one_run_at_a_time(client: Client, own: Path) -> None:
    from filelock import FileLock

    api = client(library=own, allow_write=True)
    with FileLock(own / "writer.lock"):
        api.post("/api/index")
        job = ended(api)
    assert job["state"] == "failed"
    assert "another process is writing" in job["reason"]
    api.post("/api/index")
    assert ended(api)["state"] == "done"


def test_metrics_are_in_prometheus_format(client: Client) -> None:
    api = client()
    api.get("/api/search?q=low")
    api.get("/api/tracks/999")
    api.get("/nothing/of/the/kind")
    metrics = api.get("/metrics").text
    assert "tunespace_tracks 3.0" in metrics
    searched = 'tunespace_requests_total{method="GET",route="/api/search",status="200"} 1.0'
    assert searched in metrics
    assert 'route="/api/tracks/{id}",status="404"' in metrics
    assert "/nothing" not in metrics
    assert 'tunespace_request_seconds_count{route="/api/search"} 1.0' in metrics
