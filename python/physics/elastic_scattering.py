"""Elastic scattering of neutrinos on electrons, at tree level.

    dsigma/dT = sigma_0 / m [gL^2 + gR^2 (1 - T/E)^2 - gL gR m T / E^2],   sigma_0 = 2 G_F^2 m^2 / pi = 88.06e-46 cm^2,

for a neutrino of energy E on an electron of mass m at rest, which gets the kinetic energy T <= 2 E^2 / (m + 2 E) at the angle
cos = (E + m) / E sqrt(T / (T + 2 m)) (W. J. Marciano and Z. Parsa, J. Phys. G 29, 2629 (2003)). Radiative corrections, a few
percent, are left out. Energies in MeV, cross-sections in cm^2 per electron.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.flux import FLAVOURS, REFERENCE_DISTANCE_KPC, Fluences, integrate, sample_tabulated

FERMI_CONSTANT = 1.1663788e-11  # MeV^-2
HBARC2_CM2 = 3.8937937e-22  # (hbar c)^2 in MeV^2 cm^2
SIGMA_0_CM2 = 2.0 * FERMI_CONSTANT**2 * ELECTRON_MASS_MEV**2 / np.pi * HBARC2_CM2
SIN2_WEAK_ANGLE = 0.2315
AVOGADRO, ARGON_MASS_G_PER_MOL, ARGON_Z = 6.02214076e23, 39.948, 18
ARGON_ATOMS_PER_KT = 1e9 / ARGON_MASS_G_PER_MOL * AVOGADRO
NO_BOUNDS = (0.0, np.inf)
Energy = TypeVar("Energy", float, np.ndarray)  # one or many

# The spectra are integrated on it. Beyond are a few events in 100,000, with electrons that the tables of argon do not reach.
ENERGY_GRID = np.linspace(0.0, 100.0, 1001)
FLAT_MAX_NU_ENERGY = 70.0
_BISECTIONS = 55  # halve an interval of 100 MeV down to rounding


def couplings(pdg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gL and gR of neutrino species by PDG code, any shape: electron flavour has the charged current too."""
    pdg = np.asarray(pdg)
    left = np.where(np.abs(pdg) == 12, 0.5, -0.5) + SIN2_WEAK_ANGLE
    right = np.full(pdg.shape, SIN2_WEAK_ANGLE)
    return np.where(pdg > 0, left, right), np.where(pdg > 0, right, left)


def max_electron_energy(nu_energy: Energy) -> Energy:
    """Highest kinetic energy of the electron."""
    return 2.0 * nu_energy**2 / (ELECTRON_MASS_MEV + 2.0 * nu_energy)


def min_neutrino_energy(electron_energy: np.ndarray) -> np.ndarray:
    """Lowest neutrino energy that gives an electron the kinetic energy; the inverse of `max_electron_energy`."""
    return (electron_energy + np.sqrt(electron_energy * (electron_energy + 2.0 * ELECTRON_MASS_MEV))) / 2.0


def cosine(nu_energy: np.ndarray, electron_energy: np.ndarray) -> np.ndarray:
    """Cosine of the angle between electron and neutrino, from energy and momentum conservation."""
    ratio = electron_energy / (electron_energy + 2.0 * ELECTRON_MASS_MEV)
    return np.minimum((nu_energy + ELECTRON_MASS_MEV) / nu_energy * np.sqrt(ratio), 1.0)


def differential_cross_section(nu_energy: np.ndarray, electron_energy: np.ndarray, pdg: np.ndarray) -> np.ndarray:
    """dsigma/dT in cm^2 / MeV, 0 beyond the kinematic limit; the arguments broadcast."""
    left, right = couplings(pdg)
    y = electron_energy / nu_energy
    shape = left**2 + right**2 * (1.0 - y) ** 2 - left * right * ELECTRON_MASS_MEV * y / nu_energy
    inside = (electron_energy >= 0) & (electron_energy <= max_electron_energy(nu_energy))
    return np.where(inside, SIGMA_0_CM2 / ELECTRON_MASS_MEV * shape, 0.0)


def cross_section(nu_energy: np.ndarray, pdg: np.ndarray, bounds: tuple[float, float] = NO_BOUNDS) -> np.ndarray:
    """Cross-section in cm^2 for electrons of kinetic energy within `bounds`, in closed form; the arguments broadcast."""
    low, high = _limits(nu_energy, bounds)
    return _integral(nu_energy, high, pdg) - _integral(nu_energy, low, pdg)


