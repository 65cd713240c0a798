"""The one way in: neutrino interactions in the detector and the particles that leave them.

    Source -> Interactions (neutrino, electron, excitation of the nucleus, vertex) -> Particles

Neutrinos come from a supernova's fluence, or from a flat spectrum that serves for training. A flat spectrum is, for elastic
scattering, one of electron kinetic energies: T is uniform, and the neutrino energy follows a flat spectrum of electron neutrinos
up to 70 MeV weighted by dsigma/dT at that T. For the charged current it is one of neutrino energies, and each leaves the nucleus
in a level by the cross-sections. Vertices are uniform in the drift volumes; photons and nucleons leave isotropically.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from python.detector.geometry import DUNE_1X2X2, Geometry
from python.general_purpose_libs import ConfigError
from python.physics import charged_current, elastic_scattering
from python.physics.flux import FLUENCES, Fluences
from python.simulation.deexcitation import deexcite
from python.simulation.marley_events import marley_list
from python.simulation.records import ELECTRON, Interactions, Particles
from python.simulation.vectors import deflect, isotropic_directions, rotate, uniform_positions

ELECTRON_NEUTRINO = 12
FLAT = "flat"
FLUXES = (FLAT, *FLUENCES)
FLAT_ENERGY_MEV = (2.0, 60.0)
FLAVOUR_NAMES = {12: "nue", -12: "nuebar", 14: "numu", -14: "numubar", 16: "nutau", -16: "nutaubar"}
HIGHEST_ENERGY_MEV = float(elastic_scattering.ENERGY_GRID[-1])
PROMPT_US = 1e-3  # photons later than this keep their delay


@dataclass(frozen=True)
class Source:
    """What neutrinos there are.

    `flux` one of FLUXES. `energy` (low, high) in MeV: the electron's kinetic energy for elastic scattering, the neutrino's for
    the charged current; None: all that the fluence gives, 2 to 60 MeV for a flat one. `direction` the vector along which the
    neutrinos fly, detector axes; None: isotropic. `marley_file` a list that MARLEY has written, from which CC events with a
    neutrino energy in the range are drawn, whatever the flux. They interact anywhere in the `geometry`.
    """

    flux: str = FLAT
    energy: tuple[float, float] | None = None
    direction: tuple[float, float, float] | None = None
    marley_file: str | None = None
    geometry: Geometry = DUNE_1X2X2

    def __post_init__(self) -> None:
        if self.flux not in FLUXES:
            raise ConfigError(f"unknown flux {self.flux!r}; choose one of {', '.join(FLUXES)}")
        low, high = self.bounds
        if not 0 <= low < high:
            raise ConfigError(f"the energy range {low} to {high} MeV is empty; give a lower and a higher energy")
        if low >= HIGHEST_ENERGY_MEV:
            raise ConfigError(
                f"no supernova neutrino has {low:g} MeV; begin the energy range below {HIGHEST_ENERGY_MEV:g}"
            )
        if self.flux == FLAT and high > HIGHEST_ENERGY_MEV:
            raise ConfigError(
                f"{high:g} MeV are beyond what is simulated; end the energy range at {HIGHEST_ENERGY_MEV:g} MeV or below"
            )
        if self.direction is not None and not (np.isfinite(self.direction).all() and np.any(self.direction)):
            raise ConfigError(f"{self.direction} is no direction; give three numbers that are not all 0")

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper energy in MeV."""
        if self.energy is not None:
            low, high = self.energy
            return low, high
        return FLAT_ENERGY_MEV if self.flux == FLAT else elastic_scattering.NO_BOUNDS


