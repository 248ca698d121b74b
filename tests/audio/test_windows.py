import numpy as np
import pytest

from tunespace.audio import Window, cut_windows


def track(frames: int) -> np.ndarray:
    """Frames that hold their own index, ``(frames, 2)``."""
    return np.repeat(np.arange(frames, dtype=np.float32)[:, None], 2, axis=1)


def spans(windows: list[Window]) -> list[tuple[int, int]]:
    return [(window.start, window.stop) for window in windows]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (10, [(0, 10)]),
        (11, [(0, 10), (1, 11)]),
        (19, [(0, 10), (9, 19)]),
        (20, [(0, 10), (10, 20)]),
        (34, [(0, 10), (10, 20), (20, 30), (24, 34)]),
    ],
)
def test_windows_cover_the_whole_track(frames: int, expected: list[tuple[int, int]]) -> None:
    windows = list(cut_windows([track(frames)], 10, 10))
    assert spans(windows) == expected
    for window in windows:
        np.testing.assert_array_equal(window.frames, track(frames)[window.start : window.stop])


@pytest.mark.parametrize("hop", [1, 3, 5, 10])
@pytest.mark.parametrize("frames", [1, 9, 10, 11, 25, 60])
@pytest.mark.parametrize("block", [1, 7, 10, 23])
def test_blocks_of_any_size_give_the_same_windows(hop: int, frames: int, block: int) -> None:
    whole = track(frames)
    at_once = list(cut_windows([whole], 10, hop))
    in_blocks = list(cut_windows((whole[i : i + block] for i in range(0, frames, block)), 10, hop))
    assert spans(at_once) == spans(in_blocks)
    for one, other in zip(at_once, in_blocks, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
    covered = {i for start, stop in spans(at_once) for i in range(start, stop)}
    assert covered == set(range(frames))
    assert len(set(spans(at_once))) == len(at_once)


def test_a_short_track_is_repeated_to_fill_its_window() -> None:
    (window,) = cut_windows([track(4)], 10, 10)
    assert (window.start, window.stop) == (0, 4)
    np.testing.assert_array_equal(window.frames[:, 0], [0, 1, 2, 3, 0, 1, 2, 3, 0, 1])
    np.testing.assert_array_equal(window.frames[:, 0], window.frames[:, 1])


def test_no_frames_no_windows() -> None:
    assert list(cut_windows([], 10, 10)) == []
    assert list(cut_windows([track(0)], 10, 10)) == []


@pytest.mark.parametrize(("length", "hop"), [(10, 0), (10, 11), (0, 0)])
def test_windows_that_would_leave_gaps_are_refused(length: int, hop: int) -> None:
    with pytest.raises(ValueError, match="0 < hop <= length must hold"):
        list(cut_windows([track(5)], length, hop))
