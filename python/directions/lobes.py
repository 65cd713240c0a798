"""Densities on the sphere that are sums of von Mises-Fisher lobes: to be asked, drawn from, and measured about an axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from python.directions.sphere import (
    LARGEST_KAPPA,
    SMALLEST_KAPPA,
    draw_von_mises_fisher,
    log_von_mises_fisher,
    share_within,
    unit,
)

_LEAST_PROBABILITY = np.finfo(np.float64).tiny  # whose log is finite
_PLACES = 256  # of a lobe aside of the axis
_ALONG = 1e-9  # one less the cosine, of lobes that lie along an axis or against it
_EVEN = 1e-5  # kappa of lobes that are the same everywhere
_STEPS = 45  # of a bisection: beyond what cosines of narrow lobes need
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

    def log_mean_density(self) -> np.ndarray:
        """Log (n,) of the mean of each density over its own directions, which says how sharp it is: log (1 / 4 pi) where all
        directions are alike.

        In closed form: the product of two lobes is another one, along the sum of their eta.
        """
        eta = np.swapaxes(self.eta, 0, 1)
        shares = self.log_probability.T
        each = [
            one + other + _log_at_zero(first) + _log_at_zero(second) - _log_at_zero(first + second)
            for one, first in zip(shares, eta, strict=True)
            for other, second in zip(shares, eta, strict=True)
        ]
        return np.logaddexp.reduce(each, axis=0)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Directions (n, size, 3) drawn from the density of each event."""
        reached = np.cumsum(self.probability, axis=1)[:, None, :-1]
        lobe = (rng.random((len(self), size, 1)) > reached).sum(axis=2)
        eta = np.take_along_axis(self.eta, lobe[..., None], axis=1)
        return draw_von_mises_fisher(eta.reshape(-1, 3), 1, rng).reshape(eta.shape)

    def angle_about(self, axis: np.ndarray, level: float) -> np.ndarray:
        """Angle in degrees (n,) about each unit `axis` (n, 3) that holds the share `level` of the density."""
        cosine = np.empty(len(self))
        for rows, inside in self._inside_cones(axis):
            low, high = np.full(len(cosine[rows]), -1.0), np.full(len(cosine[rows]), 1.0)
            for _ in range(_STEPS):
                middle = (low + high) / 2
                too_few = inside(middle) < level
                high, low = np.where(too_few, middle, high), np.where(too_few, low, middle)
            cosine[rows] = (low + high) / 2
        return np.degrees(np.arccos(np.clip(cosine, -1, 1)))

    def share_ahead(self, axis: np.ndarray) -> np.ndarray:
        """Probability (n,) of the directions within 90 degrees of each unit `axis` (n, 3)."""
        share = np.empty(len(self))
        for rows, inside in self._inside_cones(axis):
            share[rows] = inside(np.zeros(len(share[rows])))
        return share

    def _inside_cones(self, axis: np.ndarray) -> Iterator[tuple[slice, Callable[[np.ndarray], np.ndarray]]]:
        """Of some rows at a time, the share (n,) of the density at cosines to the axis of at least those given (n,)."""
        for start in range(0, len(self), _EVENTS_AT_A_TIME):
            rows = slice(start, start + _EVENTS_AT_A_TIME)
            yield rows, _inside_cone(self.take(rows), axis[rows])


def _log_at_zero(eta: np.ndarray) -> np.ndarray:
    """Log (n,) of what exp(eta . direction) is multiplied with to be a density, kappa / (4 pi sinh kappa)."""
    kappa = np.maximum(np.linalg.norm(eta, axis=1), SMALLEST_KAPPA)
    return -np.log(4 * np.pi) - kappa - np.log(-np.expm1(-2 * kappa) / (2 * kappa))


def _inside_cone(lobes: Lobes, axis: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """In closed form for lobes along the axis, by places of equal probability for others."""
    kappa = lobes.kappa
    along = np.stack([np.sum(unit(eta) * axis, axis=1) for eta in np.swapaxes(lobes.eta, 0, 1)], axis=1)
    closed = (np.abs(along) > 1 - _ALONG) | (kappa < _EVEN)
    aside = np.flatnonzero(~closed.all(axis=0))
    places = [_cosines_of_places(kappa[:, number], along[:, number]) for number in aside]

    def inside(cosine: np.ndarray) -> np.ndarray:
        at = cosine[:, None]
        share = np.where(along > 0, share_within(at, kappa), 1 - share_within(-at, kappa))
        for number, each in zip(aside, places, strict=True):
            share[:, number] = np.where(closed[:, number], share[:, number], np.mean(each >= at, axis=1))
        return np.sum(lobes.probability * share, axis=1)

    return inside


def _cosines_of_places(kappa: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Cosines (n, PLACES) to an axis, of equally likely directions of lobes of `kappa` (n,) whose own cosine is `along` (n,).

    They wind about the lobe by the golden angle, no two at one distance from its middle: on rings, steps of whole rings would
    be wrong by up to 15 % where the first lobe holds little more than the level.
    """
    middle = (np.arange(_PLACES) + 0.5) / _PLACES
    cosine = 1 + np.log1p(middle * np.expm1(-2 * kappa)[:, None]) / kappa[:, None]
    sine = np.sqrt(np.maximum(1 - cosine**2, 0))
    across = np.sqrt(np.maximum(1 - along**2, 0))
    return along[:, None] * cosine + across[:, None] * sine * np.cos(_GOLDEN_ANGLE * np.arange(_PLACES))
