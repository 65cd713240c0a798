"""Charged-current absorption of electron neutrinos on argon: nu_e + 40Ar -> e- + 40K*.

Allowed approximation: the momentum transfer is neglected, the nucleus takes no energy, and each level of 40K at excitation Ex
with strength B (Fermi or Gamow-Teller) contributes

    sigma = G_F^2 |V_ud|^2 / pi  p E F(Z, E) B,     T = E_nu - Q - Ex,   Q = 1.5044 MeV,

with p, E, T momentum, total and kinetic energy of the electron (S. Gardiner, Phys. Rev. C 103, 044604 (2021); strengths and
their sources: tables/ve_ar40_strengths.json). Q is the difference of the atomic masses (M. Wang et al., Chinese Phys. C 45,
030003 (2021)). F corrects for the charge of the nucleus: the Fermi function of a point nucleus, or the modified effective
momentum approximation (J. Engel, Phys. Rev. C 57, 2004 (1998)) where that is nearer to 1, which is at high energy. The electron
leaves at cosine c with 1 + beta c for Fermi, 1 - beta c / 3 for Gamow-Teller transitions. Numbers of events are normalised to
those of SNOwGLoBES, whose cross-section (MARLEY 1) has Gamow-Teller strengths without g_A^2. MeV and cm^2 throughout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import gammaln, loggamma

from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.elastic_scattering import (
    ARGON_ATOMS_PER_KT,
    ENERGY_GRID,
    FERMI_CONSTANT,
    HBARC2_CM2,
)
from python.physics.flux import FLUENCES, REFERENCE_DISTANCE_KPC, Fluences, integrate, sample_tabulated

MASS_DIFFERENCE_MEV = 1.5044
COSINE_CABIBBO_SQUARED = 0.97373**2  # |V_ud|^2, Particle Data Group 2022
FINE_STRUCTURE = 1.0 / 137.035999
POTASSIUM_Z = 19
HBARC_MEV_FM = 197.3269804
RADIUS_FM = 1.2 * 40 ** (1 / 3)
SURFACE_TO_CENTRE = 1.5  # of the Coulomb potential of a uniformly charged sphere
# Events in 40 kt at 10 kpc without threshold, of the SNOwGLoBES cross-sections and fluences.
PUBLISHED_EVENTS = {"gkvm": 3303.0, "livermore": 2674.0}
PUBLISHED_MASS_KT = 40.0
STRENGTHS = Path(__file__).parent / "tables" / "ve_ar40_strengths.json"


@dataclass(frozen=True)
class AllowedLevels:
    """L levels of 40K in rising order: `excitation` in MeV, `strength` B, `is_fermi` (Gamow-Teller otherwise), each (L,)."""

    excitation: np.ndarray
    strength: np.ndarray
    is_fermi: np.ndarray


@cache
def allowed_levels() -> AllowedLevels:
    """Return the levels that the neutrino can leave the nucleus in."""
    rows = np.array(json.loads(STRENGTHS.read_text(encoding="utf-8"))["levels"])
    return AllowedLevels(rows[:, 0], rows[:, 1], rows[:, 2] == 1)


def threshold() -> float:
    """Lowest neutrino energy that reaches a level, in MeV."""
    return MASS_DIFFERENCE_MEV + float(allowed_levels().excitation[0])


def coulomb_factor(electron_energy: np.ndarray) -> np.ndarray:
    """Return F(Z = 19) for electrons of kinetic energy > 0, any shape."""
    total = electron_energy + ELECTRON_MASS_MEV
    momentum = np.sqrt(electron_energy * (electron_energy + 2.0 * ELECTRON_MASS_MEV))
    charge = FINE_STRUCTURE * POTASSIUM_Z
    gamma = np.sqrt(1.0 - charge**2)
    eta = charge * total / momentum
    log_fermi = (
        np.log(2.0 * (1.0 + gamma))
        + 2.0 * (gamma - 1.0) * np.log(2.0 * momentum * RADIUS_FM / HBARC_MEV_FM)
        + np.pi * eta
        + 2.0 * np.real(loggamma(gamma + 1j * eta))
        - 2.0 * gammaln(2.0 * gamma + 1.0)
    )
    local = total + SURFACE_TO_CENTRE * charge * HBARC_MEV_FM / RADIUS_FM  # energy at the centre of the nucleus
    effective = np.sqrt(local**2 - ELECTRON_MASS_MEV**2) * local / (momentum * total)
    return np.minimum(np.exp(log_fermi), effective)


def level_cross_sections(nu_energy: np.ndarray) -> np.ndarray:
    """Return cross-sections (N, L) per argon atom for neutrinos (N,) to leave the nucleus in each of the L levels."""
    levels = allowed_levels()
    electron = np.asarray(nu_energy)[:, None] - MASS_DIFFERENCE_MEV - levels.excitation
    is_open = electron > 0
    electron = np.where(is_open, electron, 1.0)
    momentum = np.sqrt(electron * (electron + 2.0 * ELECTRON_MASS_MEV))
    phase_space = momentum * (electron + ELECTRON_MASS_MEV) * coulomb_factor(electron)
    norm = FERMI_CONSTANT**2 * COSINE_CABIBBO_SQUARED / np.pi * HBARC2_CM2
    return np.where(is_open, norm * levels.strength * phase_space, 0.0)


def cross_section(nu_energy: np.ndarray) -> np.ndarray:
    """Return total cross-sections (N,) per argon atom, 0 below the threshold."""
    return level_cross_sections(nu_energy).sum(axis=1)


def sample_level(nu_energy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the number (N,) of the level that each neutrino (N,), above the threshold, leaves the nucleus in."""
    cumulative = np.cumsum(level_cross_sections(nu_energy), axis=1)
    wanted = rng.random(len(cumulative)) * cumulative[:, -1]
    return np.minimum((cumulative <= wanted[:, None]).sum(axis=1), cumulative.shape[1] - 1)


