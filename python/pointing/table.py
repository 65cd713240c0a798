"""One likelihood table: densities of a cosine at some energies, asked at any, and drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from python.pointing.cosine_densities import AROUND, ESTIMATORS


def _cosines() -> np.ndarray:
    """Where densities are tabulated: fine towards both ends, where they are steep."""
    fine, coarse = np.arange(0, 12, 0.5), np.arange(12, 90, 2.0)
    half = np.concatenate([fine, coarse])
    return np.cos(np.radians(np.concatenate([half, [90], 180 - half[::-1]])))[::-1]


COSINES = _cosines()  # rising
_WIDTHS = np.diff(COSINES)
ROUNDS = 3


class Judged(NamedTuple):
    """The mean log-likelihood of a held-out event, how far it is behind that of the best estimator, and both errors, of 68 %."""

    log_likelihood: float = np.nan
    log_likelihood_error: float = np.nan
    behind: float = np.nan
    behind_error: float = np.nan


@dataclass(frozen=True, eq=False)
class Table:
    """Densities (B, C) a steradian at the COSINES (C,), for energies (B,) in MeV; the `edges` (B, 2) in MeV of the bins that they
    are of, and how many `events` (B,) these hold; and what events say that were held out."""

    energies: np.ndarray
    densities: np.ndarray
    edges: np.ndarray
    events: np.ndarray
    judged: Judged = field(default_factory=Judged)

    def density(self, cosine: ArrayLike, energy: ArrayLike) -> np.ndarray:
        """Probability a steradian at each cosine, given each energy in MeV; the two broadcast."""
        cosine, energy = np.broadcast_arrays(np.asarray(cosine, float), np.asarray(energy, float))
        row, following, upper = self._between(energy)
        column = _column(cosine)
        right = np.clip((cosine - COSINES[column]) / _WIDTHS[column], 0, 1)

        def linear(rows: np.ndarray) -> np.ndarray:
            return (1 - right) * self.densities[rows, column] + right * self.densities[rows, column + 1]

        return (1 - upper) * linear(row) + upper * linear(following)

    def sample(self, count: int, energy: ArrayLike, rng: np.random.Generator) -> np.ndarray:
        """Cosines (count,) drawn for events of this energy in MeV, or of one each (count,)."""
        row, following, upper = self._between(np.broadcast_to(np.asarray(energy, float), count))
        row = np.where(rng.random(count) < upper, following, row)
        below = self._below / self._below[:, -1:]
        share = rng.random(count)
        column = np.searchsorted((below + np.arange(len(below))[:, None]).ravel(), row + share, side="right") - 1
        column = np.clip(column - row * len(COSINES), 0, len(COSINES) - 2)
        rest = np.maximum(share - below[row, column], 0) * self._below[row, -1] / AROUND
        low, high = self.densities[row, column], self.densities[row, column + 1]
        root = np.sqrt(np.maximum(low**2 + 2 * (high - low) / _WIDTHS[column] * rest, 0))
        step = np.divide(2 * rest, low + root, out=np.zeros(count), where=low + root > 0)
        return np.clip(COSINES[column] + step, -1, 1)

    def share_within(self, cosine: ArrayLike, energy: ArrayLike) -> np.ndarray:
        """The probability of an angle no larger than that of each cosine, given each energy in MeV; the two broadcast."""
        cosine, energy = np.broadcast_arrays(np.asarray(cosine, float), np.asarray(energy, float))
        row, following, upper = self._between(energy)
        column = _column(cosine)
        step = np.clip(cosine - COSINES[column], 0, _WIDTHS[column])

        def up_to(rows: np.ndarray) -> np.ndarray:
            low, high = self.densities[rows, column], self.densities[rows, column + 1]
            return self._below[rows, column] + AROUND * step * (low + (high - low) * step / (2 * _WIDTHS[column]))

        return 1 - ((1 - upper) * up_to(row) + upper * up_to(following))

    def angle_of(self, level: float, energy: ArrayLike) -> np.ndarray:
        """The angle in degrees that holds the share `level`, for each energy in MeV."""
        energy = np.asarray(energy, float)
        low, high = np.full(energy.shape, -1.0), np.full(energy.shape, 1.0)
        for _ in range(40):
            middle = (low + high) / 2
            enough = self.share_within(middle, energy) >= level
            low, high = np.where(enough, middle, low), np.where(enough, high, middle)
        return np.degrees(np.arccos(np.clip((low + high) / 2, -1, 1)))

    def nearness(self, energy: np.ndarray) -> np.ndarray:
        """How much the density of each of `energies` counts, (n, B), for events at these energies (n,) in MeV."""
        row, following, upper = self._between(energy)
        shares = np.zeros((len(energy), len(self.energies)))
        np.add.at(shares, (np.arange(len(energy)), row), 1 - upper)
        np.add.at(shares, (np.arange(len(energy)), following), upper)
        return shares

    @cached_property
    def _below(self) -> np.ndarray:
        """The share (B, C) at cosines below each of COSINES."""
        held = np.cumsum((self.densities[:, 1:] + self.densities[:, :-1]) / 2 * _WIDTHS, axis=1)
        return AROUND * np.concatenate([np.zeros((len(held), 1)), held], axis=1)

    def _between(self, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The row below each energy, the row above, and how far it is to that, 0 to 1."""
        last = len(self.energies) - 1
        at = np.interp(np.log(np.maximum(energy, 1e-9)), np.log(self.energies), np.arange(last + 1))
        row = np.minimum(at.astype(int), last)
        return row, np.minimum(row + 1, last), at - row


def _column(cosine: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(COSINES, cosine, side="right") - 1, 0, len(COSINES) - 2)


def fit_table(
    cosine: np.ndarray, energy: np.ndarray, bins: Sequence[np.ndarray], edges: np.ndarray, estimator: str
) -> Table:
    """A table by an estimator, of the events (rows) of bins with these `edges` (B, 2): densities at the mean energies of the
    bins, in the log.

    Each event is shared between the energies that are next to its own, at first as the table is interpolated there, and then also
    as the densities found so far tell it: expectation and maximisation of the likelihood of the interpolated table. The densities
    of the bins themselves would, between their means, be too wide for some events and too narrow for others.
    """
    fit = ESTIMATORS[estimator]
    energies = np.array([np.exp(np.mean(np.log(energy[rows]))) for rows in bins])
    mine = np.concatenate(bins)
    counts = np.array([len(rows) for rows in bins])
    table = Table(energies, np.ones((len(bins), len(COSINES))), edges, counts)
    nearness = table.nearness(energy[mine])
    for _ in range(ROUNDS):
        told = nearness * np.array([np.interp(cosine[mine], COSINES, density) for density in table.densities]).T
        weight = told / np.maximum(told.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        densities = np.array([fit(cosine[mine][of > 0], of[of > 0])(COSINES) for of in weight.T])
        held = AROUND * np.sum((densities[:, 1:] + densities[:, :-1]) / 2 * _WIDTHS, axis=1)
        # between the cosines a density is a straight line
        table = Table(energies, densities / held[:, None], edges, counts)
    return table