def sample_electron_energy(
    nu_energy: np.ndarray, pdg: np.ndarray, bounds: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return kinetic energies (N,) of electrons within `bounds`, one for each neutrino (N,), by bisection of the integral."""
    low, high = _limits(nu_energy, bounds)
    start, stop = _integral(nu_energy, low, pdg), _integral(nu_energy, high, pdg)
    wanted = start + rng.random(len(nu_energy)) * (stop - start)
    return _bisect(lambda energy: _integral(nu_energy, energy, pdg), wanted, low, high)


def sample_flat_neutrino_energy(electron_energy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return energies (N,) of electron neutrinos that gave the electrons (N,) their kinetic energy.

    The neutrinos have a flat spectrum up to 70 MeV, weighted by dsigma/dT at each electron energy.
    """
    low = min_neutrino_energy(electron_energy)
    high = np.full_like(low, FLAT_MAX_NU_ENERGY)
    left, right = couplings(np.array(12))

    def integral(nu_energy: np.ndarray) -> np.ndarray:
        t = electron_energy
        square = nu_energy - 2.0 * t * np.log(nu_energy) - t * t / nu_energy
        return left**2 * nu_energy + right**2 * square + left * right * ELECTRON_MASS_MEV * t / nu_energy

    start = integral(low)
    wanted = start + rng.random(len(low)) * (integral(high) - start)
    return _bisect(integral, wanted, low, high)


def rate_density(fluences: Fluences, pdg: int, bounds: tuple[float, float] = NO_BOUNDS) -> np.ndarray:
    """Fluence times cross-section on `ENERGY_GRID`, per MeV of neutrino energy and per electron, at 10 kpc."""
    density = np.zeros(len(ENERGY_GRID))
    density[1:] = fluences.of(pdg).density(ENERGY_GRID[1:]) * cross_section(ENERGY_GRID[1:], np.array(pdg), bounds)
    return density


def sample_fluences(
    fluences: Fluences, bounds: tuple[float, float], count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return PDG code, neutrino energy and electron kinetic energy, each (count,), of scatterings of a supernova's neutrinos.

    Only electrons within `bounds` are made, in their right proportions among species and energies.
    """
    densities = [rate_density(fluences, pdg, bounds) for pdg in FLAVOURS]
    rates = np.array([integrate(ENERGY_GRID, density) for density in densities])
    species = rng.choice(len(FLAVOURS), count, p=rates / rates.sum())
    pdg, nu_energy = np.array(FLAVOURS)[species], np.empty(count)
    for number, density in enumerate(densities):
        rows = np.flatnonzero(species == number)
        nu_energy[rows] = sample_tabulated(ENERGY_GRID, density, len(rows), rng)
    return pdg, nu_energy, sample_electron_energy(nu_energy, pdg, bounds, rng)


def expected_events(
    fluences: Fluences, mass_kt: float, distance_kpc: float, bounds: tuple[float, float] = NO_BOUNDS
) -> dict[int, float]:
    """Return the mean number of scatterings in `mass_kt` of argon by PDG code, with electrons within `bounds`."""
    electrons = mass_kt * ARGON_ATOMS_PER_KT * ARGON_Z * (REFERENCE_DISTANCE_KPC / distance_kpc) ** 2
    return {pdg: electrons * integrate(ENERGY_GRID, rate_density(fluences, pdg, bounds)) for pdg in FLAVOURS}


def _limits(nu_energy: np.ndarray, bounds: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The part of `bounds` that kinematics allows; empty (both ends the same) where there is none."""
    limit = max_electron_energy(nu_energy)
    return np.minimum(bounds[0], limit), np.minimum(bounds[1], limit)


def _integral(nu_energy: np.ndarray, electron_energy: np.ndarray, pdg: np.ndarray) -> np.ndarray:
    """Integral of dsigma/dT from 0 to `electron_energy`, in cm^2."""
    left, right = couplings(pdg)
    y = electron_energy / nu_energy
    cubic = y * (1.0 - y + y * y / 3.0)
    bracket = left**2 * y + right**2 * cubic - left * right * ELECTRON_MASS_MEV / nu_energy * y * y / 2.0
    return SIGMA_0_CM2 / ELECTRON_MASS_MEV * nu_energy * bracket


def _bisect(
    function: Callable[[np.ndarray], np.ndarray], wanted: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Solve function(x) = wanted for a rising function between `low` and `high`, arrays of one length."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        below = function(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2.0
