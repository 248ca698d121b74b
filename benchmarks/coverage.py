"""Measure the coverage of confidence intervals: ``python -m benchmarks.coverage``.

Draws data sets from populations whose true figure is known, and counts how often the interval of
``tunespace.evaluation`` contains it, beside a percentile bootstrap. The populations are those of
each figure: zeros and ones (recall, hit rate, accuracy), reciprocal ranks, average precision, nDCG,
precision at ten, ranks, and tags over clips for AUC.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from tunespace.evaluation.metrics.bootstrap import Figure, figure, resample
from tunespace.evaluation.metrics.classification import pr_auc, roc_auc, tag_figures

RESULT = Path(__file__).parent / "results" / "coverage.json"
Floats = npt.NDArray[np.float64]
POOL = 1000
UNITS = (9, 20, 50, 100, 300)
_CLIPS = (100, 300)
_TAGS = (9, 30)


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000, help="data sets of each population")
    parser.add_argument("--tag-sets", type=int, default=100, help="data sets of clips with tags")
    given = parser.parse_args()
    record = {
        "command": f"python -m benchmarks.coverage --sets {given.sets} --tag-sets {given.tag_sets}",
        "nominal": 0.95,
        "means_and_medians": [
            measure(name, draw, statistic, units, given.sets)
            for name, draw, statistic in populations()
            for units in UNITS
        ],
        "auc_of_tags": [
            row for clips in _CLIPS for tags in _TAGS for row in auc(clips, tags, given.tag_sets)
        ],
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def populations() -> list[tuple[str, Callable[[np.random.Generator, int], Floats], str]]:
    """Return name, sampler and statistic of each population."""

    def ranks(random: np.random.Generator, n: int, median: float, spread: float) -> Floats:
        drawn = np.exp(random.normal(np.log(median), spread, size=n))
        return np.clip(np.round(drawn), 1, POOL)

    def rate(p: float) -> Callable[[np.random.Generator, int], Floats]:
        return lambda random, n: (random.random(n) < p).astype(float)

    def reciprocal(median: float) -> Callable[[np.random.Generator, int], Floats]:
        return lambda random, n: 1 / ranks(random, n, median, 1.5)

    def beta(a: float, b: float) -> Callable[[np.random.Generator, int], Floats]:
        return lambda random, n: random.beta(a, b, n)

    return [
        ("recall, .02 of the queries", rate(0.02), "mean"),
        ("recall, .1 of the queries", rate(0.1), "mean"),
        ("recall, .5 of the queries", rate(0.5), "mean"),
        ("recall, .95 of the queries", rate(0.95), "mean"),
        ("reciprocal rank, median rank 2", reciprocal(2), "mean"),
        ("reciprocal rank, median rank 30", reciprocal(30), "mean"),
        ("reciprocal rank, median rank 100", reciprocal(100), "mean"),
        ("average precision, mean .13", beta(0.3, 2), "mean"),
        ("average precision, mean .05", beta(0.5, 10), "mean"),
        ("nDCG, mean .5", beta(2, 2), "mean"),
        ("AUC of a track, mean .84", beta(8, 1.5), "mean"),
        (
            "precision at 10, mean .25",
            lambda random, n: random.binomial(10, random.beta(0.5, 1.5, n)) / 10,
            "mean",
        ),
        ("mean rank", lambda random, n: ranks(random, n, 30, 1.5), "mean"),
        ("median rank", lambda random, n: ranks(random, n, 30, 1.5), "median"),
    ]


def measure(
    name: str,
    draw: Callable[[np.random.Generator, int], Floats],
    statistic: str,
    units: int,
    sets: int,
) -> dict[str, object]:
    """Return the coverage of the mean or median of some units."""
    random = np.random.default_rng(0)
    is_mean = statistic == "mean"
    take = np.mean if is_mean else np.median
    true = float(take(draw(random, 2_000_000)))
    scale = (1.0, float(POOL)) if name == "mean rank" else (0.0, 1.0)
    found: list[Figure] = []
    percentiles = 0
    for _ in range(sets):
        values = draw(random, units)
        one = figure(values, statistic="mean" if is_mean else "median", scale=scale)
        found.append(one)
        low, high = np.percentile(one.draws, [2.5, 97.5])
        percentiles += low <= true <= high
    return {
        "population": name,
        "units": units,
        "true": round(true, 4),
        **coverage(found, true),
        "percentile_bootstrap": round(percentiles / sets, 3),
    }


def auc(clips: int, tags: int, sets: int) -> list[dict[str, object]]:
    """Return the coverage of both macro AUC; true is the expectation over sets of this size."""
    random = np.random.default_rng(1)
    names = ("macro ROC-AUC", "macro PR-AUC")
    found: dict[str, list[Figure]] = {name: [] for name in names}
    percentiles: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(sets):
        scores, carried = draw_tags(random, clips, tags)
        figures = tag_figures(scores, carried)
        for name, one in zip(names, (figures.roc_macro, figures.pr_macro), strict=True):
            found[name].append(one)
        drawn = [
            [
                np.nanmean([area(scores[rows, k], carried[rows, k]) for k in range(tags)])
                for rows in next(resample(clips, draws=100))
            ]
            for area in (roc_auc, pr_auc)
        ]
        for name, values in zip(names, drawn, strict=True):
            low, high = np.percentile(values, [2.5, 97.5])
            percentiles[name].append((float(low), float(high)))
    rows: list[dict[str, object]] = []
    for name in names:
        true = float(np.mean([one.value for one in found[name]]))
        held = np.mean([low <= true <= high for low, high in percentiles[name]])
        row = {"population": name, "clips": clips, "tags": tags, "true": round(true, 4)}
        share = {"percentile_bootstrap": round(float(held), 3)}
        rows.append(row | coverage(found[name], true) | share)
    return rows


def draw_tags(
    random: np.random.Generator, clips: int, tags: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return ``(clips, tags)`` scores and labels: rare and frequent, easy and hard tags."""
    shared = 0.5 * random.normal(size=(clips, 1))
    limits = [NormalDist().inv_cdf(1 - p) for p in np.linspace(0.04, 0.3, tags)]
    carried = (random.normal(size=(clips, tags)) + shared) / np.sqrt(1.25) > limits
    effect = np.linspace(0.5, 2, tags)
    scores = random.normal(size=(clips, tags)) + effect * carried + 0.3 * shared
    return scores.astype(np.float32), carried


def coverage(found: list[Figure], true: float) -> dict[str, object]:
    """Return how often the true value is in the interval, and the mean width."""
    return {
        "coverage": round(float(np.mean([one.low <= true <= one.high for one in found])), 3),
        "width": round(float(np.mean([one.high - one.low for one in found])), 4),
        "contains_its_value": all(one.low <= one.value <= one.high for one in found),
    }


if __name__ == "__main__":
    main()