def make_interactions(is_es: np.ndarray, source: Source, rng: np.random.Generator) -> tuple[Interactions, Particles]:
    """Make one interaction for each entry of `is_es` (E,) bool, and what leaves it: the electron first in each event.

    Raises ConfigError when the source cannot make an interaction that is asked for.
    """
    is_es = np.asarray(is_es, bool)
    direction = _neutrino_directions(source, len(is_es), rng)
    vertex = uniform_positions(len(is_es), rng, source.geometry)
    es, cc = np.flatnonzero(is_es), np.flatnonzero(~is_es)
    parts = [
        _elastic_scattering(source, direction[es], vertex[es], rng),
        _from_marley(source.marley_file, source.bounds, direction[cc], vertex[cc], rng)
        if source.marley_file
        else _charged_current(source, direction[cc], vertex[cc], rng),
    ]
    rows = np.concatenate([es, cc])
    for (_, particles), events in zip(parts, (es, cc), strict=True):
        particles.event = events[particles.event]
    interactions = Interactions.concatenate([part[0] for part in parts]).take(np.argsort(rows))
    particles = Particles.concatenate([part[1] for part in parts])
    return interactions, particles.take(np.argsort(particles.event, kind="stable"))


class Neutrinos(NamedTuple):
    """Neutrinos (E,) before they interact: energies in MeV, directions (E, 3)."""

    pdg: np.ndarray
    energy: np.ndarray
    direction: np.ndarray


class Electrons(NamedTuple):
    """What neutrinos have made, (E,): kinetic energies in MeV, directions (E, 3)."""

    energy: np.ndarray
    direction: np.ndarray


def given_interactions(
    is_es: np.ndarray, neutrinos: Neutrinos, electrons: Electrons, vertex: np.ndarray, rng: np.random.Generator
) -> tuple[Interactions, Particles]:
    """Make interactions (E,) of known neutrinos and electrons, such as those of simulated events to compare with.

    `is_es` (E,) and `vertex` (E, 3) as in `Interactions`. For the charged current the nucleus gets E_nu - 1.5044 MeV - T, and
    emits what the nearest known state below would, the first particle taking the rest. Raises ValueError where that is negative.
    """
    excitation = np.where(is_es, 0.0, neutrinos.energy - charged_current.MASS_DIFFERENCE_MEV - electrons.energy)
    interactions = Interactions(
        np.asarray(is_es).astype(np.int8),
        np.asarray(neutrinos.pdg, np.int64),
        np.asarray(neutrinos.energy, float),
        np.asarray(neutrinos.direction, float),
        np.asarray(electrons.energy, float),
        np.asarray(electrons.direction, float),
        excitation,
        np.asarray(vertex, float),
    )
    return interactions, _outgoing(interactions, rng)


def expected_events(fluences: Fluences, mass_kt: float, distance_kpc: float, min_electron_energy: float = 0.0) -> dict:
    """Return the mean numbers of interactions by channel, "es" and "cc", and neutrino flavour.

    `min_electron_energy` in MeV, kinetic, applies to elastic scattering.
    """
    es = elastic_scattering.expected_events(fluences, mass_kt, distance_kpc, (min_electron_energy, np.inf))
    cc = charged_current.expected_events(fluences, mass_kt, distance_kpc)
    return {
        "es": {FLAVOUR_NAMES[pdg]: number for pdg, number in es.items()},
        "cc": {FLAVOUR_NAMES[ELECTRON_NEUTRINO]: cc},
    }


