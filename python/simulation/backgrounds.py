"""Radioactive decays in and around the argon during a readout window: what a cluster is when no neutrino made it.

Rates are mean numbers in a readout window of 3 ms in four APAs, which is all of `dune10kt_1x2x2` (4.05e8 cm3); larger geometries
have as many times more as they have APAs, also of what comes from outside. Those of nuclides dissolved in
the argon follow from their activities (39Ar 1.41e-3, 85Kr 1.6e-4, 222Rn 1.4e-6, 42Ar 1.28e-7 Bq/cm3), 214Bi in equilibrium
with 222Rn. Photons and neutrons from outside depend on the cavern and are known to a factor of a few only. Their nominal rates
are chosen so that there is about one background cluster of 2 MeV to every neutrino cluster; a production file of the full
simulation had 137 to 53 on the plane U, which three times the rates come near. Beta spectra have the allowed or the unique
first-forbidden shape with the non-relativistic Fermi function; end points and branches are those of ENSDF, weak branches joined
with a neighbour.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from python.detector.geometry import DUNE_1X2X2, TICK_US, TICKS_PER_WINDOW, Geometry, drift_ticks
from python.physics.charged_current import FINE_STRUCTURE
from python.physics.constants import ELECTRON_MASS_MEV
from python.simulation.near_clusters import NearClusters
from python.simulation.records import ALPHA, ELECTRON, NEUTRON, PHOTON, Particles
from python.simulation.vectors import isotropic_directions, uniform_positions

WINDOW_US = TICKS_PER_WINDOW * TICK_US
MARGIN_US = 600.0  # a photon that flies 1 m along the drift changes the time of arrival by this; neutrons come as late
FAINT_MARGIN_US = 30.0  # the signal of charge on the wires lasts 25
THERMAL_MEV = 2.5e-8
TL208_GAMMA_MEV = 2.6145
PO214_ALPHA_MEV, PO214_MEAN_LIFE_US = 7.687, 237.0


@dataclass(frozen=True)
class Branch:
    """A beta decay with its end point and the photons that follow, MeV; `unique` when it is unique first-forbidden."""

    probability: float
    end_point: float
    gammas: tuple[float, ...] = ()
    unique: bool = False


@dataclass(frozen=True)
class Nuclide:
    daughter_charge: int
    branches: tuple[Branch, ...]


NUCLIDES = {
    "ar39": Nuclide(19, (Branch(1.0, 0.565, unique=True),)),
    "kr85": Nuclide(37, (Branch(1.0, 0.687, unique=True),)),
    "k42": Nuclide(20, (Branch(0.82, 3.525, unique=True), Branch(0.18, 2.001, (1.5247,)))),
    "bi214": Nuclide(
        84,
        (
            Branch(0.191, 3.270),
            Branch(0.037, 2.661, (0.6093,)),
            Branch(0.040, 1.892, (1.3777,)),
            Branch(0.034, 1.892, (0.7684, 0.6093)),
            Branch(0.031, 1.727, (0.9341, 0.6093)),
            Branch(0.181, 1.540, (1.1203, 0.6093)),
            Branch(0.175, 1.506, (1.7645,)),
            Branch(0.081, 1.423, (1.2381, 0.6093)),
            Branch(0.060, 1.253, (1.4080, 0.6093)),
            Branch(0.070, 1.066, (2.2042,)),
            Branch(0.100, 0.822, (1.8384, 0.6093)),
        ),
    ),
}
APAS_OF_RATES = 4
NOMINAL_RATES = {
    "k42": 0.16,
    "bi214": 1.7,
    "external_gamma": 3.0,
    "neutron_capture": 2.0,
    "ar39": 1713.0,
    "kr85": 194.0,
}
FAINT = ("ar39", "kr85")  # lone electrons, too weak for a cluster, and more than all else together


def background_particles(
    n_events: int,
    rates: dict[str, float],
    rng: np.random.Generator,
    near: NearClusters | None = None,
    geometry: Geometry = DUNE_1X2X2,
) -> Particles:
    """Draw the particles of all decays in the windows of `n_events` events, of FAINT sources only those that are `near` clusters.

    `rates` are decays a window and four APAs by source; one that is not named has none. Only decays are drawn whose charge may
    arrive within the window or MARGIN_US around it, FAINT_MARGIN_US of FAINT ones, evenly in time. Raises ValueError for a
    source that is not known.
    """
    if unknown := set(rates) - set(NOMINAL_RATES):
        raise ValueError(f"{', '.join(sorted(unknown))}: no such background; there are {', '.join(NOMINAL_RATES)}")
    parts = []
    for name in sorted(NOMINAL_RATES):
        margin = FAINT_MARGIN_US if name in FAINT else MARGIN_US
        rate = rates.get(name, 0.0) * geometry.n_apas / APAS_OF_RATES
        counts = rng.poisson(rate * (WINDOW_US + 2 * margin) / WINDOW_US, n_events)
        if near is not None and name in FAINT:
            event, position, arrival = near.draw(counts, margin / TICK_US, rng)
            parts += _decays(name, event, position, arrival * TICK_US - _drift_us(position), rng)
            continue
        event = np.repeat(np.arange(n_events), counts)
        arrival = rng.uniform(-margin, WINDOW_US + margin, len(event))
        if name == "external_gamma":
            position, direction = _from_outside(len(event), rng, geometry)
            time = arrival - _drift_us(position)
            parts.append(_particles(event, PHOTON, TL208_GAMMA_MEV, position, direction, time))
            continue
        position = uniform_positions(len(event), rng, geometry)
        time = arrival - _drift_us(position)
        if name == "neutron_capture":
            parts.append(_isotropic(event, NEUTRON, THERMAL_MEV, position, time, rng))
        else:
            parts += _decays(name, event, position, time, rng)
    joined = Particles.concatenate(parts)
    return joined.take(np.argsort(joined.event, kind="stable"))


def _drift_us(position: np.ndarray) -> np.ndarray:
    return drift_ticks(position[:, 0]) * TICK_US


def _decays(
    name: str, event: np.ndarray, position: np.ndarray, time: np.ndarray, rng: np.random.Generator
) -> list[Particles]:
    """Particles of beta decays of the nuclide `name`."""
    nuclide = NUCLIDES[name]
    probability = np.array([branch.probability for branch in nuclide.branches])
    chosen = rng.choice(len(probability), len(event), p=probability / probability.sum())
    parts = []
    for number, branch in enumerate(nuclide.branches):
        mine = chosen == number
        where = (position[mine], time[mine], rng)
        energy = np.interp(rng.random(int(mine.sum())), *_beta_quantiles(nuclide.daughter_charge, branch))
        parts.append(_isotropic(event[mine], ELECTRON, energy, *where))
        parts += [_isotropic(event[mine], PHOTON, gamma, *where) for gamma in branch.gammas]
    if name == "bi214":  # 214Po follows within a fraction of a millisecond
        later = time + rng.exponential(PO214_MEAN_LIFE_US, len(event))
        parts.append(_isotropic(event, ALPHA, PO214_ALPHA_MEV, position, later, rng))
    return parts


@functools.cache
def _beta_quantiles(daughter_charge: int, branch: Branch) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative probability and kinetic energy in MeV of the electrons of a branch."""
    energy = np.linspace(0, branch.end_point, 1001)
    middle = (energy[1:] + energy[:-1]) / 2
    total = middle + ELECTRON_MASS_MEV
    momentum = np.sqrt(total**2 - ELECTRON_MASS_MEV**2)
    coulomb = 2 * np.pi * FINE_STRUCTURE * daughter_charge * total / momentum
    neutrino = branch.end_point - middle
    density = momentum * total * neutrino**2 * coulomb / -np.expm1(-coulomb)
    if branch.unique:
        density *= momentum**2 + neutrino**2
    return np.concatenate([[0], np.cumsum(density) / density.sum()]), energy


