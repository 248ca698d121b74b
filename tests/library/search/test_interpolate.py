import numpy as np

from tunespace.library.search.interpolate import path_between
from tunespace.library.store.vector_matrix import VectorMatrix


def circle(count: int) -> VectorMatrix:
    angles = np.linspace(0, np.pi / 2, count)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return VectorMatrix("", np.arange(count), vectors)


def test_a_path_goes_in_even_steps() -> None:
    assert path_between(circle(91), 0, 90, 7) == [0, 15, 30, 45, 60, 75, 90]
    assert path_between(circle(91), 90, 0, 3) == [90, 45, 0]


def test_no_track_comes_twice() -> None:
    path = path_between(circle(5), 0, 4, 30)
    assert sorted(path) == [0, 1, 2, 3, 4]
    assert (path[0], path[-1]) == (0, 4)
    assert path_between(circle(5), 2, 2, 30) == [2]


def test_opposite_and_equal_ends() -> None:
    vectors = np.array([[1, 0], [-1, 0], [1, 0], [0, 1]], np.float32)
    matrix = VectorMatrix("", np.arange(4), vectors)
    assert path_between(matrix, 0, 1, 4)[::3] == [0, 1]
    assert path_between(matrix, 0, 2, 3)[::2] == [0, 2]
