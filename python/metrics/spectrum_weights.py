"""Weights that make a sample of one energy spectrum stand for another, such as that of a supernova's elastic scattering.

spectrum = elastic_scattering_spectrum("gkvm")
results = results.weighted_by(spectrum_weights(results.true_energy, spectrum))
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from python.physics.elastic_scattering import ENERGY_GRID, differential_cross_section
from python.physics.flux import FLAVOURS, FLUENCES

_MAX_BINS = 100
Spectrum = Callable[[np.ndarray], np.ndarray] | tuple[ArrayLike, ArrayLike]


def elastic_scattering_spectrum(flux: str = "gkvm") -> tuple[np.ndarray, np.ndarray]:
    """Kinetic energies (N,) in MeV of electrons and their number per MeV and target electron at 10 kpc, no threshold.

    `flux` is a name in `python.physics.flux.FLUENCES`; the cross-section is that of `python.physics.elastic_scattering`.
    """
    if flux not in FLUENCES:
        raise ValueError(f"flux is one of {tuple(FLUENCES)}. Received: {flux!r}")
    step = ENERGY_GRID[1] - ENERGY_GRID[0]
    neutrino = (ENERGY_GRID[:-1] + step / 2)[:, None]  # midpoints: the cross-section ends in a step
    electron = np.linspace(0.0, ENERGY_GRID[-1], 401)
    density = np.zeros(len(electron))
    for pdg in FLAVOURS:
        fluence = FLUENCES[flux].of(pdg).density(neutrino)
        density += np.sum(fluence * differential_cross_section(neutrino, electron, np.array(pdg)), axis=0) * step
    return electron, density


def spectrum_weights(energies: np.ndarray, spectrum: Spectrum) -> np.ndarray:
    """Weights (N,) of mean 1 that turn the distribution of `energies` (N,) in MeV into `spectrum`, within the sample's range.

    `spectrum` is a density per MeV of any normalisation: a function of energies, or (energies, densities), linear between the
    points and 0 beyond. Unknown energies (NaN) weigh 0. The sample's own density is estimated from bins of equal numbers of
    events, linear between their centres. All weights are 0 when the spectrum vanishes on the sample. ValueError when a density
    is negative.
    """
    energies = np.asarray(energies, float)
    weights = np.zeros(len(energies))
    known = np.isfinite(energies)
    if not known.any():
        return weights
    wanted = np.asarray(_density(spectrum, energies[known]), float)
    if not np.all(wanted >= 0):
        raise ValueError("a spectrum must not be negative or NaN")
    weights[known] = wanted / _sample_density(energies[known])
    mean = weights.mean()
    return weights / mean if mean > 0 else weights


def _density(spectrum: Spectrum, energies: np.ndarray) -> np.ndarray:
    if callable(spectrum):
        return spectrum(energies)
    points, densities = (np.asarray(values, float) for values in spectrum)
    return np.interp(energies, points, densities, left=0.0, right=0.0)


def _sample_density(energies: np.ndarray) -> np.ndarray:
    """Events per MeV at each of `energies` (N,), up to a factor."""
    n_bins = int(np.clip(np.sqrt(len(energies)) / 2, 1, _MAX_BINS))  # 10 % each at 100 events, 5 % at 40,000 and fewer
    edges = np.unique(np.quantile(energies, np.linspace(0, 1, n_bins + 1)))
    if len(edges) < 2:  # one and the same energy
        return np.ones(len(energies))
    counts, _ = np.histogram(energies, edges)
    return np.interp(energies, (edges[1:] + edges[:-1]) / 2, counts / np.diff(edges))
