"""What answers say of where electrons went, as densities on the sphere: to be asked, drawn from, compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from python.directions.answer import Answer
from python.metrics.coverage import DensityResults

MOST_EVENTS = 10_000
DRAWS = 100
_EVENTS_AT_A_TIME = 2000


class Density(Protocol):
    """Of N events a density on the sphere each, as lobes or as an answer says it."""

    def __len__(self) -> int: ...

    def take(self, rows: np.ndarray | slice) -> Self: ...

    def log_density(self, at: np.ndarray) -> np.ndarray: ...

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Densities:
    """Of N events what the combined `outputs` (N, C) of an `answer` say, in the frame of these, the drift frame."""

    answer: Answer
    outputs: np.ndarray

    def __len__(self) -> int:
        return len(self.outputs)

    def take(self, rows: np.ndarray | slice) -> Densities:
        return replace(self, outputs=self.outputs[rows])

    def log_density(self, at: np.ndarray) -> np.ndarray:
        """Log of the probability density a steradian, (N, m), at the unit vectors `at`: (m, 3) for all, or (N, m, 3)."""
        return self.answer.log_density(self.outputs, at)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Directions (N, size, 3) drawn from each density."""
        return self.answer.draw(self.outputs, size, rng)


def levels(density: Density, truth: np.ndarray, size: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The probability (N,) of the smallest region of each event that reaches the true unit vectors (N, 3).

    Estimated by the rank of the truth among `size` draws: where densities are true it is uniform, however few there are.
    """
    rng = np.random.default_rng(seed)
    found = np.empty(len(density))
    for first in range(0, len(density), _EVENTS_AT_A_TIME):
        rows = slice(first, first + _EVENTS_AT_A_TIME)
        some = density.take(rows)
        drawn = some.log_density(some.draw(size, rng))
        reached = some.log_density(truth[rows, None])
        found[rows] = (np.sum(drawn > reached, axis=1) + rng.random(len(some))) / (size + 1)
    return found


def judged(density: Density, truth: np.ndarray, energy: np.ndarray, seed: int = 0) -> DensityResults:
    """How densities fare with the true unit vectors (N, 3) of events of reconstructed energies (N,) in MeV.

    Of more than MOST_EVENTS some are chosen.
    """
    rows = np.arange(len(density))
    if len(rows) > MOST_EVENTS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_EVENTS, replace=False))
    some, truth = density.take(rows), np.asarray(truth[rows], np.float64)
    return DensityResults(some.log_density(truth[:, None])[:, 0], levels(some, truth, seed=seed), energy[rows])
