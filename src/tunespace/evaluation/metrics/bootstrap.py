"""How sure a figure is, and whether two models differ.

The percentile bootstrap (Efron 1979): the queries, or the tracks where a figure is over tracks,
are drawn anew with replacement, the figure is taken again, and the middle 95 % of what comes out is
the interval. It says how much the figure would move with other queries of the same kind, nothing
about music of another kind.

Two models that are judged on the same queries are compared on the same draws (the seed and the
number of queries fix them), so what makes a query hard for both cancels out.
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

# Values that are gathered at once.
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Figure:
    """A measured number.

    Attributes:
        value: On everything.
        low: Lower end of its 95 % interval; NaN where there is none.
        high: Upper end.
        n: Number of queries, tracks or whatever was drawn.
        unit: What was drawn.
        draws: What each draw gave, to compare two models with.
    """

    value: float
    low: float
    high: float
    n: int
    unit: Unit
    draws: Floats = field(repr=False, compare=False)

    def as_json(self) -> dict[str, float | int | str | None]:
        """For reports."""
        return {
            "value": _number(self.value),
            "low": _number(self.low),
            "high": _number(self.high),
            "n": self.n,
            "unit": self.unit,
        }


def format_value(value: float) -> str:
    """Three decimals, or one from 10 on; a dash where there is no value."""
    if not np.isfinite(value):
        return "-"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def resample(n: int, *, seed: int = 0, draws: int = DRAWS) -> Iterator[npt.NDArray[np.int64]]:
    """Yields blocks ``(some, n)`` of indices, ``draws`` rows in all; the same for the same n."""
    random = np.random.default_rng([seed, n])
    rows = max(1, _AT_ONCE // max(1, n))
    for start in range(0, draws, rows):
        yield random.integers(n, size=(min(rows, draws - start), n))


def weights(n: int, *, seed: int = 0, draws: int = DRAWS) -> Iterator[npt.NDArray[np.int32]]:
    """The same draws as counts: yields blocks ``(some, n)``: how often each was drawn."""
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
    """Mean or median of one value a query, with its interval; NaN values are left out."""
    kept = per_query[~np.isnan(per_query)]
    take = np.mean if statistic == "mean" else np.median
    if not len(kept):
        return Figure(np.nan, np.nan, np.nan, 0, unit, np.empty(0))
    drawn = [take(kept[block], axis=1) for block in resample(len(kept), seed=seed)]
    return from_draws(float(take(kept)), np.concatenate(drawn), len(kept), unit)


def from_draws(value: float, draws: Floats, n: int, unit: Unit) -> Figure:
    """A figure from its value and what the draws gave; draws without a value (NaN) do not count."""
    return Figure(value, *_interval(draws[~np.isnan(draws)]), n, unit, draws)


def _interval(draws: Floats) -> tuple[float, float]:
    """The middle 95 % of what draws gave; NaN for none."""
    if not len(draws):
        return np.nan, np.nan
    low, high = np.percentile(draws, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


@dataclass(frozen=True)
class Difference:
    """One model less another, on the same queries.

    Attributes:
        value: Of the first less that of the second.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided: how often a difference of draws has the other sign, twice.
    """

    value: float
    low: float
    high: float
    p: float


def difference(first: Figure, second: Figure) -> Difference:
    """Compares two models on one figure.

    Raises:
        ValueError: They were not judged on the same number of queries.
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
    # One is added to both, so that 1,000 draws never say that something cannot be.
    below, above = (draws <= 0).sum() + 1, (draws >= 0).sum() + 1
    p = min(1.0, 2 * min(below, above) / (len(draws) + 1))
    return Difference(value, *_interval(draws), float(p))
