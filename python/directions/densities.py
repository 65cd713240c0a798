"""What answers say of where electrons went, as densities on the sphere: to be asked, drawn from, compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from python.directions.answer import Answer
from python.directions.lobes import Lobes
from python.directions.recalibration import Recalibration

EVENTS_AT_A_TIME = 2000


@dataclass(frozen=True, eq=False)
class Densities:
    """Of N events: combined `outputs` (N, C) of an `answer`, the reconstructed energies (N,) in MeV, and how they are corrected.

    Everything is in the frame of the outputs, the drift frame.
    """

    answer: Answer
    outputs: np.ndarray
    energy: np.ndarray
    recalibration: Recalibration | None = None

    def __len__(self) -> int:
        return len(self.outputs)

    def take(self, rows: np.ndarray | slice) -> Densities:
        return replace(self, outputs=self.outputs[rows], energy=self.energy[rows])

    def lobes(self) -> Lobes:
        """The densities as sums of lobes; of corrected answers one of them is the same everywhere."""
        told = self.answer.lobes(self.outputs)
        return told if self.recalibration is None else self.recalibration.lobes(told, self.energy)

    def log_density(self, at: np.ndarray) -> np.ndarray:
        """Log of the probability density a steradian, (N, m), at the unit vectors `at`: (m, 3) for all, or (N, m, 3)."""
        if self.recalibration is None:
            return self.answer.log_density(self.outputs, at)
        return self.lobes().log_density(at)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Directions (N, size, 3) drawn from each density."""
        if self.recalibration is None:
            return self.answer.draw(self.outputs, size, rng)
        return self.lobes().draw(size, rng)

    def levels(self, truth: np.ndarray, size: int = 400, seed: int = 0) -> np.ndarray:
        """The probability (N,) of the smallest region of each event that reaches the true unit vectors (N, 3).

        That is the region of highest density, whatever its shape. Where uncertainties are true, the levels are uniform from 0 to
        1: a share p of the truths lies in the regions of probability p. Estimated by `size` draws.
        """
        rng = np.random.default_rng(seed)
        found = np.empty(len(self))
        for first in range(0, len(self), EVENTS_AT_A_TIME):
            rows = slice(first, first + EVENTS_AT_A_TIME)
            some = self.take(rows)
            drawn = some.log_density(some.draw(size, rng))
            reached = some.log_density(truth[rows, None])
            found[rows] = (np.sum(drawn > reached, axis=1) + rng.random(len(some))) / (size + 1)
        return found


def coverage(levels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Shares (m,) of the truths, by their `levels` (N,), that lie in the regions of the probabilities `at` (m,)."""
    return np.searchsorted(np.sort(levels), at, side="right") / max(len(levels), 1)