def sample_cosine(electron_energy: np.ndarray, is_fermi: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return cosines (N,) of the angle between electron and neutrino."""
    total = electron_energy + ELECTRON_MASS_MEV
    beta = np.sqrt(electron_energy * (electron_energy + 2.0 * ELECTRON_MASS_MEV)) / total
    slope = np.where(is_fermi, beta, -beta / 3.0)
    u = rng.random(len(total))
    # inverse of (1 + c) / 2 + slope (c^2 - 1) / 4, written so that it holds at slope 0
    return (slope - 2.0 + 4.0 * u) / (1.0 + np.sqrt((1.0 - slope) ** 2 + 4.0 * slope * u))


def sample_fluences(
    fluences: Fluences, bounds: tuple[float, float], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return energies (count,) of the neutrinos of a supernova that are absorbed, within `bounds`."""
    low, high = max(bounds[0], threshold()), min(bounds[1], ENERGY_GRID[-1])
    grid = np.union1d(np.clip(ENERGY_GRID, low, high), [low, high])
    density = fluences.nue.density(grid) * np.interp(grid, ENERGY_GRID, _tabulated_cross_section())
    return sample_tabulated(grid, density, count, rng)


def sample_flat(bounds: tuple[float, float], count: int, rng: np.random.Generator) -> np.ndarray:
    """Return neutrino energies (count,) that are uniform within `bounds`, as far as they are above the threshold."""
    return rng.uniform(max(bounds[0], threshold()), bounds[1], count)


def expected_events(fluences: Fluences, mass_kt: float, distance_kpc: float) -> float:
    """Return the mean number of absorptions in `mass_kt` of argon: those of the model, times `normalisation`.

    Fluences that are not among `FLUENCES` get the mean of their normalisations.
    """
    return normalisation(fluences) * _model_events(fluences, mass_kt, distance_kpc)


def normalisation(fluences: Fluences) -> float:
    """Published number of events over that of the model."""
    factors = {
        name: PUBLISHED_EVENTS[name] / _model_events(known, PUBLISHED_MASS_KT, REFERENCE_DISTANCE_KPC)
        for name, known in FLUENCES.items()
    }
    mean = float(np.mean(list(factors.values())))
    return next((factors[name] for name, known in FLUENCES.items() if known == fluences), mean)


def _model_events(fluences: Fluences, mass_kt: float, distance_kpc: float) -> float:
    """Mean number of absorptions from strengths and fluence alone."""
    atoms = mass_kt * ARGON_ATOMS_PER_KT * (REFERENCE_DISTANCE_KPC / distance_kpc) ** 2
    return atoms * integrate(ENERGY_GRID, fluences.nue.density(ENERGY_GRID) * _tabulated_cross_section())


@cache
def _tabulated_cross_section() -> np.ndarray:
    """Total cross-section on `ENERGY_GRID`."""
    return cross_section(ENERGY_GRID)
