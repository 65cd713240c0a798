"""How far the directions of electrons are from those of the neutrinos that struck them, given the electron's energy.

For elastic scattering the angle follows from both energies, and the neutrino's is not known: what the electron's tells of it
depends on the spectrum. For the charged current electrons fly nearly everywhere, a little more often one way than the other.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from python.physics import charged_current, elastic_scattering
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.elastic_scattering import ENERGY_GRID
from python.physics.flux import FLAVOURS, FLUENCES

ELECTRON_GRID = np.linspace(1.0, 90.0, 179)  # kinetic energies in MeV at which the functions below are tabulated


def es_mean_cosine(energy: np.ndarray, flux: str) -> np.ndarray:
    """Mean cosine (N,) of the angle between electrons of kinetic energies (N,) in MeV and their neutrinos, scattered
    elastically."""
    return np.interp(energy, ELECTRON_GRID, _es(flux)[1])


def cc_asymmetry(energy: np.ndarray, flux: str) -> np.ndarray:
    """The a (N,) of 1 + a cos, the distribution of the same angle for the charged current."""
    return np.interp(energy, ELECTRON_GRID, _cc(flux)[1])


def spectrum(channel: str, energy: np.ndarray, flux: str) -> np.ndarray:
    """Events (N,) a MeV, at kinetic energies (N,) of the electrons, of a burst in 1 kt at 10 kpc; of "es" or "cc"."""
    return np.interp(energy, ELECTRON_GRID, (_es if channel == "es" else _cc)(flux)[0])


@cache
def _es(flux: str) -> tuple[np.ndarray, np.ndarray]:
    """Events a MeV and mean cosines on the ELECTRON_GRID."""
    nu, fluences = ENERGY_GRID[1:, None], FLUENCES[flux]
    weight = sum(
        fluences.of(pdg).density(nu) * elastic_scattering.differential_cross_section(nu, ELECTRON_GRID, np.array(pdg))
        for pdg in FLAVOURS
    )
    per_kt = elastic_scattering.ARGON_ATOMS_PER_KT * elastic_scattering.ARGON_Z * np.diff(ENERGY_GRID[:2])[0]
    total = weight.sum(axis=0)
    cosine = (weight * elastic_scattering.cosine(nu, ELECTRON_GRID)).sum(axis=0)
    return total * per_kt, cosine / np.maximum(total, np.finfo(float).tiny)


@cache
def _cc(flux: str) -> tuple[np.ndarray, np.ndarray]:
    """Events a MeV and asymmetries on the ELECTRON_GRID."""
    levels, fluences = charged_current.allowed_levels(), FLUENCES[flux]
    rate = np.zeros((len(levels.excitation), len(ELECTRON_GRID)))
    for number, excitation in enumerate(levels.excitation):
        nu = ELECTRON_GRID + charged_current.MASS_DIFFERENCE_MEV + excitation
        rate[number] = fluences.nue.density(nu) * charged_current.level_cross_sections(nu)[:, number]
    per_kt = elastic_scattering.ARGON_ATOMS_PER_KT * charged_current.normalisation(fluences)
    beta = np.sqrt(ELECTRON_GRID * (ELECTRON_GRID + 2 * ELECTRON_MASS_MEV)) / (ELECTRON_GRID + ELECTRON_MASS_MEV)
    slope = np.where(levels.is_fermi, 1.0, -1 / 3)[:, None] * beta
    total = rate.sum(axis=0)
    return total * per_kt, (rate * slope).sum(axis=0) / np.maximum(total, np.finfo(float).tiny)
