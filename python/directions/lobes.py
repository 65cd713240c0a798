"""Densities on the sphere that are sums of von Mises-Fisher lobes: to be asked, drawn from, and measured about an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from python.directions.sphere import (
    LARGEST_KAPPA,
    SMALLEST_KAPPA,
    around,
    draw_von_mises_fisher,
    log_von_mises_fisher,
    unit,
)

_LEAST_PROBABILITY = np.finfo(np.float64).tiny  # whose log is finite
_PLACES = 384  # of each lobe
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_EVENTS_AT_A_TIME = 1000


@dataclass(frozen=True, eq=False)
class Lobes:
    """Of n events L lobes each: `eta` (n, L, 3) = kappa mu, 0 for one that is the same everywhere, and `probability` (n, L).

    The density a steradian is the sum of probability times kappa / (4 pi sinh kappa) exp(eta . direction).
    """

    eta: np.ndarray
    probability: np.ndarray

    @classmethod
    def single(cls, eta: np.ndarray) -> Self:
        """One lobe an event, eta (n, 3)."""
        return cls(np.asarray(eta, np.float64)[:, None], np.ones((len(eta), 1)))

    def __len__(self) -> int:
        return len(self.eta)

    def take(self, rows: np.ndarray | slice) -> Lobes:
        return Lobes(self.eta[rows], self.probability[rows])

    @property
    def kappa(self) -> np.ndarray:
        """The concentration (n, L) of each lobe, as far as numbers bear it."""
        return np.clip(np.linalg.norm(self.eta, axis=2), SMALLEST_KAPPA, LARGEST_KAPPA)

    @property
    def log_probability(self) -> np.ndarray:
        """Logs (n, L) of the probabilities, finite for 0."""
        return np.log(np.maximum(self.probability, _LEAST_PROBABILITY))

    def of_likeliest(self, values: np.ndarray) -> np.ndarray:
        """What `values` (n, L) are of the likeliest lobe, (n,)."""
        return np.take_along_axis(values, np.argmax(self.probability, axis=1)[:, None], axis=1)[:, 0]

    def log_density(self, at: np.ndarray) -> np.ndarray:
        """Log of the density a steradian, (n, m), at the unit vectors `at`: (m, 3) for all events, or (n, m, 3)."""
        each = [
            share[:, None] + log_von_mises_fisher(eta, at)
            for share, eta in zip(self.log_probability.T, np.swapaxes(self.eta, 0, 1), strict=True)
        ]
        return np.logaddexp.reduce(each, axis=0)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Directions (n, size, 3) drawn from the density of each event."""
        reached = np.cumsum(self.probability, axis=1)[:, None, :-1]
        lobe = (rng.random((len(self), size, 1)) > reached).sum(axis=2)
        eta = np.take_along_axis(self.eta, lobe[..., None], axis=1)
        return draw_von_mises_fisher(eta.reshape(-1, 3), 1, rng).reshape(eta.shape)

    def angle_about(self, axis: np.ndarray, level: float) -> np.ndarray:
        """Angle in degrees (n,) about each unit `axis` (n, 3) that holds the share `level`, by places of equal probability."""
        cosine = np.empty(len(self))
        for start in range(0, len(self), _EVENTS_AT_A_TIME):
            rows = slice(start, start + _EVENTS_AT_A_TIME)
            cosine[rows] = _cosine_of_level(*self.take(rows)._cosines_about(axis[rows]), level)
        return np.degrees(np.arccos(np.clip(cosine, -1, 1)))

    def share_ahead(self, axis: np.ndarray) -> np.ndarray:
        """Probability (n,) of the directions within 90 degrees of each unit `axis` (n, 3), by places of equal probability."""
        share = np.empty(len(self))
        for start in range(0, len(self), _EVENTS_AT_A_TIME):
            rows = slice(start, start + _EVENTS_AT_A_TIME)
            cosines, weights = self.take(rows)._cosines_about(axis[rows])
            share[rows] = np.sum(weights * (cosines > 0), axis=1)
        return share

    def _cosines_about(self, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cosines (n, L * PLACES) of places to each axis, and the probability that each stands for."""
        each = [(_places(eta) @ axis[:, :, None])[..., 0] for eta in np.swapaxes(self.eta, 0, 1)]
        return np.concatenate(each, axis=1), np.repeat(self.probability / _PLACES, _PLACES, axis=1)


def _cosine_of_level(cosines: np.ndarray, weights: np.ndarray, level: float) -> np.ndarray:
    order = np.argsort(-cosines, axis=1)
    held = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    place = np.argmax(held >= level, axis=1)
    return np.take_along_axis(np.take_along_axis(cosines, order, axis=1), place[:, None], axis=1)[:, 0]


def _places(eta: np.ndarray) -> np.ndarray:
    """Directions (n, PLACES, 3), equally likely under the von Mises-Fisher distribution of each eta (n, 3).

    They wind about the axis by the golden angle, no two at one distance from it: on rings, steps of whole rings would be wrong
    by up to 15 % where the first lobe holds little more than the level.
    """
    kappa = np.clip(np.linalg.norm(eta, axis=1), SMALLEST_KAPPA, LARGEST_KAPPA)[:, None]
    middle = (np.arange(_PLACES) + 0.5) / _PLACES
    cosine = 1 + np.log1p(middle * np.expm1(-2 * kappa)) / kappa
    azimuth = np.broadcast_to(_GOLDEN_ANGLE * np.arange(_PLACES), cosine.shape)
    return around(unit(eta), cosine, azimuth)
