import numpy as np
import pytest

from tunespace.evaluation.metrics.bootstrap import figure
from tunespace.evaluation.metrics.classification import tag_figures
from tunespace.evaluation.metrics.intervals import mean_interval, median_interval


def covered(values: np.ndarray, true: float, scale: tuple[float, float] = (0.0, 1.0)) -> float:
    """Return how often the interval of each row contains the true mean."""
    intervals = [mean_interval(row, scale) for row in values]
    return float(np.mean([low <= true <= high for low, high in intervals]))


@pytest.mark.parametrize("units", [20, 100])
@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.95])
def test_intervals_of_rates_hold(p: float, units: int) -> None:
    values = (np.random.default_rng(0).random((2000, units)) < p).astype(float)
    assert covered(values, p) >= 0.92


@pytest.mark.parametrize(("a", "b"), [(0.3, 2.0), (2.0, 2.0), (8.0, 1.5)])
def test_intervals_of_skewed_figures_hold(a: float, b: float) -> None:
    values = np.random.default_rng(1).beta(a, b, (2000, 20))
    assert covered(values, a / (a + b)) >= 0.92


def test_intervals_of_ranks_use_their_scale() -> None:
    random = np.random.default_rng(2)
    ranks = random.integers(1, 101, (1000, 30)).astype(float)
    assert covered(ranks, 50.5, scale=(1.0, 100.0)) >= 0.93
    first = np.ones(20)
    assert mean_interval(first, (1.0, 100.0))[0] == 1
    assert mean_interval(first, (1.0, 100.0))[1] < 20


def test_values_outside_of_the_scale_have_a_symmetric_interval() -> None:
    values = np.random.default_rng(3).normal(size=(2000, 30))
    assert covered(values, 0.0) == pytest.approx(0.95, abs=0.015)
    low, high = mean_interval(values[0])
    assert (low + high) / 2 == pytest.approx(values[0].mean())


def test_intervals_of_medians_hold_and_contain_them() -> None:
    random = np.random.default_rng(4)
    held = 0
    for _ in range(1000):
        values = np.exp(random.normal(size=25))
        low, high = median_interval(values)
        held += low <= 1 <= high
        assert low <= np.median(values) <= high
    assert held >= 930


def test_equal_values_have_an_interval_around_them() -> None:
    for value in (0.0, 1.0):
        low, high = mean_interval(np.full(40, value))
        assert low <= value <= high
        assert 0.05 < high - low < 0.12
    assert mean_interval(np.full(40, 0.5))[0] < 0.5


def test_every_interval_of_average_precision_contains_its_value() -> None:
    random = np.random.default_rng(5)
    held = []
    values, intervals = [], []
    for _ in range(150):
        carried = random.random((120, 9)) < np.linspace(0.04, 0.3, 9)
        scores = (random.normal(size=(120, 9)) + 1.5 * carried).astype(np.float32)
        found = tag_figures(scores, carried)
        for one in (found.pr_macro, found.roc_macro):
            assert one.low <= one.value <= one.high
        values.append(found.pr_macro.value)
        intervals.append((found.pr_macro.low, found.pr_macro.high))
    true = np.mean(values)
    held = [low <= true <= high for low, high in intervals]
    assert np.mean(held) >= 0.91


def test_means_and_medians_contain_their_value() -> None:
    random = np.random.default_rng(6)
    for n in (1, 2, 5, 40):
        for values in (random.random(n), (random.random(n) < 0.2).astype(float)):
            for statistic in ("mean", "median"):
                found = figure(values, statistic="median" if statistic == "median" else "mean")
                assert found.low <= found.value <= found.high
