"""Figures with confidence intervals, and significance of differences by the bootstrap.

An interval states how much a figure would vary over other queries of the same kind (over other
tracks, if the figure is over tracks), not over music of another kind; ``intervals`` computes it.

Differences come from the bootstrap (Efron 1979): queries or tracks are resampled with replacement.
Two models that are evaluated on the same queries are compared on the same draws, which the seed and
the number of queries determine, so the difficulty of a query for both cancels out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from tunespace.evaluation.metrics.intervals import (
    LEVEL,
    MIN_UNITS,
    mean_interval,
    median_interval,
    score_interval,
)
from tunespace.evaluation.metrics.ranking import Floats

DRAWS = 1000
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

    @property
    def has_few_units(self) -> bool:
        """True if there are too few units for an interval that holds in 95 % of the cases."""
        return 0 < self.n < MIN_UNITS

    def as_json(self) -> dict[str, float | int | str | bool | None]:
        """Return the figure as a JSON object for reports."""
        values: dict[str, float | int | str | bool | None] = {
            "value": _number(self.value),
            "low": _number(self.low),
            "high": _number(self.high),
            "n": self.n,
            "unit": self.unit,
        }
        return values | ({"few_units": True} if self.has_few_units else {})

    def format_interval(self) -> str:
        """Format the interval; an asterisk marks one of too few units.

        Examples:
            >>> figure(np.array([0.0, 1.0, 1.0])).format_interval()
            '0.062 - 0.984*'
        """
        mark = "*" if self.has_few_units else ""
        return f"{format_value(self.low)} - {format_value(self.high)}{mark}"


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


def figure(
    per_query: Floats,
    *,
    unit: Unit = "queries",
    statistic: Literal["mean", "median"] = "mean",
    scale: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
) -> Figure:
    """Return the mean or median of one value per query with its interval, without NaN.

    Args:
        per_query: ``(queries,)``.
        unit: What a value belongs to.
        statistic: Mean or median.
        scale: Smallest and largest possible value.
        seed: Random seed of the draws.
    """
    kept = per_query[~np.isnan(per_query)]
    if not len(kept):
        return Figure(np.nan, np.nan, np.nan, 0, unit, np.empty(0))
    is_mean = statistic == "mean"
    take = np.mean if is_mean else np.median
    low, high = mean_interval(kept, scale) if is_mean else median_interval(kept)
    drawn = [take(kept[block], axis=1) for block in resample(len(kept), seed=seed)]
    return Figure(float(take(kept)), low, high, len(kept), unit, np.concatenate(drawn))


def jackknife_figure(value: float, left_out: Floats, n: int, unit: Unit, *, seed: int) -> Figure:
    """Return a figure from 0 to 1 from its values without each group of units.

    The delete-a-group jackknife gives the variance, without units that are drawn twice. The draws
    are those of the bootstrap of its pseudo-values, whose mean is the figure.

    Args:
        value: Value over all units.
        left_out: ``(groups,)`` values without one group of units.
        n: Number of units.
        unit: What the units are.
        seed: Random seed of the draws.
    """
    kept = left_out[~np.isnan(left_out)]
    groups = len(kept)
    if groups < 2 or not np.isfinite(value):
        return Figure(value, np.nan, np.nan, n, unit, np.full(DRAWS, np.nan))
    deviations = (groups - 1) * (kept.mean() - kept)
    variance = float((deviations**2).sum() / (groups * (groups - 1)))
    low, high = score_interval(value, variance, n, groups - 1)
    drawn = [value + deviations[block].mean(axis=1) for block in resample(groups, seed=seed)]
    return Figure(value, low, high, n, unit, np.concatenate(drawn))


def _percentiles(draws: Floats) -> tuple[float, float]:
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
        return Difference(value, *_percentiles(draws), np.nan)
    # One is added to both counts, so that 1,000 draws never give a p value of 0.
    below, above = (draws <= 0).sum() + 1, (draws >= 0).sum() + 1
    p = min(1.0, 2 * min(below, above) / (len(draws) + 1))
    return Difference(value, *_percentiles(draws), float(p))
