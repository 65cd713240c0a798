"""Liquid argon: constants and the tables of stopping powers and cross-sections, on one logarithmic grid of energies.

Stopping powers are NIST ESTAR's, photon coefficients NIST XCOM's. What a charged particle loses in collisions above
`DELTA_CUT_MEV` and in photons above `PHOTON_CUT_MEV` is sampled one by one in electrons.py; the tables hold the rates of these
and the rest, which is lost continuously, so that the sum is always ESTAR's. Knock-on electrons follow Moller's cross-section
(that of two electrons, also for positrons, whose own would differ by a few per cent). Photons of y = k/T are radiated as

    dN/dy = (S_rad / T) (4/3 - 4/3 y + y^2) / y,

the shape of complete screening, whose integral over energy is the radiative stopping power S_rad.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np

from python.physics.compiled import kernel
from python.physics.constants import ELECTRON_MASS_MEV

DENSITY = 1.396  # g/cm3 at 87 K
ATOMIC_NUMBER = 18
RADIATION_LENGTH_CM = 14.0  # 19.55 g/cm2, Particle Data Group
ATOMS_PER_CM3 = DENSITY * 6.02214076e23 / 39.948
BARN_CM2 = 1e-24
CLASSICAL_RADIUS_CM = 2.8179403262e-13
# 2 pi r_e^2 m_e c^2 times the density of electrons, in MeV/cm
COLLISION_SCALE = 2 * math.pi * CLASSICAL_RADIUS_CM**2 * ELECTRON_MASS_MEV * ATOMS_PER_CM3 * ATOMIC_NUMBER

DELTA_CUT_MEV = 0.1  # range 0.14 mm, a sixth of what the charge drifts in a tick
PHOTON_CUT_MEV = 0.03  # absorbed within 3 mm

GRID_START_MEV, GRID_END_MEV, GRID_POINTS = 1e-3, 100.0, 601
GRID_STEP = math.log(GRID_END_MEV / GRID_START_MEV) / (GRID_POINTS - 1)

SOFT_LOSS, DELTA_RATE, PHOTON_RATE, RANGE = range(4)  # columns of `electron_table`
ATTENUATION, COMPTON_SHARE, PAIR_SHARE = range(3)  # columns of `photon_table`


def energy_grid() -> np.ndarray:
    """Kinetic energies in MeV of the rows of the tables."""
    return GRID_START_MEV * np.exp(GRID_STEP * np.arange(GRID_POINTS))


@kernel
def grid_position(energy):
    """Row of `energy` in the tables, real-valued; energies beyond the grid take its ends."""
    position = math.log(energy / GRID_START_MEV) / GRID_STEP
    return min(max(position, 0.0), GRID_POINTS - 1.000001)


@kernel
def lookup(table, column, position):
    """Value of a column of a table at a `grid_position`, linear in the logarithm of the energy."""
    row = int(position)
    fraction = position - row
    return (1 - fraction) * table[row, column] + fraction * table[row + 1, column]


@cache
def read_table(name: str) -> dict[str, np.ndarray]:
    """The numeric columns of tables/NAME.json."""
    content = json.loads((Path(__file__).parent / "tables" / f"{name}.json").read_text())
    return {key: np.array(column) for key, column in content.items() if isinstance(column, list)}


def _power_law(energy: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate log against log, and continue the first and the last piece beyond the known energies."""
    x, y = np.log(known), np.log(values)
    piece = np.clip(np.searchsorted(x, np.log(energy)) - 1, 0, len(x) - 2)
    slope = (y[piece + 1] - y[piece]) / (x[piece + 1] - x[piece])
    return np.exp(y[piece] + slope * (np.log(energy) - x[piece]))


def collision_stopping(energy: np.ndarray) -> np.ndarray:
    """Collision stopping power in MeV/cm for electrons of `energy` MeV (ESTAR)."""
    estar = read_table("estar_lar")
    return DENSITY * _power_law(energy, estar["energy"], estar["collision"])


