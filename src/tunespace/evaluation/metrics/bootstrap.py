"""Bootstrap: confidence intervals of figures, and significance of differences.

The percentile bootstrap (Efron 1979): queries, or tracks if a figure is over tracks, are resampled
with replacement, the figure is computed again, and the middle 95 % of the results is the interval.
It states how much the figure would vary over other queries of the same kind, not over music of
another kind.

Two models that are evaluated on the same queries are compared on the same draws, which the seed and
the number of queries determine, so the difficulty of a query for both cancels out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from tunespace.evaluation.metrics.ranking import Floats

DRAWS = 1000
LEVEL = 0.95
Unit = Literal["queries", "tracks", "texts", "triplets", "pairs", "tags"]

# Number of values that are gathered at once.
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Figure:
    """Measured figure with its confidence interval.

    Attributes:
        value: Value over all data.
        low: Lower end of the 95 % interval; NaN if there is none.
        high: Upper end of the 95 % interval.
        n: Number of resampled units.
        unit: What was resampled, such as "queries" or "tracks".
        draws: Value of each draw, to compare two models.
    """

    value: float
    low: float
    high: float
    n: int
    unit: Unit
    draws: Floats = field(repr=False, compare=False)

    def as_json(self) -> dict[str, float | int | str | None]:
        """Return the figure as a JSON object for reports."""
        return {
            "value": _number(self.value),
            "low": _number(self.low),
            "high": _number(self.high),
            "n": self.n,
            "unit": self.unit,
        }


def format_value(value: float) -> str:
    """Format a value with three decimals, or one from 10 on; a dash for NaN.

    Examples:
        >>> format_value(0.5), format_value(12.34), format_value(float("nan"))
        ('0.500', '12.3', '-')
    """
    if not np.isfinite(value):
        return "-"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def resample(n: int, *, seed: int = 0, draws: int = DRAWS) -> Iterator[npt.NDArray[np.int64]]:
    """Yield blocks ``(some, n)`` of indices, ``draws`` rows in total, the same for equal ``n``."""
    random = np.random.default_rng([seed, n])
    rows = max(1, _AT_ONCE // max(1, n))
    for start in range(0, draws, rows):
        yield random.integers(n, size=(min(rows, draws - start), n))


def weights(n: int, *, seed: int = 0, draws: int = DRAWS) -> Iterator[npt.NDArray[np.int32]]:
    """Yield the same draws as counts: blocks ``(some, n)`` of how often each was drawn."""
    for block in resample(n, seed=seed, draws=draws):
        base = np.arange(len(block))[:, None] * n
        counts = np.bincount((block + base).ravel(), minlength=block.size)
        yield counts.reshape(len(block), n).astype(np.int32)


def figure(
    per_query: Floats,
    *,
    unit: Unit = "queries",
    statistic: Literal["mean", "median"] = "mean",
    seed: int = 0,
) -> Figure:
    """Return the mean or median of one value per query with its interval, without NaN."""
    kept = per_query[~np.isnan(per_query)]
    take = np.mean if statistic == "mean" else np.median
    if not len(kept):
        return Figure(np.nan, np.nan, np.nan, 0, unit, np.empty(0))
    drawn = [take(kept[block], axis=1) for block in resample(len(kept), seed=seed)]
    return from_draws(float(take(kept)), np.concatenate(drawn), len(kept), unit)


def from_draws(value: float, draws: Floats, n: int, unit: Unit) -> Figure:
    """Return a figure from its value and the values of its draws; NaN draws are left out."""
    return Figure(value, *_interval(draws[~np.isnan(draws)]), n, unit, draws)


def _interval(draws: Floats) -> tuple[float, float]:
    """Return the middle 95 % of the draws; NaN for none."""
    if not len(draws):
        return np.nan, np.nan
    low, high = np.percentile(draws, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


@dataclass(frozen=True)
class Difference:
    """Difference of two models on the same queries.

    Attributes:
        value: First minus second.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
        p: Two-sided p value: twice the fraction of draws whose difference has the other sign.
    """

    value: float
    low: float
    high: float
    p: float


def difference(first: Figure, second: Figure) -> Difference:
    """Compare two models on one figure.

    Raises:
        ValueError: They were evaluated on different numbers of queries.
    """
    if (first.n, first.unit) != (second.n, second.unit):
        raise ValueError(
            f"{first.n} {first.unit} and {second.n} {second.unit} cannot be compared in pairs"
        )
    draws = first.draws - second.draws
    draws = draws[~np.isnan(draws)]
    value = first.value - second.value
    if not len(draws):
        return Difference(value, *_interval(draws), np.nan)
    # One is added to both counts, so that 1,000 draws never give a p value of 0.
    below, above = (draws <= 0).sum() + 1, (draws >= 0).sum() + 1
    p = min(1.0, 2 * min(below, above) / (len(draws) + 1))
    return Difference(value, *_interval(draws), float(p))
