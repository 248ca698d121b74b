import numpy as np
import pytest

from tunespace.evaluation.metrics.bootstrap import difference, figure, jackknife_figure


def test_interval_of_a_mean_is_that_of_statistics() -> None:
    values = np.random.default_rng(0).normal(size=2000)
    found = figure(values)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found.low == pytest.approx(values.mean() - half, abs=0.005)
    assert found.high == pytest.approx(values.mean() + half, abs=0.005)


def test_intervals_have_their_nominal_coverage() -> None:
    random = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        found = figure(random.normal(size=80))
        held += found.low <= 0 <= found.high
    assert 0.90 <= held / 300 <= 0.98


def test_same_input_same_figure() -> None:
    values = np.random.default_rng(2).random(50)
    assert figure(values) == figure(values)
    assert figure(values).draws.tolist() == figure(values).draws.tolist()
    assert figure(values, seed=1).draws.tolist() != figure(values).draws.tolist()


def test_values_that_are_missing_are_left_out() -> None:
    found = figure(np.array([1.0, np.nan, 3.0]))
    assert (found.value, found.n) == (2, 2)
    empty = figure(np.array([np.nan]))
    assert np.isnan(empty.value)
    assert empty.as_json()["value"] is None


def test_median() -> None:
    assert figure(np.array([1.0, 2, 100]), statistic="median").value == 2


def test_the_jackknife_of_a_mean_has_the_variance_of_statistics() -> None:
    values = np.random.default_rng(5).random(100)
    left_out = (values.sum() - values) / 99
    found = jackknife_figure(float(values.mean()), left_out, 100, "tracks", seed=0)
    half = 1.98 * values.std(ddof=1) / 10
    assert found.high - found.low == pytest.approx(2 * half, rel=0.05)
    assert found.draws.mean() == pytest.approx(values.mean(), abs=0.005)
    assert found.draws.std() == pytest.approx(values.std() / 10, rel=0.1)


def test_few_units_are_marked() -> None:
    few, enough = figure(np.tile([0.0, 1.0], 9)), figure(np.tile([0.0, 1.0], 10))
    assert few.as_json()["few_units"] is True
    assert few.format_interval().endswith("*")
    assert "few_units" not in enough.as_json()
    assert not enough.format_interval().endswith("*")


def test_paired_differences_remove_shared_variance() -> None:
    random = np.random.default_rng(3)
    hard = random.normal(size=200) * 5
    first, second = hard + 0.5, hard + random.normal(size=200) * 0.5
    apart = figure(first), figure(second)
    assert apart[0].low < apart[1].high  # the intervals overlap
    found = difference(*apart)
    assert found.low > 0
    assert found.p < 0.01


def test_a_model_has_no_difference_from_itself() -> None:
    same = figure(np.random.default_rng(4).random(60))
    assert difference(same, same).p == 1


def test_other_queries_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="in pairs"):
        difference(figure(np.ones(3)), figure(np.ones(4)))
