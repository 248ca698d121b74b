"""How well scores tell what a track is: areas under curves, accuracy, triplets.

Conventions:
    ROC-AUC is the share of pairs of a positive and a negative track that are in the right order,
    a tie being half (Mann and Whitney 1947). PR-AUC is average precision, the sum over thresholds
    of (R_i - R_(i-1)) P_i without interpolation; equal scores share a threshold. Both are as in
    scikit-learn. A tag that all or none of the tracks carry has no value (NaN) and is left out of
    means. "Macro" is the mean over tags, each the same weight.

    PR-AUC depends on how common a tag is: its value for guessing is the share of positives, which
    is reported beside it.

Source: per-tag AUC as in music tagging since Law et al. 2009 and Dieleman and Schrauwen 2014.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunespace.evaluation.metrics.bootstrap import Figure, from_draws, weights
from tunespace.evaluation.metrics.ranking import Floats, Scores

Labels = npt.NDArray[np.bool_]


def roc_auc(scores: Scores, positive: Labels) -> float:
    """Area under the receiver operating characteristic of one tag.

    Args:
        scores: ``(tracks,)``, higher is more likely.
        positive: ``(tracks,)``: which carry the tag.

    Returns:
        0 to 1; NaN where all or none are positive.
    """
    return float(_Tag.of(scores, positive).roc_auc(np.ones((1, len(scores)), np.int32))[0])


def pr_auc(scores: Scores, positive: Labels) -> float:
    """Average precision of one tag; arguments and result as in ``roc_auc``."""
    return float(_Tag.of(scores, positive).pr_auc(np.ones((1, len(scores)), np.int32))[0])


@dataclass(frozen=True)
class TagFigures:
    """Of many tags.

    Attributes:
        roc: ``(tags,)``, NaN where a tag cannot be judged.
        pr: ``(tags,)``.
        prevalence: ``(tags,)``: share of positive tracks, which is PR-AUC of guessing.
        roc_macro: Mean over tags, drawn over tracks.
        pr_macro: Mean over tags.
        roc_draws: ``(draws, tags)``, for means over some of the tags.
        pr_draws: The same of PR-AUC.
    """

    roc: Floats
    pr: Floats
    prevalence: Floats
    roc_macro: Figure
    pr_macro: Figure
    roc_draws: Floats
    pr_draws: Floats

    def over(self, tags: npt.NDArray[np.bool_]) -> tuple[Figure, Figure]:
        """ROC-AUC and PR-AUC as means over some of the tags."""
        n = self.roc_macro.n
        return (
            _macro(self.roc[tags], self.roc_draws[:, tags], n),
            _macro(self.pr[tags], self.pr_draws[:, tags], n),
        )


def tag_figures(scores: Scores, positive: Labels, *, seed: int = 0) -> TagFigures:
    """ROC-AUC and PR-AUC of each tag and their means, with intervals over tracks.

    Args:
        scores: ``(tracks, tags)``.
        positive: ``(tracks, tags)``.
        seed: Of the draws.

    Raises:
        ValueError: Shapes differ, or a score is not a number.
    """
    if scores.shape != positive.shape or scores.ndim != 2:
        raise ValueError(f"scores {scores.shape} and labels {positive.shape} do not fit")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    n, count = scores.shape
    tags = [_Tag.of(scores[:, k], positive[:, k]) for k in range(count)]
    once = np.ones((1, n), np.int32)
    roc = np.array([tag.roc_auc(once)[0] for tag in tags])
    pr = np.array([tag.pr_auc(once)[0] for tag in tags])
    roc_rows: list[Floats] = []
    pr_rows: list[Floats] = []
    for block in weights(n, seed=seed):
        roc_rows.append(np.stack([tag.roc_auc(block) for tag in tags], axis=1))
        pr_rows.append(np.stack([tag.pr_auc(block) for tag in tags], axis=1))
    roc_draws, pr_draws = np.concatenate(roc_rows), np.concatenate(pr_rows)
    return TagFigures(
        roc,
        pr,
        positive.mean(axis=0),
        _macro(roc, roc_draws, n),
        _macro(pr, pr_draws, n),
        roc_draws,
        pr_draws,
    )


def _macro(values: Floats, draws: Floats, n: int) -> Figure:
    return from_draws(_mean(values[None])[0], _mean(draws), n, "tracks")


def _mean(rows: Floats) -> Floats:
    """Means over tags, of those that have a value."""
    valid = ~np.isnan(rows)
    counts = valid.sum(axis=1)
    sums = np.where(valid, rows, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


@dataclass(frozen=True)
class _Tag:
    """One tag's tracks from the highest score down; ``last`` ends each group of equal scores."""

    order: npt.NDArray[np.int64]
    positive: npt.NDArray[np.int32]
    last: npt.NDArray[np.int64]

    @classmethod
    def of(cls, scores: Scores, positive: Labels) -> "_Tag":
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        return cls(order, positive[order].astype(np.int32), last)

    def _counts(self, drawn: npt.NDArray[np.int32]) -> tuple[Floats, Floats]:
        """Positives and negatives down to the end of each group, ``(draws, groups)``."""
        taken = drawn[:, self.order]
        hits = np.cumsum(taken * self.positive, axis=1)[:, self.last]
        everything = np.cumsum(taken, axis=1)[:, self.last]
        return hits.astype(np.float64), (everything - hits).astype(np.float64)

    def roc_auc(self, drawn: npt.NDArray[np.int32]) -> Floats:
        """Of each draw: negatives below, and half of those level, for each positive."""
        hits, misses = self._counts(drawn)
        here = np.diff(hits, axis=1, prepend=0)
        above = np.concatenate([np.zeros((len(misses), 1)), misses[:, :-1]], axis=1)
        total = misses[:, -1:]
        right = (here * (total - (above + misses) / 2)).sum(axis=1)
        pairs = hits[:, -1] * misses[:, -1]
        return np.where(pairs > 0, right / np.maximum(pairs, 1), np.nan)

    def pr_auc(self, drawn: npt.NDArray[np.int32]) -> Floats:
        """Of each draw."""
        hits, misses = self._counts(drawn)
        here = np.diff(hits, axis=1, prepend=0)
        precision = hits / np.maximum(hits + misses, 1)
        total, negatives = hits[:, -1], misses[:, -1]
        area = (here * precision).sum(axis=1) / np.maximum(total, 1)
        return np.where((total > 0) & (negatives > 0), area, np.nan)


def accuracy(scores: Scores, truth: npt.NDArray[np.int64]) -> Floats:
    """Zero-shot classification: 1 where the right class has the highest score.

    Args:
        scores: ``(tracks, classes)``.
        truth: ``(tracks,)``: the right class.

    Returns:
        ``(tracks,)``; where the right class shares the highest score with n - 1 others, 1 / n,
        which is what a fair choice among them gives.
    """
    best = scores.max(axis=1, keepdims=True)
    among = scores == best
    right = among[np.arange(len(scores)), truth]
    return np.asarray(right / among.sum(axis=1), np.float64)


def triplet_accuracy(near: Scores, far: Scores) -> Floats:
    """``(triplets,)``: 1 where what people call nearer has the higher score; a tie is half.

    Source: dim-sim (Lee et al. 2020).
    """
    return np.asarray((near > far) + 0.5 * (near == far), np.float64)
