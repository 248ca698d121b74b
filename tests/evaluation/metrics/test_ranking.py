from collections.abc import Callable
from typing import Any

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, P, R, Success, nDCG

from tunespace.evaluation.metrics.ranking import (
    Ranked,
    Ties,
    average_precision,
    first_rank,
    hit_rate_at,
    ndcg_at,
    precision_at,
    rank_scores,
    rank_vectors,
    recall_at,
    reciprocal_rank,
)

Measure = tuple[Any, Callable[[Ranked], np.ndarray]]

MEASURES: list[Measure] = [
    (R @ 1, lambda r: recall_at(r, 1)),
    (R @ 5, lambda r: recall_at(r, 5)),
    (R @ 10, lambda r: recall_at(r, 10)),
    (Success @ 5, lambda r: hit_rate_at(r, 5)),
    (P @ 10, lambda r: precision_at(r, 10)),
    (AP @ 10, lambda r: average_precision(r, 10)),
    (AP, average_precision),
    (RR, reciprocal_rank),
    (nDCG @ 10, lambda r: ndcg_at(r, 10)),
    (nDCG @ 200, lambda r: ndcg_at(r, 200)),
]


def reference(
    measure: ir_measures.Measure,
    scores: np.ndarray,
    relevant: list[np.ndarray],
    gains: list[np.ndarray] | None,
    ties: Ties,
) -> np.ndarray:
    """The same by ir-measures (trec_eval), which breaks ties by name: the later name goes first."""
    found = np.full(len(scores), np.nan)
    for q, row in enumerate(scores):
        good = {"pessimistic": "a", "optimistic": "z"}[ties]
        other = {"pessimistic": "z", "optimistic": "a"}[ties]
        name = [(good if n in relevant[q] else other) + str(n) for n in range(len(row))]
        if not len(relevant[q]):
            continue
        weight = gains[q] if gains else np.ones(len(relevant[q]))
        qrels = {"q": {name[n]: int(w) for n, w in zip(relevant[q], weight, strict=True)}}
        run = {"q": {name[n]: float(s) for n, s in enumerate(row) if np.isfinite(s)}}
        found[q] = next(ir_measures.iter_calc([measure], qrels, run)).value
    return found


def made(seed: int, *, levels: int | None = None) -> tuple[np.ndarray, list[np.ndarray]]:
    """Scores of 40 queries for 60 items, and up to 30 relevant items each; the first has none."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(40, 60)).astype(np.float32)
    if levels:
        scores = random.integers(levels, size=scores.shape).astype(np.float32)
    counts = [0, 1, 1, 30, 60, *random.integers(1, 30, size=35)]
    return scores, [random.permutation(60)[:count] for count in counts]


@pytest.mark.parametrize("measure", MEASURES, ids=[str(m) for m, _ in MEASURES])
@pytest.mark.parametrize("levels", [None, 5, 2, 1], ids=["no ties", "5 levels", "2 levels", "flat"])
@pytest.mark.parametrize("ties", ["pessimistic", "optimistic"])
def test_equals_trec_eval(measure: Measure, levels: int | None, ties: Ties) -> None:
    scores, relevant = made(1, levels=levels)
    ours = measure[1](rank_scores(scores, relevant, ties=ties))
    np.testing.assert_allclose(ours, reference(measure[0], scores, relevant, None, ties), atol=1e-9)


def test_graded_gains_equal_trec_eval() -> None:
    scores, relevant = made(2)
    random = np.random.default_rng(3)
    gains = [random.integers(1, 4, size=len(r)) for r in relevant]
    ours = ndcg_at(rank_scores(scores, relevant, gains=gains), 10)
    theirs = reference(nDCG @ 10, scores, relevant, gains, "pessimistic")
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_one_item_is_first() -> None:
    ranked = rank_scores(np.array([[0.3]]), [[0]])
    for value in (recall_at(ranked, 1), average_precision(ranked), reciprocal_rank(ranked)):
        assert value == [1.0]
    assert first_rank(ranked) == [1]


def test_a_query_without_relevant_items_has_no_value() -> None:
    ranked = rank_scores(np.ones((2, 3)), [[], [1]])
    for metric in (
        recall_at(ranked, 1),
        hit_rate_at(ranked, 1),
        precision_at(ranked, 1),
        average_precision(ranked),
        average_precision(ranked, 10),
        reciprocal_rank(ranked),
        first_rank(ranked),
        ndcg_at(ranked, 10),
    ):
        assert np.isnan(metric[0])
        assert not np.isnan(metric[1])


def test_expected_ranks_are_the_mean_over_all_orders_of_equals() -> None:
    scores = np.array([[2, 1, 1, 1, 1, 1, 0]], np.float32)
    relevant = [np.array([1, 3, 6])]
    ranked = rank_scores(scores, relevant, ties="mean")
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(20000):
        order = np.lexsort((random.random(7), -scores[0]))
        drawn.append(np.sort(np.flatnonzero(np.isin(order, relevant[0])) + 1))
    np.testing.assert_allclose(ranked.ranks, np.mean(drawn, axis=0), atol=0.03)


def test_a_collapsed_model_is_not_rewarded() -> None:
    same = np.ones((50, 4), np.float32) / 2
    right = [[n] for n in range(50)]
    assert recall_at(rank_vectors(same, same, right), 10).mean() == 0
    assert first_rank(rank_vectors(same, same, right)).mean() == 50
    assert first_rank(rank_vectors(same, same, right, ties="mean")).mean() == 25.5
    assert recall_at(rank_vectors(same, same, right, ties="optimistic"), 1).mean() == 1


def test_blocks_do_not_change_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    queries, items = (random.normal(size=(n, 16)).astype(np.float32) for n in (301, 97))
    items[50] = items[3]  # equal vectors tie whatever the kernels of the block's size round to
    right = [random.permutation(97)[:3] for _ in queries]
    whole = rank_vectors(queries, items, right)
    for size in (1, 5000, 40000):
        monkeypatch.setattr("tunespace.evaluation.metrics.ranking._BLOCK_BYTES", size)
        np.testing.assert_array_equal(rank_vectors(queries, items, right).ranks, whole.ranks)


def test_excluded_items_are_not_in_the_pool() -> None:
    vectors = np.eye(3, dtype=np.float32)
    ranked = rank_vectors(vectors, vectors, [[1], [2], [0]], exclude=[0, 1, -1])
    assert ranked.pool.tolist() == [2, 2, 3]
    assert first_rank(ranked).tolist() == [2, 2, 3]


@pytest.mark.parametrize(
    ("scores", "relevant", "gains", "message"),
    [
        ([[1.0, 2.0]], [[2]], None, "not among the 2 items"),
        ([[1.0, 2.0]], [[0, 0]], None, "is repeated"),
        ([[1.0, np.nan]], [[0]], None, "not a number"),
        ([[1.0, -np.inf]], [[1]], None, "not in its pool"),
        ([[1.0, 2.0]], [[0], [1]], None, "1 queries"),
        ([[1.0, 2.0]], [[0]], [[0]], "gain above 0"),
    ],
)
def test_bad_input_is_named(
    scores: list[list[float]],
    relevant: list[list[int]],
    gains: list[list[float]] | None,
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        rank_scores(np.array(scores), relevant, gains=gains)


def test_an_empty_ranking_has_no_figures() -> None:
    ranked: Ranked = rank_scores(np.empty((0, 5)), [])
    assert len(recall_at(ranked, 1)) == 0
