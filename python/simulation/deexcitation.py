"""What excited 40K emits: photons below the particle thresholds, nucleons and alphas first above them.

De-excitation is a random walk between states of nuclei. Bound states emit photons with the measured branchings; states without
any emit dipole photons, rate ~ E^3. Unbound states emit a neutron, a proton or an alpha, after V. Weisskopf, Phys. Rev. 52, 295
(1937): the rate to a state of the residual nucleus with spin J is ~ (2 J + 1) (2 s + 1) mu eps sigma(eps), sigma being the
cross-section of the inverse reaction (I. Dostrovsky et al., Phys. Rev. 116, 683 (1959)). Above the known levels of the residual
nuclei stand evenly spaced states for a level density of constant temperature; they decay by the same rules, so that a second
particle may follow. Photons do not compete with open particle channels. Recoil of nuclei is neglected: the emitted particle
takes all of the energy. Energies in MeV, times in us.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from python.physics.charged_current import allowed_levels
from python.simulation.records import ALPHA, NEUTRON, PHOTON, PROTON

STATES = Path(__file__).parent / "tables" / "nuclear_levels.json"
# Particle, residual nucleus, separation energy in MeV, of each nucleus (atomic masses: M. Wang et al., Chinese Phys. C 45,
# 030003 (2021)). Channels that open beyond 10 MeV are left out.
CHANNELS = {
    "K40": ((NEUTRON, "K39", 7.7996), (PROTON, "Ar39", 7.5825), (ALPHA, "Cl36", 6.4384)),
    "K39": ((PROTON, "Ar38", 6.3813), (ALPHA, "Cl35", 7.2186)),
    "Ar39": ((NEUTRON, "Ar38", 6.5985),),
    "Cl36": ((NEUTRON, "Cl35", 8.5798),),
}
CHARGE_AND_MASS = {"K39": (19, 39), "Ar39": (18, 39), "Cl36": (17, 36), "Ar38": (18, 38), "Cl35": (17, 35)}
MASS_NUMBER = {NEUTRON: 1, PROTON: 1, ALPHA: 4}
CHARGE = {NEUTRON: 0, PROTON: 1, ALPHA: 2}
SPIN_STATES = {NEUTRON: 2, PROTON: 2, ALPHA: 1}
# Dostrovsky's k and c for residual nuclei of Z = 10 and 20, between which they are linear in Z.
BARRIER_FACTORS = {PROTON: ((0.42, 0.58), (0.50, 0.28)), ALPHA: ((0.68, 0.82), (0.10, 0.10))}
COULOMB_MEV_FM = 1.43996
RADIUS_PARAMETER_FM = 1.5
ALPHA_RADIUS_FM = 1.2
TEMPERATURE_MEV = (
    1.5  # of the level density of nuclei of A = 40: T. von Egidy and D. Bucurescu, Phys. Rev. C 72, 044311 (2005)
)
SPACING_MEV = 0.25  # of the states above the known levels
TOLERANCE_MEV = 0.005  # by which an excitation may miss the state that it means


@dataclass(frozen=True)
class Emissions:
    """P particles in order of event and emission: `event` int64, `pdg` int64, kinetic `energy` MeV, `time` us, each (P,)."""

    event: np.ndarray
    pdg: np.ndarray
    energy: np.ndarray
    time: np.ndarray


@dataclass(frozen=True)
class _Nucleus:
    """States of a nucleus in rising order, and the number of the first among those of all nuclei.

    `count` is the number of levels that a state stands for, `weight` the sum of their 2 J + 1.
    """

    first: int
    energy: np.ndarray
    weight: np.ndarray
    count: np.ndarray
    half_life: np.ndarray
    branchings: list[list[list[float]]]


@dataclass(frozen=True)
class DecayScheme:
    """S states of all nuclei and T transitions between them.

    `potassium` (K,) excitation of the states of 40K, which come first. `mean_life` (S,) us. `is_stable` (S,): has no transition.
    Transition t of state s leads to state `final`[t] and emits `pdg`[t] with `energy`[t]; `cumulative`[t] is s plus the
    probability of it and of those of s before it, so that all rise together.
    """

    potassium: np.ndarray
    mean_life: np.ndarray
    is_stable: np.ndarray
    cumulative: np.ndarray
    final: np.ndarray
    pdg: np.ndarray
    energy: np.ndarray


def deexcite(excitation: np.ndarray, rng: np.random.Generator) -> Emissions:
    """Return what nuclei of 40K at `excitation` (E,) emit; the energies add up to it, with the separation energies.

    A nucleus starts in the highest known or allowed state that is not above its excitation; what is left over goes to the first
    particle. Raises ValueError for negative excitation.
    """
    excitation = np.asarray(excitation, float)
    if (excitation < 0).any():
        raise ValueError(f"an excitation is negative: {excitation.min()} MeV")
    scheme = decay_scheme()
    state = np.searchsorted(scheme.potassium, excitation + TOLERANCE_MEV, side="right") - 1
    surplus = excitation - scheme.potassium[state]
    event = np.flatnonzero(scheme.is_stable[state] & (surplus > 0))
    steps = [(event, np.full(len(event), PHOTON), surplus[event], np.zeros(len(event)))]
    event = np.flatnonzero(~scheme.is_stable[state])
    state, surplus, time = state[event], surplus[event], np.zeros(len(event))
    while len(event):
        drawn = np.minimum(state + rng.random(len(state)), np.nextafter(state + 1.0, 0.0))
        transition = np.searchsorted(scheme.cumulative, drawn, side="right")
        time = time + scheme.mean_life[state] * rng.standard_exponential(len(state))
        steps.append((event, scheme.pdg[transition], scheme.energy[transition] + surplus, time))
        state = scheme.final[transition]
        going_on = ~scheme.is_stable[state]
        event, state, time = event[going_on], state[going_on], time[going_on]
        surplus = np.zeros(len(event))
    columns = [np.concatenate(column) for column in zip(*steps, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Emissions(*(column[order] for column in columns))


@cache
def decay_scheme() -> DecayScheme:
    """Return the states and transitions of 40K and of the nuclei that it may turn into."""
    nuclei = _nuclei()
    rows, mean_life, is_stable = [], [], []
    for name, nucleus in nuclei.items():
        for number in range(len(nucleus.energy)):
            final, pdg, kinetic, rate = _transitions(name, number, nuclei)
            total = rate.sum()
            is_stable.append(total == 0)
            mean_life.append(nucleus.half_life[number] / np.log(2.0) * 1e6)
            if total > 0:
                cumulative = np.cumsum(rate) / total
                cumulative[-1] = 1.0
                rows.append((nucleus.first + number + cumulative, final, pdg, kinetic))
    cumulative, final, pdg, kinetic = (np.concatenate(column) for column in zip(*rows, strict=True))
    return DecayScheme(nuclei["K40"].energy, np.array(mean_life), np.array(is_stable), cumulative, final, pdg, kinetic)


def _nuclei() -> dict[str, _Nucleus]:
    """States of all nuclei: known levels, unbound levels of 40K that the neutrino excites, and the states above known levels."""
    tables = json.loads(STATES.read_text(encoding="utf-8"))["nuclei"]
    excited = allowed_levels().excitation
    highest = dict.fromkeys(tables, 0.0)
    highest["K40"] = excited[-1]
    for name, channels in CHANNELS.items():
        for _, residual, separation in channels:
            highest[residual] = max(highest[residual], highest[name] - separation)

    nuclei, first = {}, 0
    for name, levels in tables.items():
        energy, half_life = np.array([level[0] for level in levels]), np.array([level[2] for level in levels])
        weight = np.array([level[1] + 1.0 for level in levels])
        top, n_known = energy[-1], len(energy)
        if name == "K40":
            above = excited[excited > top]
            count = np.ones(len(above))
        else:
            above = np.arange(top + SPACING_MEV / 2.0, highest[name] + SPACING_MEV, SPACING_MEV)
            count = n_known / TEMPERATURE_MEV * np.exp((above - top) / TEMPERATURE_MEV) * SPACING_MEV
        nuclei[name] = _Nucleus(
            first,
            np.concatenate([energy, above]),
            np.concatenate([weight, weight.mean() * count]),
            np.concatenate([np.ones(n_known), count]),
            np.concatenate([half_life, np.zeros(len(above))]),
            [level[3] for level in levels] + [[] for _ in above],
        )
        first += len(nuclei[name].energy)
    return nuclei


def _transitions(
    name: str, number: int, nuclei: dict[str, _Nucleus]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Final state, particle, its energy and relative rate, of the transitions of one state."""
    nucleus = nuclei[name]
    excitation = nucleus.energy[number]
    parts = []
    for particle, residual, separation in CHANNELS.get(name, ()):
        daughter = nuclei[residual]
        kinetic = excitation - separation - daughter.energy
        reachable = np.flatnonzero(kinetic > 0)
        kinetic = kinetic[reachable]
        rate = daughter.weight[reachable] * _emission_factor(particle, residual, kinetic)
        parts.append((daughter.first + reachable, np.full(len(reachable), particle), kinetic, rate))
    if not any(rate.sum() > 0 for *_, rate in parts):
        known = nucleus.branchings[number]
        lower = np.array([final for final, _ in known], int) if known else np.arange(number)
        energy = excitation - nucleus.energy[lower]
        rate = np.array([fraction for _, fraction in known]) if known else nucleus.count[lower] * energy**3
        parts = [(nucleus.first + lower, np.full(len(lower), PHOTON), energy, rate)]
    final, pdg, energy, rate = (np.concatenate(column) for column in zip(*parts, strict=True))
    return final[rate > 0], pdg[rate > 0], energy[rate > 0], rate[rate > 0]


def _emission_factor(particle: int, residual: str, kinetic: np.ndarray) -> np.ndarray:
    """(2 s + 1) mu eps sigma(eps) of the inverse reaction, up to a common factor."""
    charge, mass = CHARGE_AND_MASS[residual]
    own_mass = MASS_NUMBER[particle]
    reduced_mass = own_mass * mass / (own_mass + mass)
    if particle == NEUTRON:
        alpha = 0.76 + 2.2 * mass ** (-1 / 3)
        beta = (2.12 * mass ** (-2 / 3) - 0.05) / alpha
        relative_cross_section = alpha * (1.0 + beta / kinetic)
    else:
        k, c = (np.interp(charge, (10, 20), values) for values in BARRIER_FACTORS[particle])
        distance = RADIUS_PARAMETER_FM * mass ** (1 / 3) + (ALPHA_RADIUS_FM if particle == ALPHA else 0.0)
        barrier = CHARGE[particle] * charge * COULOMB_MEV_FM / distance
        relative_cross_section = np.maximum((1.0 + c) * (1.0 - k * barrier / kinetic), 0.0)
    area = mass ** (2 / 3)
    return SPIN_STATES[particle] * reduced_mass * kinetic * area * relative_cross_section