def radiative_stopping(energy: np.ndarray) -> np.ndarray:
    """Radiative stopping power in MeV/cm for electrons of `energy` MeV (ESTAR)."""
    estar = read_table("estar_lar")
    return DENSITY * _power_law(energy, estar["energy"], estar["radiative"])


def csda_range(energy: np.ndarray) -> np.ndarray:
    """Range in cm of electrons of `energy` MeV that slow down continuously: the integral of 1 / stopping power.

    Below 10 keV the stopping power goes on as a power of the energy.
    """
    grid = energy_grid()
    stopping = collision_stopping(grid) + radiative_stopping(grid)
    first = grid[0] / stopping[0]
    power = np.log(stopping[1] / stopping[0]) / GRID_STEP
    integrand = grid / stopping  # over the logarithm of the energy
    pieces = GRID_STEP * (integrand[1:] + integrand[:-1]) / 2
    return _power_law(energy, grid, first / (1 - power) + np.concatenate([[0.0], np.cumsum(pieces)]))


def delta_rays(energy: np.ndarray, cut: float = DELTA_CUT_MEV) -> tuple[np.ndarray, np.ndarray]:
    """Return how many electrons above `cut` MeV are knocked on in a cm, and the energy in MeV/cm that they take.

    The integrals of Moller's cross-section (Geant4 Physics Reference Manual, "Moller scattering") over the share of the
    kinetic energy from cut / energy to 1/2: of two electrons alike, the slower is the one that was knocked on.
    """
    gamma = 1 + energy / ELECTRON_MASS_MEV
    a, b = ((gamma - 1) / gamma) ** 2, (2 * gamma - 1) / gamma**2
    low = np.minimum(cut / energy, 0.5)
    number = a * (0.5 - low) + 1 / low - 1 / (1 - low) - b * np.log((1 - low) / low)
    share = a / 2 * (0.25 - low**2) + np.log(0.25 / (low * (1 - low))) + 2 - 1 / (1 - low) - b * np.log(2 * (1 - low))
    scale = COLLISION_SCALE / (1 - gamma**-2) / energy
    return scale * number, scale * energy * share


def bremsstrahlung(energy: np.ndarray, cut: float = PHOTON_CUT_MEV) -> tuple[np.ndarray, np.ndarray]:
    """Return how many photons above `cut` MeV are radiated in a cm, and the energy in MeV/cm that those below take."""
    y = np.minimum(cut / energy, 1.0)
    stopping = radiative_stopping(energy)
    number = -4 / 3 * np.log(y) - 4 / 3 * (1 - y) + (1 - y**2) / 2
    return stopping / energy * number, stopping * (4 / 3 * y - 2 / 3 * y**2 + y**3 / 3)


@cache
def electron_table() -> np.ndarray:
    """(GRID_POINTS, 4): continuous loss MeV/cm, delta rays 1/cm, photons 1/cm, range cm."""
    energy = energy_grid()
    deltas, delta_loss = delta_rays(energy)
    photons, soft_radiation = bremsstrahlung(energy)
    soft = collision_stopping(energy) - delta_loss + soft_radiation
    return np.column_stack([soft, deltas, photons, csda_range(energy)])


@cache
def photon_table() -> np.ndarray:
    """(GRID_POINTS, 3): attenuation 1/cm without coherent scattering, shares of Compton scattering and pair production."""
    energy, xcom = energy_grid(), read_table("xcom_ar")
    known = xcom["energy"]
    compton = _power_law(energy, known, xcom["compton"])
    photoelectric = _power_law(energy, known, xcom["photoelectric"])
    makes_pairs = xcom["pair"] > 0
    # smooth once the rise from the threshold is taken out
    reduced = xcom["pair"][makes_pairs] / _above_threshold(known[makes_pairs])
    pair = _above_threshold(energy) * _power_law(energy, known[makes_pairs], reduced)
    total = compton + photoelectric + pair
    return np.column_stack([ATOMS_PER_CM3 * BARN_CM2 * total, compton / total, pair / total])


def _above_threshold(energy: np.ndarray) -> np.ndarray:
    return np.maximum(1 - 2 * ELECTRON_MASS_MEV / energy, 0.0) ** 3
