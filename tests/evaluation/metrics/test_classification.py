import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tunespace.evaluation.metrics.classification import (
    accuracy,
    pr_auc,
    roc_auc,
    tag_figures,
    triplet_accuracy,
)


@pytest.mark.parametrize("levels", [None, 7, 2])
@pytest.mark.parametrize("seed", range(5))
def test_areas_equal_those_of_scikit_learn(seed: int, levels: int | None) -> None:
    random = np.random.default_rng(seed)
    positive = random.random(200) < 0.2
    scores = random.normal(size=200) + positive
    if levels:
        scores = np.floor(scores * levels / 6)
    assert roc_auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    theirs = average_precision_score(positive, scores)
    assert pr_auc(scores, positive) == pytest.approx(theirs, abs=1e-12)


def test_a_tag_of_all_or_none_has_no_value() -> None:
    for positive in (np.ones(4, bool), np.zeros(4, bool)):
        assert np.isnan(roc_auc(np.arange(4.0), positive))
        assert np.isnan(pr_auc(np.arange(4.0), positive))


def test_figures_without_a_group_equal_those_by_hand() -> None:
    random = np.random.default_rng(1)
    positive = random.random((30, 2)) < 0.4
    scores = np.round(random.normal(size=(30, 2)) + positive, 1)
    found = tag_figures(scores, positive)
    # With few tracks a group is one track.
    for tag in (0, 1):
        by_hand: dict[str, list[float]] = {"roc": [], "pr": []}
        for track in range(30):
            others = np.arange(30) != track
            by_hand["roc"].append(roc_auc_score(positive[others, tag], scores[others, tag]))
            by_hand["pr"].append(
                average_precision_score(positive[others, tag], scores[others, tag])
            )
        for name, values in (("roc", found.roc_left_out), ("pr", found.pr_left_out)):
            np.testing.assert_allclose(sorted(values[:, tag]), sorted(by_hand[name]), atol=1e-12)
    assert found.roc_macro.low < found.roc_macro.value < found.roc_macro.high
    assert found.roc_macro.value == pytest.approx(np.mean(found.roc))
    first, _ = found.over(np.array([True, False]))
    assert first.value == pytest.approx(found.roc[0])


def test_a_tag_without_a_value_is_left_out_of_the_mean() -> None:
    positive = np.array([[True, True], [False, True], [True, True]])
    found = tag_figures(np.array([[3.0, 1], [1, 2], [2, 3]]), positive)
    assert found.roc_macro.value == 1
    assert np.isnan(found.roc[1])
    assert found.prevalence.tolist() == [2 / 3, 1]


def test_accuracy_counts_a_shared_first_place_as_a_fair_choice() -> None:
    scores = np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 1, 0]])
    assert accuracy(scores, np.array([0, 0, 2, 0])).tolist() == [1, 0.5, 1 / 3, 0]


def test_triplets() -> None:
    found = triplet_accuracy(np.array([0.9, 0.1, 0.5]), np.array([0.1, 0.9, 0.5]))
    assert found.tolist() == [1, 0, 0.5]


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="do not match"):
        tag_figures(np.ones((2, 2)), np.ones((2, 3), bool))
    with pytest.raises(ValueError, match="not a number"):
        tag_figures(np.full((2, 1), np.nan), np.ones((2, 1), bool))
