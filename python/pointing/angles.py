"""From what a network answered to angles: of the answer from the electron, and from the neutrino that struck it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from python.directions.sphere import around
from python.metrics.directions import DirectionResults
from python.physics import charged_current, elastic_scattering
from python.runs.predictions import DirectionPredictions


@dataclass(frozen=True)
class Angles:
    """Of N events: cosines of the angle between the answer and the `electron`, and the `neutrino`; energies in MeV,
    `reconstructed` and `true` of the electron; `is_es` 1 elastic scattering, 0 charged current, -1 not known;
    the angle in degrees that the network `said` to hold 68 %, NaN where it said none. Arrays (N,), NaN where it is not known.
    """

    electron: np.ndarray
    neutrino: np.ndarray
    reconstructed: np.ndarray
    true: np.ndarray
    is_es: np.ndarray
    said: np.ndarray

    def __len__(self) -> int:
        return len(self.electron)

    def take(self, rows: np.ndarray) -> Angles:
        return Angles(*(getattr(self, each.name)[rows] for each in fields(self)))

    @classmethod
    def concatenate(cls, parts: Sequence[Angles]) -> Angles:
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    @classmethod
    def of(cls, predictions: DirectionPredictions, energy: np.ndarray, seed: int = 0) -> Angles:
        """Those of predictions whose truth is known, with their reconstructed energies (N,). ValueError where it is not."""
        results = predictions.results()
        is_es = np.asarray(predictions.is_es)
        said = results.predicted_68_deg
        return cls(
            results.cosine,
            _of_neutrinos(results, is_es, predictions.clusters.true_nu_energy, np.random.default_rng(seed)),
            energy,
            results.true_energy,
            is_es,
            np.full(len(results), np.nan) if said is None else said,
        )


def _of_neutrinos(
    results: DirectionResults, is_es: np.ndarray, nu_energy: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Cosines (N,) of the angles between the answers and neutrinos that made these electrons.

    Where a neutrino flew, seen from its electron, is drawn: for elastic scattering at the angle that both energies fix, for the
    charged current from the angular distribution of the level that was excited; evenly about the electron.
    """
    scattering = np.full(len(results), np.nan)
    known = np.isfinite(nu_energy) & np.isfinite(results.true_energy) & (nu_energy > 0) & (results.true_energy > 0)
    es, cc = np.flatnonzero(known & (is_es == 1)), np.flatnonzero(known & (is_es == 0))
    scattering[es] = elastic_scattering.cosine(nu_energy[es], results.true_energy[es])
    excitation = nu_energy[cc] - charged_current.MASS_DIFFERENCE_MEV - results.true_energy[cc]
    levels = charged_current.allowed_levels()
    level = np.argmin(np.abs(excitation[:, None] - levels.excitation), axis=1)
    scattering[cc] = charged_current.sample_cosine(results.true_energy[cc], levels.is_fermi[level], rng)
    azimuth = rng.uniform(0, 2 * np.pi, (len(results), 1))
    neutrino = around(results.truth, np.nan_to_num(scattering)[:, None], azimuth)[:, 0]
    return np.where(np.isfinite(scattering), np.einsum("nk,nk->n", neutrino, results.predicted), np.nan)
