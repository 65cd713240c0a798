"""How many of the candidates of a burst are what: numbers that are fitted, and with them the probability of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from python.pointing.scattering import ELECTRON_GRID, spectrum

CLASSES = ("es", "cc", "other")
FLUXES = ("gkvm", "livermore")
FIT = "fit"  # any mixture of the spectra of FLUXES, another one for each channel
EDGES_MEV = (5.25, 5.5, 5.75, 6.0, 6.5, 7.0, 8.0, 10.0, 13.0, 17.0, 22.0, 30.0)  # of bins of energy
HIGHEST_MEV = 90.0
_ROUNDS = 100
_TINY = np.finfo(float).tiny


@dataclass(frozen=True, eq=False)
class Component:
    """Candidates of one class with a spectrum of their own, of which there is some number in each of its bins.

    `density` (N,) is how likely the energy of each candidate is within its bin, `group` (N,).
    """

    kind: int
    density: np.ndarray
    group: np.ndarray


@dataclass(frozen=True, eq=False)
class Mixture:
    """Of N candidates: `evidence` (N, 3), how likely the scores are under each of CLASSES at the candidate's energy, up to a
    factor of the candidate, and the `components` that they are of, in `bins` of energy at most."""

    evidence: np.ndarray
    components: Sequence[Component]
    bins: int

    @classmethod
    def of(cls, evidence: np.ndarray, energy: np.ndarray, min_energy: float, flux: str) -> Self:
        """ES and CC have the spectra of a `flux`, or with FIT mixtures of all that are known; that of others is free.

        `energy` (N,) in MeV, all at least `min_energy`.
        """
        beyond = max(HIGHEST_MEV, 2 * min_energy)
        edges = np.array([min_energy, *(edge for edge in EDGES_MEV if edge > min_energy), beyond])
        place = np.clip(np.searchsorted(edges, energy, side="right") - 1, 0, len(edges) - 2)
        components = [Component(CLASSES.index("other"), 1 / np.diff(edges)[place], place)]
        for kind, channel in enumerate(CLASSES[:2]):
            for name in FLUXES if flux == FIT else (flux,):
                shape = _shape(channel, min_energy, beyond, name)
                components.append(Component(kind, np.interp(energy, ELECTRON_GRID, shape), np.zeros_like(place)))
        return cls(evidence, components, len(edges) - 1)

    def __len__(self) -> int:
        return len(self.evidence)

    def numbers(self, of_es: float | None = None) -> np.ndarray:
        """The numbers (K, G) of each component in each bin that fit best, by expectation and maximisation; those of elastic
        scattering `of_es` in all, where that is given."""
        counts = np.zeros((len(self.components), self.bins))
        for row, each in enumerate(self.components):
            there = np.unique(each.group)
            counts[row, there] = len(self) / len(self.components) / max(len(there), 1)
        is_es = np.array([each.kind == 0 for each in self.components])
        for _ in range(_ROUNDS):
            shares = self._each(counts)
            counts = np.stack(
                [
                    np.bincount(each.group, share, self.bins)
                    for each, share in zip(self.components, shares.T, strict=True)
                ]
            )
            if of_es is not None:
                counts[is_es] *= of_es / max(counts[is_es].sum(), _TINY)
                counts[~is_es] *= (len(self) - of_es) / max(counts[~is_es].sum(), _TINY)
        return counts

    def shares(self, numbers: np.ndarray) -> np.ndarray:
        """The probability (N, 3) of each class, given the `numbers`."""
        each = self._each(numbers)
        found = np.zeros_like(self.evidence)
        for column, component in enumerate(self.components):
            found[:, component.kind] += each[:, column]
        return found

    def log_likelihood(self, numbers: np.ndarray) -> float:
        """Log of how likely scores and energies are, given the proportions of the `numbers`."""
        return float(np.log(self._weights(numbers / max(numbers.sum(), _TINY)).sum(axis=1)).sum())

    def _each(self, numbers: np.ndarray) -> np.ndarray:
        weights = self._weights(numbers)
        return weights / weights.sum(axis=1, keepdims=True)

    def _weights(self, numbers: np.ndarray) -> np.ndarray:
        each = [
            self.evidence[:, component.kind] * component.density * counts[component.group]
            for component, counts in zip(self.components, numbers, strict=True)
        ]
        return np.maximum(np.stack(each, axis=1), _TINY)


def _shape(channel: str, low: float, high: float, flux: str) -> np.ndarray:
    """The spectrum of a channel on ELECTRON_GRID, normalised between two energies in MeV."""
    values = spectrum(channel, ELECTRON_GRID, flux)
    rising = np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(ELECTRON_GRID))])
    within = float(np.diff(np.interp([low, high], ELECTRON_GRID, rising))[0])
    return values / within if within > 0 else np.zeros_like(values)
