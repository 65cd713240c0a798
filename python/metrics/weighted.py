"""Statistics of weighted samples with intervals: quantiles by a bootstrap, means and shares in closed form.

Everywhere: `values` (N,) finite, `weights` (N,) non-negative. Intervals hold 68.27 %; quantiles and means have none (NaN) for
fewer than two events of positive weight. The values are NaN without any.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from python.metrics.classification import ONE_SIGMA, UNDEFINED, Estimate, binomial_interval

REPLICAS = 300  # the ends of an interval are then known to a tenth of its half width
_MAX_BLOCKS = 1024
_ROUNDING = 1e-12  # of the total weight: 0.68 of 100 events are 68 of them


def effective_number(weights: np.ndarray) -> float:
    """Number of events of equal weight that are worth as much; 0 without any (L. Kish, Survey Sampling, 1965)."""
    squares = float(np.sum(np.square(weights)))
    return float(np.sum(weights)) ** 2 / squares if squares > 0 else 0.0


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, levels: Sequence[float] | np.ndarray) -> np.ndarray:
    """The smallest of `values` that have at least the share `levels` (K,) of the weight at or below them; (K,)."""
    levels = np.asarray(levels, float)
    if np.sum(weights) == 0:
        return np.full(levels.shape, np.nan)
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    place = np.searchsorted(cumulative, (levels - _ROUNDING) * cumulative[-1])
    return values[order][np.minimum(place, len(values) - 1)]


def quantile_estimates(
    values: np.ndarray,
    weights: np.ndarray,
    levels: Sequence[float] | np.ndarray,
    seed: int = 0,
    replicas: int = REPLICAS,
) -> list[Estimate]:
    """`weighted_quantiles` with intervals: central percentiles of samples in which each event counts a Poisson number of times.

    Beyond 1024 events neighbours in value are drawn as one block, with mean and variance of its weight as if drawn one by one.
    """
    values, weights = values[weights > 0], weights[weights > 0]
    found = weighted_quantiles(values, weights, levels)
    if len(values) < 2:
        return [Estimate(float(value), np.nan, np.nan) for value in found]
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    start = np.unique(np.linspace(0, len(values), _MAX_BLOCKS, endpoint=False).astype(np.int64))
    size = np.diff(start, append=len(values))
    total = np.add.reduceat(weights, start)
    unit = np.add.reduceat(weights**2, start) / total  # the one weight of a block of a single event
    counts = np.random.default_rng(seed).poisson(total / unit, (replicas, len(start)))
    cumulative = np.cumsum(counts[counts.any(axis=1)] * unit, axis=1)  # of two events both may be missing
    samples = np.empty((len(cumulative), len(found)))
    for sample, row in zip(samples, cumulative, strict=True):
        wanted = (np.asarray(levels) - _ROUNDING) * row[-1]
        block = np.minimum(np.searchsorted(row, wanted), len(row) - 1)
        below = np.where(block > 0, row[block - 1], 0.0)
        within = (wanted - below) / (row[block] - below) * size[block]
        sample[:] = values[start[block] + np.clip(within.astype(np.int64), 0, size[block] - 1)]
    ends = np.quantile(samples, [(1 - ONE_SIGMA) / 2, (1 + ONE_SIGMA) / 2], axis=0)
    return [Estimate(float(v), float(low), float(high)) for v, low, high in zip(found, *ends, strict=True)]


def mean_estimate(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Weighted mean and its standard error on both sides."""
    values, weights = values[weights > 0], weights[weights > 0]
    if len(values) == 0:
        return UNDEFINED
    mean = float(np.average(values, weights=weights))
    if len(values) == 1:
        return Estimate(mean, np.nan, np.nan)
    variance = np.sum((weights * (values - mean)) ** 2) / np.sum(weights) ** 2 * len(values) / (len(values) - 1)
    return Estimate(mean, mean - float(np.sqrt(variance)), mean + float(np.sqrt(variance)))


def share_estimate(is_one: np.ndarray, weights: np.ndarray) -> Estimate:
    """Share of the weight of the events marked (N,) bool, with Wilson's interval for the effective number of events."""
    total = float(np.sum(weights))
    if total == 0:
        return UNDEFINED
    value = float(np.clip(np.sum(weights[is_one]) / total, 0, 1))
    number = effective_number(weights)
    low, high = binomial_interval(value * number, number)
    return Estimate(value, float(low), float(high))
