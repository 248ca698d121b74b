"""Confidence intervals of 95 % that contain their value and hold from 20 units on.

``benchmarks/coverage.py`` measures how often they contain the true value. A percentile bootstrap
does not hold: of a rare event it often draws none, and of average precision it draws tracks twice,
which are ties in the right order, so that its draws lie above the value.
"""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
MIN_UNITS = 20
"""Below this number of units an interval is too narrow more often than it should be."""

# Share of a unit at the far end of the scale that is added to a variance: with few units the rare
# large values of a skewed figure are often missing from it.
_UNSEEN_UNIT = 0.1
_NORMAL = NormalDist().inv_cdf((1 + LEVEL) / 2)


def mean_interval(values: Floats, scale: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
    """Return the interval of the mean of one value per unit.

    Args:
        values: ``(units,)``.
        scale: Smallest and largest possible value.

    Returns:
        Lower and upper end; NaN for no values. The score interval of a proportion (Wilson 1927)
        with the number of units that would give a proportion this variance; for values outside of
        the scale, Student's interval.

    Examples:
        >>> low, high = mean_interval(np.array([1.0] * 2 + [0.0] * 38))
        >>> round(low, 3), round(high, 3)
        (0.013, 0.174)
    """
    n = len(values)
    if not n:
        return np.nan, np.nan
    first, span = scale[0], scale[1] - scale[0]
    if span <= 0 or values.min() < scale[0] or values.max() > scale[1]:
        half = _student(n - 1) * np.sqrt(float(values.var()) / max(1, n - 1))
        return float(values.mean() - half), float(values.mean() + half)
    shares = (values - first) / span
    mean, variance = float(shares.mean()), float(shares.var())
    if 0 < mean < 1:
        far = max(mean, 1 - mean)
        variance = (n * variance + _UNSEEN_UNIT * far**2) / (n + _UNSEEN_UNIT)
    low, high = score_interval(mean, variance / n, n, n - 1)
    value = float(values.mean())
    return min(value, first + low * span), max(value, first + high * span)


def score_interval(value: float, variance: float, units: int, freedom: int) -> tuple[float, float]:
    """Return the score interval of a figure from 0 to 1 with an estimated variance.

    Args:
        value: The figure.
        variance: Variance of the figure, not of a unit.
        units: Number of units; it counts where the variance is 0.
        freedom: Degrees of freedom of the variance.

    Examples:
        >>> low, high = score_interval(0.5, 0.0025, 100, 99)
        >>> round(low, 2), round(high, 2)
        (0.4, 0.6)
    """
    if not np.isfinite(value):
        return np.nan, np.nan
    # The number of independent trials whose proportion would have this variance.
    trials = value * (1 - value) / variance if variance > 0 and 0 < value < 1 else float(units)
    square = _student(freedom) ** 2 / min(trials, 1e12)
    centre = (value + square / 2) / (1 + square)
    half = np.sqrt(square * value * (1 - value) + square**2 / 4) / (1 + square)
    # The value is inside but for rounding.
    return min(value, max(0.0, float(centre - half))), max(value, min(1.0, float(centre + half)))


def median_interval(values: Floats) -> tuple[float, float]:
    """Return the interval of a median: two order statistics, whatever the distribution.

    Examples:
        >>> median_interval(np.arange(101.0))
        (39.0, 61.0)
    """
    n = len(values)
    if not n:
        return np.nan, np.nan
    ordered = np.sort(values)
    # The number of units below the median has the mean n / 2 and the variance n / 4.
    rank = max(0, int((n - _NORMAL * np.sqrt(n)) / 2) - 1)
    return float(ordered[rank]), float(ordered[n - 1 - rank])


def _student(freedom: int) -> float:
    """Return the quantile of Student's distribution for the level (Abramowitz, Stegun, 26.7.5)."""
    x, n = _NORMAL, max(1, freedom)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + float(sum(term / n**power for power, term in enumerate(terms, start=1)))
