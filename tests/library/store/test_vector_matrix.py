import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_model
from tunespace.library.store.records import FileStamp, Space, TrackEmbedding
from tunespace.library.store.sqlite import SqliteStore
from tunespace.library.store.vector_matrix import MatrixCache, VectorMatrix, open_matrix
from tunespace.library.tags import Tags
from tunespace.models import load_model


@pytest.fixture
def library(tmp_path: Path) -> tuple[SqliteStore, Space]:
    model = load_model(tiny_model.make(tmp_path / "model"))
    store = SqliteStore(tmp_path / "library")
    with store.writing():
        space = store.ensure_space(model, "")
        store.activate(space)
    put(store, space, range(20))
    return store, space


def put(store: SqliteStore, space: Space, numbers: Any, turn: float = 0.0) -> None:  # noqa: ANN401
    with store.writing():
        for n in numbers:
            vector = np.array([np.cos(n + turn), np.sin(n + turn)], np.float32)
            spans = np.array([[0, 10]], np.float32)
            embedding = TrackEmbedding(
                n.to_bytes(16, "big"), 10.0, vector, spans, vector[None], Tags()
            )
            store.save_track(f"/nowhere/{n}.mp3", FileStamp(1, 1), embedding, space)


def caught_up(matrices: MatrixCache, store: SqliteStore, space: Space) -> VectorMatrix:
    for _ in range(200):
        matrix = matrices.open(store, space)
        if matrix.revision == store.revision:
            return matrix
        matrices._not_before = 0.0  # noqa: SLF001 - it would rest a while
        time.sleep(0.01)
    raise AssertionError("it never catches up")


def same(one: VectorMatrix, other: VectorMatrix) -> bool:
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.vectors, other.vectors)


def test_each_state_is_opened_once(library: tuple[SqliteStore, Space]) -> None:
    store, space = library
    matrices = MatrixCache()
    first = matrices.open(store, space)
    assert matrices.open(store, space) is first
    put(store, space, [99])
    assert len(matrices.open(store, space).ids) == 21


def test_searches_go_on_while_the_next_state_is_opened(library: tuple[SqliteStore, Space]) -> None:
    store, space = library
    matrices = MatrixCache(background=True)
    first = matrices.open(store, space)
    put(store, space, [50, 51])
    assert matrices.open(store, space) is first
    assert len(caught_up(matrices, store, space).ids) == 22


def test_an_updated_matrix_equals_the_store(library: tuple[SqliteStore, Space]) -> None:
    store, space = library
    matrices = MatrixCache(background=True)
    matrices.open(store, space)
    removed: list[list[int]] = [[], [], [2, 5], [], [8]]
    stored: list[tuple[Any, float]] = [
        (range(30, 35), 0.0),
        ([3, 40, 7], 1.0),  # two are embedded again
        ([], 0.0),
        ([60], 0.0),
        ([61], 0.0),
    ]
    for gone, (numbers, turn) in zip(removed, stored, strict=True):
        if gone:
            with store.writing():
                store.remove_tracks(gone)
        put(store, space, numbers, turn)
        assert same(caught_up(matrices, store, space), open_matrix(store, space))


@pytest.mark.parametrize("name", ["vectors.npy", "ids.npy", "checksums.json"])
@pytest.mark.parametrize("damage", ["zeros", "truncated", "missing", "flipped"])
def test_a_damaged_matrix_is_written_again(
    library: tuple[SqliteStore, Space], name: str, damage: str
) -> None:
    store, space = library
    expected = open_matrix(store, space)
    ids, vectors = expected.ids.copy(), expected.vectors.copy()
    [file] = (store.folder / "vectors").glob(f"*/{name}")
    content = file.read_bytes()
    file.unlink()  # the matrix above is still mapped
    if damage == "zeros":
        file.write_bytes(bytes(len(content)))
    elif damage == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        file.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    assert same(open_matrix(store, space), VectorMatrix("", ids, vectors))
    assert same(open_matrix(store, space), VectorMatrix("", ids, vectors))
    assert len(list((store.folder / "vectors").iterdir())) == 1
