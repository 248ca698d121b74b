from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from polling import wait_until
from tunespace.library import Library
from tunespace.library.store.sqlite import SqliteStore
from tunespace.models import load_model
from tunespace.server.services.map_layout import Layout, lay_out

Client = Callable[..., TestClient]


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of 300 tracks that sound like three words of the bundled model."""
    folder = tmp_path_factory.mktemp("clusters") / "library"
    model = load_model()
    store = SqliteStore(folder)
    random = np.random.default_rng(0)
    words = model.embed_text(["heavy metal", "baroque harpsichord", "deep house"])
    with store.writing():
        space = store.ensure_space(model, "tunespace-small")
        for n in range(300):
            vector = words[n % 3] + 0.03 * random.normal(size=model.dim)
            put(store, space, n, (vector / np.linalg.norm(vector)).astype(np.float32))
        store.activate(space)
    store.close()
    return folder


def put(store: SqliteStore, space: Any, number: int, vector: np.ndarray) -> None:  # noqa: ANN401
    from tunespace.library.store.records import FileStamp, TrackEmbedding
    from tunespace.library.tags import Tags

    genre = ("Metal", "Baroque", "House")[number % 3]
    embedding = TrackEmbedding(
        content=number.to_bytes(16, "big"),
        seconds=100.0,
        vector=vector,
        spans=np.array([[0, 100]], np.float32),
        windows=vector[None],
        tags=Tags(title=f"{genre} {number}", genre=genre),
    )
    store.save_track(f"/nowhere/{number}.mp3", FileStamp(1, 1), embedding, space)


def test_similar_tracks_are_neighbours_on_the_map(clusters: Path, tmp_path: Path) -> None:
    with Library.open(clusters) as library:
        layout = lay_out(library, tmp_path / "landmarks.npz")
        again = lay_out(library, tmp_path / "landmarks.npz")
        anew = lay_out(library, tmp_path / "others.npz")
    assert np.array_equal(layout.places, again.places)
    assert np.array_equal(layout.places, anew.places)
    assert np.abs(layout.places).max() <= 1
    kind = (layout.ids - layout.ids[0]) % 3
    middles = np.stack([layout.places[kind == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(layout.places[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == kind).mean() > 0.98
    assert set(layout.genre_names) == {"Metal", "Baroque", "House"}
    assert [layout.genre_names[g] for g in layout.genres[:3]] == ["Metal", "Baroque", "House"]
    assert sum(region.count for region in layout.regions) == 300
    names = [region.name for region in layout.regions]
    assert len(set(names)) == len(names)
    layout.save(tmp_path / "map.npz")
    loaded = Layout.load(tmp_path / "map.npz")
    assert np.array_equal(loaded.places, layout.places)
    assert loaded.regions == layout.regions


def test_new_tracks_do_not_move_the_others(clusters: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "library"
    shutil.copytree(clusters, copy)
    with Library.open(copy) as library:
        before = lay_out(library, tmp_path / "landmarks.npz")
    store = SqliteStore(copy)
    space = store.active_space
    assert space is not None
    with store.writing():
        put(store, space, 999, load_model().embed_text(["heavy metal"])[0])
    store.close()
    with Library.open(copy) as library:
        after = lay_out(library, tmp_path / "landmarks.npz")
    assert np.allclose(after.places[:300], before.places)
    metal = before.places[0::3]
    apart = np.linalg.norm(after.places[300] - metal.mean(axis=0))
    assert apart < np.linalg.norm(metal - metal.mean(axis=0), axis=1).max() + 0.05


def made(api: TestClient) -> Any:  # noqa: ANN401 - JSON
    wait_until(lambda: api.get("/api/map").json()["state"] != "making", tries=1200)
    return api.get("/api/map").json()


def test_the_map_of_a_server(client: Client, clusters: Path) -> None:
    api = client(library=clusters)
    assert api.get("/api/map/points", params={"version": 0}).status_code == 409
    found = made(api)
    assert found["state"] == "ready"
    assert found["count"] == 300
    assert len(found["regions"]) >= 3
    points = api.get("/api/map/points", params={"version": found["version"]}).content
    assert len(points) == 300 * (8 + 8 + 1)
    ids = np.frombuffer(points, "<f8", 300)
    places = np.frombuffer(points, "<f4", 600, offset=300 * 8).reshape(300, 2)
    assert np.abs(places).max() <= 1
    scores = api.post(
        "/api/map/scores",
        params={"version": found["version"]},
        json={"terms": [{"text": "heavy metal"}]},
    ).content
    values = np.frombuffer(scores, np.uint8)
    assert values[0::3].min() > values[1::3].max()
    some = {"ids": [int(ids[2]), int(ids[0]), 10**9]}
    titles = [t["title"] for t in api.post("/api/map/tracks", json=some).json()["tracks"]]
    assert titles == ["House 2", "Metal 0"]


def test_a_few_tracks_have_a_map(client: Client) -> None:
    api = client()
    found = made(api)
    assert (found["state"], found["count"], found["regions"]) == ("ready", 3, [])