def _neutrino_directions(source: Source, count: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors (count, 3) in which the neutrinos fly."""
    if source.direction is None:
        return isotropic_directions(count, rng)
    direction = np.array(source.direction, float)
    return np.tile(direction / np.linalg.norm(direction), (count, 1))


def _elastic_scattering(
    source: Source, direction: np.ndarray, vertex: np.ndarray, rng: np.random.Generator
) -> tuple[Interactions, Particles]:
    count = len(direction)
    if source.flux == FLAT:
        limit = elastic_scattering.max_electron_energy(elastic_scattering.FLAT_MAX_NU_ENERGY)
        if count and source.bounds[1] > limit:
            raise ConfigError(
                f"electrons of {source.bounds[1]:g} MeV are beyond what neutrinos of "
                f"{elastic_scattering.FLAT_MAX_NU_ENERGY:g} MeV give; end the energy range below {limit:.1f} MeV"
            )
        pdg = np.full(count, ELECTRON_NEUTRINO)
        energy = rng.uniform(*source.bounds, count)
        nu_energy = elastic_scattering.sample_flat_neutrino_energy(energy, rng)
    else:
        pdg, nu_energy, energy = elastic_scattering.sample_fluences(FLUENCES[source.flux], source.bounds, count, rng)
    electrons = Electrons(energy, deflect(direction, elastic_scattering.cosine(nu_energy, energy), rng))
    return given_interactions(np.ones(count, bool), Neutrinos(pdg, nu_energy, direction), electrons, vertex, rng)


def _charged_current(
    source: Source, direction: np.ndarray, vertex: np.ndarray, rng: np.random.Generator
) -> tuple[Interactions, Particles]:
    count = len(direction)
    if count and source.bounds[1] <= charged_current.threshold():
        raise ConfigError(
            f"neutrinos of at most {source.bounds[1]:g} MeV are below the threshold of the charged current; "
            f"let the energy range go beyond {charged_current.threshold():.1f} MeV"
        )
    if source.flux == FLAT:
        nu_energy = charged_current.sample_flat(source.bounds, count, rng)
    else:
        nu_energy = charged_current.sample_fluences(FLUENCES[source.flux], source.bounds, count, rng)
    levels = charged_current.allowed_levels()
    level = charged_current.sample_level(nu_energy, rng)
    energy = nu_energy - charged_current.MASS_DIFFERENCE_MEV - levels.excitation[level]
    cosine = charged_current.sample_cosine(energy, levels.is_fermi[level], rng)
    neutrinos = Neutrinos(np.full(count, ELECTRON_NEUTRINO), nu_energy, direction)
    electrons = Electrons(energy, deflect(direction, cosine, rng))
    return given_interactions(np.zeros(count, bool), neutrinos, electrons, vertex, rng)


def _from_marley(
    path: str, bounds: tuple[float, float], direction: np.ndarray, vertex: np.ndarray, rng: np.random.Generator
) -> tuple[Interactions, Particles]:
    """Events of a list, drawn with replacement and turned so that their neutrinos fly along `direction`."""
    marley = marley_list(path)
    listed, listed_particles = marley.interactions, marley.particles
    low, high = bounds
    usable = np.flatnonzero((listed.is_es == 0) & (listed.nu_energy >= low) & (listed.nu_energy <= high))
    if len(usable) == 0 and len(direction):
        raise ConfigError(
            f"{path} has no charged-current event with a neutrino of {low:g} to {high:g} MeV; "
            "choose another energy range or list"
        )
    drawn = usable[rng.integers(0, max(len(usable), 1), len(direction))]
    interactions = listed.take(drawn)
    first = np.searchsorted(listed_particles.event, drawn)
    counts = np.searchsorted(listed_particles.event, drawn, side="right") - first
    event = np.repeat(np.arange(len(drawn)), counts)
    rows = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    particles = listed_particles.take(rows)
    start = interactions.nu_direction
    turned = rotate(interactions.electron_direction, start, direction)
    interactions = replace(interactions, nu_direction=direction, electron_direction=turned, vertex=vertex)
    particles = replace(
        particles,
        event=event,
        position=vertex[event],
        direction=rotate(particles.direction, start[event], direction[event]),
    )
    return interactions, particles


def _outgoing(interactions: Interactions, rng: np.random.Generator) -> Particles:
    """Electron, photons and nucleons of each interaction, in that order, at its vertex."""
    count = len(interactions)
    electrons = Particles(
        np.arange(count),
        np.full(count, ELECTRON),
        interactions.electron_energy,
        interactions.vertex,
        interactions.electron_direction,
        np.zeros(count),
        np.ones(count, bool),
    )
    emitted = deexcite(interactions.excitation, rng)
    others = Particles(
        emitted.event,
        emitted.pdg,
        emitted.energy,
        interactions.vertex[emitted.event],
        isotropic_directions(len(emitted.event), rng),
        np.where(emitted.time > PROMPT_US, emitted.time, 0.0),
        np.ones(len(emitted.event), bool),
    )
    particles = Particles.concatenate([electrons, others])
    is_heavy = np.abs(particles.pdg) > 22
    return particles.take(np.lexsort((is_heavy, particles.event)))
