"""What changes between two answers for the same N events, with intervals (68.27 %) that know of the pairs."""

from __future__ import annotations

import numpy as np

from python.metrics.classification import ONE_SIGMA, UNDEFINED, Estimate
from python.metrics.weighted import REPLICAS, mean_estimate


def change_of_mean(before: np.ndarray, after: np.ndarray) -> Estimate:
    """Mean of `after` less that of `before`, (N,) each."""
    return mean_estimate(after.astype(float) - before, np.ones(len(before)))


def change_of_quantile(before: np.ndarray, after: np.ndarray, level: float, seed: int = 0) -> Estimate:
    """Quantile of `after` less that of `before`, (N,) each, both drawn again together for the interval."""
    if len(before) == 0:
        return UNDEFINED
    value = float(np.quantile(after, level) - np.quantile(before, level))
    if len(before) == 1:
        return Estimate(value, np.nan, np.nan)
    generator = np.random.default_rng(seed)
    drawn = (generator.integers(0, len(before), len(before)) for _ in range(REPLICAS))
    changes = [np.quantile(after[rows], level) - np.quantile(before[rows], level) for rows in drawn]
    low, high = np.quantile(changes, [(1 - ONE_SIGMA) / 2, (1 + ONE_SIGMA) / 2])
    return Estimate(value, float(min(low, value)), float(max(high, value)))