def _from_outside(n: int, rng: np.random.Generator, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Positions on the border of the argon and inward directions by the cosine law, each (n, 3)."""
    low, high = geometry.corners
    size = high - low
    area = size.prod() / size
    axis = rng.choice(3, n, p=area / area.sum())
    upper = rng.random(n) < 0.5
    rows = np.arange(n)
    position = rng.uniform(low, high, (n, 3))
    position[rows, axis] = np.where(upper, high[axis], low[axis])
    cosine = np.sqrt(rng.random(n))
    sine, phi = np.sqrt(1 - cosine**2), rng.uniform(0, 2 * np.pi, n)
    direction = np.empty((n, 3))
    direction[rows, axis] = np.where(upper, -cosine, cosine)
    direction[rows, (axis + 1) % 3] = sine * np.cos(phi)
    direction[rows, (axis + 2) % 3] = sine * np.sin(phi)
    return position, direction


def _isotropic(
    event: np.ndarray,
    pdg: int,
    energy: np.ndarray | float,
    position: np.ndarray,
    time: np.ndarray,
    rng: np.random.Generator,
) -> Particles:
    return _particles(event, pdg, energy, position, isotropic_directions(len(event), rng), time)


def _particles(
    event: np.ndarray,
    pdg: int,
    energy: np.ndarray | float,
    position: np.ndarray,
    direction: np.ndarray,
    time: np.ndarray,
) -> Particles:
    n = len(event)
    return Particles(
        event, np.full(n, pdg), np.full(n, energy, float), position, direction, time, is_signal=np.zeros(n, bool)
    )
