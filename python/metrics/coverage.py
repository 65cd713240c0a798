"""Whether densities of directions are true: how likely they held what came, and how much of it lies in their regions.

The *level* of an event is the probability of the smallest region of its density that reaches the truth, the region of highest
density, whatever its shape. Where densities are true, levels are uniform from 0 to 1: a share p of the truths lies in the regions
of probability p.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from python.metrics.classification import Metrics
from python.metrics.weighted import mean_estimate

LEVELS = np.round(np.arange(0.10, 0.96, 0.05), 2)
TOLD_LEVELS = (10, 25, 50, 68, 90, 95)  # percent
ENERGY_EDGES = (5, 10, 15, 20, 30, 50)  # MeV, reconstructed
LEAST_IN_BIN = 100  # whose shares are known to 0.05


@dataclass(frozen=True, eq=False)
class DensityResults:
    """Of N events: log of the density a steradian at the truth, its `level`, and the reconstructed `energy` in MeV, (N,) each."""

    log_density: np.ndarray
    level: np.ndarray
    energy: np.ndarray

    def __len__(self) -> int:
        return len(self.level)

    def select(self, which: np.ndarray) -> DensityResults:
        """The events of a mask or of indices."""
        return DensityResults(self.log_density[which], self.level[which], self.energy[which])

    def by_energy(self) -> dict[str, DensityResults]:
        """Those between the ENERGY_EDGES, by names such as "5_to_10_mev"."""
        return {
            f"{low}_to_{high}_mev": self.select((self.energy >= low) & (self.energy < high))
            for low, high in pairwise(ENERGY_EDGES)
        }


def coverage(levels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Shares (m,) of the truths, by their `levels` (N,), that lie in the regions of the probabilities `at` (m,)."""
    return np.searchsorted(np.sort(levels), at, side="right") / max(len(levels), 1)


def coverage_error(levels: np.ndarray) -> float:
    """The largest distance of a share inside from its level, over LEVELS; NaN for fewer than LEAST_IN_BIN events."""
    if len(levels) < LEAST_IN_BIN:
        return float("nan")
    return float(np.max(np.abs(coverage(levels, LEVELS) - LEVELS)))


def density_metrics(results: DensityResults) -> Metrics:
    """Flat, JSON-safe metrics; None where undefined.

    `negative_log_likelihood`, the mean of an event in natural logs a steradian, with its interval; `coverage_<percent>`, the
    shares inside the regions of TOLD_LEVELS; `coverage_error`, also of each bin of energy.
    """
    found: dict[str, float] = {}
    likelihood = mean_estimate(-results.log_density, np.ones(len(results)))
    found.update(zip((f"negative_log_likelihood{end}" for end in ("", "_low", "_high")), likelihood, strict=True))
    if len(results):
        shares = coverage(results.level, np.array(TOLD_LEVELS) / 100)
        found.update({f"coverage_{percent}": float(share) for percent, share in zip(TOLD_LEVELS, shares, strict=True)})
    found["coverage_error"] = coverage_error(results.level)
    found.update({f"coverage_error_{name}": coverage_error(some.level) for name, some in results.by_energy().items()})
    return {name: value if np.isfinite(value) else None for name, value in found.items()}
