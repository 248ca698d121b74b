import numpy as np
import numpy.typing as npt
import pytest

from tunespace.library.search.score_calibration import ScoreCalibration, calibrate

QUERY = np.array([1, 0], np.float32)


def on_circle(cosines: list[float]) -> npt.NDArray[np.float32]:
    x = np.array(cosines, np.float32)
    return np.stack([x, np.sqrt(1 - x**2)], axis=1)


def test_one_deviation_is_50_and_two_are_90() -> None:
    scale = ScoreCalibration(0.1, 0.2)
    assert scale(0.3) == pytest.approx(50)
    assert scale(0.5) == pytest.approx(90, abs=0.1)
    assert scale(0.1) == pytest.approx(10, abs=0.1)


def test_a_library_without_matches_gets_low_scores() -> None:
    reference = on_circle(list(np.linspace(-0.6, 0.6, 100)))
    poor = np.full(1000, -0.5, np.float32)
    poor[0] = -0.3
    assert calibrate(QUERY, reference, poor)(-0.3) < 25


def test_a_library_of_matches_only_gets_high_scores() -> None:
    reference = on_circle(list(np.linspace(-0.6, 0.6, 100)))
    rich = np.full(1000, 0.8, np.float32)
    assert calibrate(QUERY, reference, rich)(0.8) > 40


def test_a_few_tracks_are_compared_with_the_reference() -> None:
    reference = on_circle(list(np.linspace(-0.6, 0.6, 100)))
    alone = calibrate(QUERY, reference, np.array([0.9], np.float32))
    assert alone(0.9) > 90


def test_scores_are_valid_without_reference_music() -> None:
    nothing = np.empty((0, 2), np.float32)
    scale = calibrate(QUERY, nothing, np.array([0.9], np.float32))
    assert 0 <= scale(-1) < scale(0.9) <= 100
    same = calibrate(QUERY, nothing, np.full(5, 0.3, np.float32))
    assert 0 <= same(0.3) <= 100
