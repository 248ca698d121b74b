"""Classification metrics: areas under curves, accuracy, triplets.

Conventions:
    ROC-AUC is the fraction of pairs of a positive and a negative track that are in the right order,
    a tie counting half (Mann and Whitney 1947). PR-AUC is average precision, the sum over
    thresholds of (R_i - R_(i-1)) P_i without interpolation; equal scores share a threshold. Both
    are as in scikit-learn. A tag that all or none of the tracks carry has no value (NaN) and is
    left out of means. "Macro" is the unweighted mean over tags.

    PR-AUC depends on the frequency of a tag: its chance level is the fraction of positives, which
    is reported beside it.

Source: per-tag AUC as in music tagging since Law et al. 2009 and Dieleman and Schrauwen 2014.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunespace.evaluation.metrics.bootstrap import Figure, jackknife_figure
from tunespace.evaluation.metrics.ranking import Floats, Scores

Labels = npt.NDArray[np.bool_]

# Groups of tracks that are left out in turn for the variance of a figure over tracks.
_GROUPS = 200


def roc_auc(scores: Scores, positive: Labels) -> float:
    """Return the area under the ROC curve of one tag.

    Args:
        scores: ``(tracks,)``, higher is more likely.
        positive: ``(tracks,)`` bool, tracks that carry the tag.

    Returns:
        0 to 1; NaN if all or none are positive.

    Examples:
        >>> roc_auc(np.array([0.9, 0.2, 0.6]), np.array([True, False, True]))
        1.0
    """
    return float(_Tag.of(scores, positive).roc_auc(np.ones((1, len(scores)), np.int32))[0])


def pr_auc(scores: Scores, positive: Labels) -> float:
    """Return the average precision of one tag; arguments and result as in ``roc_auc``."""
    return float(_Tag.of(scores, positive).pr_auc(np.ones((1, len(scores)), np.int32))[0])


@dataclass(frozen=True)
class TagFigures:
    """Metrics of many tags.

    Attributes:
        roc: ``(tags,)`` ROC-AUC; NaN for tags without a value.
        pr: ``(tags,)`` PR-AUC.
        prevalence: ``(tags,)`` fraction of positive tracks, the chance level of PR-AUC.
        roc_macro: Mean over tags, with an interval over tracks.
        pr_macro: Mean over tags, with an interval over tracks.
        roc_left_out: ``(groups, tags)`` ROC-AUC without a group of tracks.
        pr_left_out: ``(groups, tags)`` PR-AUC without a group of tracks.
        seed: Random seed.
    """

    roc: Floats
    pr: Floats
    prevalence: Floats
    roc_macro: Figure
    pr_macro: Figure
    roc_left_out: Floats
    pr_left_out: Floats
    seed: int

    def over(self, tags: npt.NDArray[np.bool_]) -> tuple[Figure, Figure]:
        """Return ROC-AUC and PR-AUC as means over some of the tags."""
        n = self.roc_macro.n
        return (
            _macro(self.roc[tags], self.roc_left_out[:, tags], n, self.seed),
            _macro(self.pr[tags], self.pr_left_out[:, tags], n, self.seed),
        )


def tag_figures(scores: Scores, positive: Labels, *, seed: int = 0) -> TagFigures:
    """Return ROC-AUC and PR-AUC of each tag and their means, with intervals over tracks.

    Args:
        scores: ``(tracks, tags)``.
        positive: ``(tracks, tags)`` bool.
        seed: Random seed.

    Raises:
        ValueError: Shapes differ, or a score is NaN.
    """
    if scores.shape != positive.shape or scores.ndim != 2:
        raise ValueError(f"scores {scores.shape} and labels {positive.shape} do not match")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    n, count = scores.shape
    tags = [_Tag.of(scores[:, k], positive[:, k]) for k in range(count)]
    once = np.ones((1, n), np.int32)
    roc = np.array([tag.roc_auc(once)[0] for tag in tags])
    pr = np.array([tag.pr_auc(once)[0] for tag in tags])
    drawn = _without_groups(n, seed)
    roc_rows = np.stack([tag.roc_auc(drawn) for tag in tags], axis=1)
    pr_rows = np.stack([tag.pr_auc(drawn) for tag in tags], axis=1)
    return TagFigures(
        roc,
        pr,
        positive.mean(axis=0),
        _macro(roc, roc_rows, n, seed),
        _macro(pr, pr_rows, n, seed),
        roc_rows,
        pr_rows,
        seed,
    )


def _without_groups(n: int, seed: int) -> npt.NDArray[np.int32]:
    """Return ``(groups, n)``: 0 for the tracks of one random group each, 1 for the others."""
    groups = min(n, _GROUPS)
    group = np.random.default_rng([seed, n]).permutation(n) % max(1, groups)
    return np.not_equal(np.arange(groups)[:, None], group[None, :]).astype(np.int32)


def _macro(values: Floats, left_out: Floats, n: int, seed: int) -> Figure:
    return jackknife_figure(_mean(values[None])[0], _mean(left_out), n, "tracks", seed=seed)


def _mean(rows: Floats) -> Floats:
    """Return the means over tags that have a value."""
    valid = ~np.isnan(rows)
    counts = valid.sum(axis=1)
    sums = np.where(valid, rows, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


@dataclass(frozen=True)
class _Tag:
    """Tracks of one tag by descending score; ``last`` ends each group of equal scores."""

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
        """Return ``(draws, groups)`` positives and negatives down to the end of each group."""
        taken = drawn[:, self.order]
        hits = np.cumsum(taken * self.positive, axis=1)[:, self.last]
        everything = np.cumsum(taken, axis=1)[:, self.last]
        return hits.astype(np.float64), (everything - hits).astype(np.float64)

    def roc_auc(self, drawn: npt.NDArray[np.int32]) -> Floats:
        """Return the ROC-AUC of each draw: negatives below a positive, and half of its ties."""
        hits, misses = self._counts(drawn)
        here = np.diff(hits, axis=1, prepend=0)
        above = np.concatenate([np.zeros((len(misses), 1)), misses[:, :-1]], axis=1)
        total = misses[:, -1:]
        right = (here * (total - (above + misses) / 2)).sum(axis=1)
        pairs = hits[:, -1] * misses[:, -1]
        return np.where(pairs > 0, right / np.maximum(pairs, 1), np.nan)

    def pr_auc(self, drawn: npt.NDArray[np.int32]) -> Floats:
        """Return the average precision of each draw."""
        hits, misses = self._counts(drawn)
        here = np.diff(hits, axis=1, prepend=0)
        precision = hits / np.maximum(hits + misses, 1)
        total, negatives = hits[:, -1], misses[:, -1]
        area = (here * precision).sum(axis=1) / np.maximum(total, 1)
        return np.where((total > 0) & (negatives > 0), area, np.nan)


def accuracy(scores: Scores, truth: npt.NDArray[np.int64]) -> Floats:
    """Return the zero-shot accuracy of each track: 1 if the correct class has the highest score.

    Args:
        scores: ``(tracks, classes)``.
        truth: ``(tracks,)`` indices of the correct classes.

    Returns:
        ``(tracks,)``; 1 / n if the correct class shares the highest score with n - 1 others, the
        expectation of a random choice among them.
    """
    best = scores.max(axis=1, keepdims=True)
    among = scores == best
    right = among[np.arange(len(scores)), truth]
    return np.asarray(right / among.sum(axis=1), np.float64)


def triplet_accuracy(near: Scores, far: Scores) -> Floats:
    """Return ``(triplets,)``: 1 if the nearer track has the higher score, half for a tie.

    Source: dim-sim (Lee et al. 2020).
    """
    return np.asarray((near > far) + 0.5 * (near == far), np.float64)
