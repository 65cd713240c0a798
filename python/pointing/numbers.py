"""How many of the candidates of a burst are what: numbers that are fitted, and with them the probability of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from python.pointing.scattering import ELECTRON_GRID, spectrum

CLASSES = ("es", "cc", "other")
FLUXES = ("gkvm", "livermore")
FIT = "fit"  # of the spectra themselves
EDGES_MEV = (6.0, 7.0, 8.0, 10.0, 13.0, 17.0, 22.0, 30.0)  # of bins of energy
HIGHEST_MEV = 90.0
PSEUDO_EVENTS = 3.0  # in each bin, in the proportions of the known spectra, where those are not believed
_ROUNDS = 100
_TINY = np.finfo(float).tiny


@dataclass(frozen=True, eq=False)
class Mixture:
    """Of N candidates: `evidence` (N, 3), how likely the scores are under each of CLASSES at the candidate's energy; `density`
    (N, 3) how likely that energy is under each class, within the bin `group` (N, 3) that has a number of its own; `held` (3, G)
    events in each bin that are put to those of the data.
    """

    evidence: np.ndarray
    density: np.ndarray
    group: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, evidence: np.ndarray, energy: np.ndarray, min_energy: float, flux: str) -> Self:
        """With the spectra of ES and CC of a `flux`, or with FIT free ones; that of others is always free.

        `energy` (N,) in MeV, all at least `min_energy`.
        """
        edges = np.array(
            [min_energy, *(edge for edge in EDGES_MEV if edge > min_energy), max(HIGHEST_MEV, 2 * min_energy)]
        )
        place = np.clip(np.searchsorted(edges, energy, side="right") - 1, 0, len(edges) - 2)
        flat = 1 / np.diff(edges)[place]
        density, group = np.stack([flat] * 3, axis=1), np.stack([place] * 3, axis=1)
        shapes = [_shape(channel, edges, FLUXES[0] if flux == FIT else flux) for channel in CLASSES[:2]]
        known = np.stack([np.interp(energy, ELECTRON_GRID, shape) for shape in shapes], axis=1)
        in_bins = np.stack([_in_bins(shape, edges) for shape in shapes])
        held = np.zeros((3, len(edges) - 1))
        density[:, :2] = known
        if flux == FIT:
            density[:, :2] /= np.maximum(in_bins[:, place].T, _TINY)
            held[:2] = in_bins
        else:
            group[:, :2] = 0
        return cls(evidence, density, group, held)

    def __len__(self) -> int:
        return len(self.evidence)

    def numbers(self, of_es: float | None = None) -> np.ndarray:
        """The numbers (3, G) of each class in each bin that fit best, by expectation and maximisation; those of elastic
        scattering `of_es` in all, where that is given."""
        counts = np.zeros_like(self.held)
        for column, group in enumerate(self.group.T):
            counts[column, np.unique(group)] = len(self) / 3 / max(len(np.unique(group)), 1)
        held = PSEUDO_EVENTS * _proportions(self.held)
        for _ in range(_ROUNDS):
            shares = self.shares(counts)
            counts = held + np.stack(
                [np.bincount(group, share, len(held[0])) for group, share in zip(self.group.T, shares.T, strict=True)]
            )
            if of_es is not None:
                counts[0] *= of_es / max(counts[0].sum(), _TINY)
                counts[1:] *= (len(self) - of_es) / max(counts[1:].sum(), _TINY)
        return counts

    def shares(self, numbers: np.ndarray) -> np.ndarray:
        """The probability (N, 3) of each class, given the `numbers`."""
        weights = self._weights(numbers)
        return weights / weights.sum(axis=1, keepdims=True)

    def log_likelihood(self, numbers: np.ndarray) -> float:
        """Log of how likely scores and energies are, given the proportions of the `numbers`."""
        return float(np.log(self._weights(numbers / max(numbers.sum(), _TINY)).sum(axis=1)).sum())

    def _weights(self, numbers: np.ndarray) -> np.ndarray:
        rate = np.stack([counts[group] for counts, group in zip(numbers, self.group.T, strict=True)], axis=1)
        return np.maximum(self.evidence * self.density * rate, _TINY)


def _shape(channel: str, edges: np.ndarray, flux: str) -> np.ndarray:
    """The spectrum of a channel on ELECTRON_GRID, normalised between the first of the edges and the last."""
    values = spectrum(channel, ELECTRON_GRID, flux)
    return values / max(_in_bins(values, edges[[0, -1]])[0], _TINY)


def _in_bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Integrals between the edges of values on ELECTRON_GRID."""
    rising = np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(ELECTRON_GRID))])
    return np.diff(np.interp(edges, ELECTRON_GRID, rising))


def _proportions(numbers: np.ndarray) -> np.ndarray:
    """Shares (C, G) of the classes in each bin."""
    total = numbers.sum(axis=0)
    return numbers / np.where(total > 0, total, 1.0)
