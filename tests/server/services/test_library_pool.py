"""A running server and a library that changes under it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import sounds
import tiny_model
from tunespace.library import Library

Client = Callable[..., TestClient]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name, hertz in (("a low", 300.0), ("b high", 5000.0)):
        write(folder / f"{name}.flac", hertz)
    return folder


@pytest.fixture
def own(tmp_path: Path, music: Path) -> Path:
    """A library that the test may change."""
    model = str(tiny_model.make(tmp_path / "model"))
    index(tmp_path / "library", music, model)
    return tmp_path / "library"


def write(path: Path, hertz: float) -> None:
    tags = {"title": path.stem[2:]}
    tone = 0.5 * sounds.tone(2.0, 16_000, hertz)
    sounds.write(path, tone[None], 16_000, "flac", tags=tags)


def index(folder: Path, music: Path, model: str | None = None) -> None:
    with Library.open(folder, model=model) as library:
        library.index([music], workers=1)


def best(api: TestClient, words: str) -> str:
    response = api.get("/api/search", params={"q": words}).json()
    return str(response["hits"][0]["track"]["title"])


def test_a_removed_track_leaves_nothing_to_a_new_one(
    client: Client, own: Path, music: Path
) -> None:
    api = client(library=own)
    low = api.get("/api/search?q=low").json()["hits"][0]["track"]["id"]
    assert best(api, "low") == "low"
    (music / "a low.flac").unlink()
    index(own, music)
    write(music / "c high.flac", 5200.0)
    index(own, music)
    assert api.get(f"/api/tracks/{low}").status_code == 404
    assert api.get(f"/api/tracks/{low}/artwork?placeholder=true").status_code == 404
    ids = [track["id"] for track in api.get("/api/tracks").json()["tracks"]]
    assert low not in ids
    assert len(ids) == 2


def test_a_library_in_the_place_of_a_deleted_one_is_searched(
    client: Client, own: Path, tmp_path: Path
) -> None:
    api = client(library=own)
    assert best(api, "low") == "low"
    for file in own.glob("library.db*"):
        file.unlink()
    other = tmp_path / "other"
    other.mkdir()
    write(other / "a treble.flac", 5000.0)
    write(other / "b bass.flac", 300.0)
    index(own, other, str(tmp_path / "model"))
    assert best(api, "low") == "bass"
    assert best(api, "high") == "treble"


def test_a_restored_library_is_searched(
    client: Client, own: Path, music: Path, tmp_path: Path
) -> None:
    backup = shutil.copytree(own, tmp_path / "backup")
    write(music / "c middle.flac", 1500.0)
    index(own, music)
    api = client(library=own)
    assert len(api.get("/api/search?q=low").json()["hits"]) == 3
    shutil.rmtree(own)
    shutil.copytree(backup, own)
    assert len(api.get("/api/search?q=low").json()["hits"]) == 2


def test_a_library_that_was_indexed_with_another_model_is_searched_with_it(
    client: Client, own: Path, music: Path, tmp_path: Path
) -> None:
    api = client(library=own, allow_write=True)
    assert best(api, "low") == "low"
    clip = api.post("/api/clips", content=(music / "a low.flac").read_bytes()).json()["clip"]
    other = shutil.copytree(tmp_path / "model", tmp_path / "other")
    tiny_model.write_config(other, name="other")
    index(own, music, str(other))

    assert best(api, "low") == "low"
    assert len(api.get("/api/search?q=low").json()["hits"]) == 2
    assert api.get("/health").json()["model"] == "other"
    query = {"terms": [{"clip": clip, "weight": 1}]}
    refused = api.post("/api/search", json=query)
    assert refused.status_code == 422
    assert "another model" in refused.json()["detail"]
    new = api.post("/api/clips", content=(music / "a low.flac").read_bytes()).json()["clip"]
    hits = api.post("/api/search", json={"terms": [{"clip": new, "weight": 1}]}).json()["hits"]
    assert hits[0]["track"]["title"] == "low"

    api.post("/api/index")
    while api.get("/api/index").json()["state"] == "running":
        pass
    status = api.get("/api/index").json()
    assert (status["state"], status["updated"]) == ("done", 0)
    with Library.open(own) as library:
        assert library.model.name == "other"
