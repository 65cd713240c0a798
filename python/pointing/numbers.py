"""How many of the candidates of a burst are what: numbers that are fitted, and with them the probability of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from python.pointing.scattering import ELECTRON_GRID, spectrum

CLASSES = ("es", "cc", "other")
FLUXES = ("gkvm", "livermore")
FIT = "fit"  # any mixture of the spectra of FLUXES, another one for each channel
EDGES_MEV = (5.25, 5.5, 5.75, 6.0, 6.5, 7.0, 8.0, 10.0, 13.0, 17.0, 22.0, 30.0)  # of bins of energy
HIGHEST_MEV = 90.0
_ROUNDS = 100
_OTHER = CLASSES.index("other")
_TINY = np.finfo(float).tiny


@dataclass(frozen=True, eq=False)
class Mixture:
    """Of N candidates that are of M components: `likely` (N, M), how likely scores and energy of each are under each component,
    up to a factor of the candidate, and the `kind` (M,) of each component, one of CLASSES.

    Others have a component for each bin of energy, so that their spectrum is free.
    """

    likely: csr_array
    kind: np.ndarray

    @classmethod
    def of(cls, evidence: np.ndarray, energy: np.ndarray, min_energy: float, flux: str) -> Self:
        """ES and CC have the spectra of a `flux`, or with FIT mixtures of all that are known; that of others is free.

        `evidence` (N, 3) is how likely the scores are under each of CLASSES at the candidate's energy, up to a factor of the
        candidate; `energy` (N,) in MeV, all at least `min_energy`.
        """
        evidence = evidence / np.maximum(evidence.max(axis=1, keepdims=True), _TINY)
        beyond = max(HIGHEST_MEV, 2 * min_energy)
        edges = np.array([min_energy, *(edge for edge in EDGES_MEV if edge > min_energy), beyond])
        bins = len(edges) - 1
        place = np.clip(np.searchsorted(edges, energy, side="right") - 1, 0, bins - 1)
        others = np.zeros((len(energy), bins))
        others[np.arange(len(energy)), place] = evidence[:, _OTHER] / np.diff(edges)[place]
        columns, kinds = [others], [_OTHER] * bins
        for kind, channel in enumerate(CLASSES[:_OTHER]):
            for name in FLUXES if flux == FIT else (flux,):
                density = np.interp(energy, ELECTRON_GRID, _shape(channel, min_energy, beyond, name))
                columns.append((evidence[:, kind] * density)[:, None])
                kinds.append(kind)
        return cls(csr_array(np.concatenate(columns, axis=1)), np.array(kinds))

    def __len__(self) -> int:
        return self.likely.shape[0]

    def numbers(self, of_es: float | None = None) -> np.ndarray:
        """The numbers (M,) of each component that fit best, by expectation and maximisation; those of elastic scattering `of_es`
        in all, where that is given."""
        is_es, is_other = self.kind == CLASSES.index("es"), self.kind == _OTHER
        alike = len(self) / (1 + np.count_nonzero(~is_other))
        numbers = np.where(is_other, alike / is_other.sum(), alike)
        to_components = self.likely.T.tocsr()
        for _ in range(_ROUNDS):
            numbers = numbers * (to_components @ (1 / self._sum(numbers)))
            if of_es is not None:
                numbers[is_es] *= of_es / max(numbers[is_es].sum(), _TINY)
                numbers[~is_es] *= (len(self) - of_es) / max(numbers[~is_es].sum(), _TINY)
        return numbers

    def shares(self, numbers: np.ndarray) -> np.ndarray:
        """The probability (N, 3) of each class, given the `numbers`."""
        each = np.where(self.kind[:, None] == np.arange(len(CLASSES)), numbers[:, None], 0.0)
        return (self.likely @ each) / self._sum(numbers)[:, None]

    def log_likelihood(self, numbers: np.ndarray) -> float:
        """Log of how likely scores and energies are, given the proportions of the `numbers`, up to a constant."""
        return float(np.log(self._sum(numbers / max(numbers.sum(), _TINY))).sum())

    def _sum(self, numbers: np.ndarray) -> np.ndarray:
        return np.maximum(self.likely @ numbers, _TINY)


def _shape(channel: str, low: float, high: float, flux: str) -> np.ndarray:
    """The spectrum of a channel on ELECTRON_GRID, normalised between two energies in MeV."""
    values = spectrum(channel, ELECTRON_GRID, flux)
    rising = np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(ELECTRON_GRID))])
    within = float(np.diff(np.interp([low, high], ELECTRON_GRID, rising))[0])
    return values / within if within > 0 else np.zeros_like(values)
