"""From particles to the ionisation that they leave in the active volume.

Energy is kept to rounding: the deposits of an event and what escaped add up to the kinetic energies of its particles, plus two
electron masses for each initial positron. A captured neutron brings in the 6.1 MeV that its photons share, which count as escaped
negatively. The flight is taken as instantaneous (1 ns for 30 cm), a neutron's capture is not. What leaves the active volume is
not followed back into it.
"""

from __future__ import annotations

import operator
from typing import NamedTuple

import numpy as np

from python.detector.geometry import DUNE_1X2X2, Geometry
from python.general_purpose_libs import DataError
from python.physics.compiled import kernel
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.materials import GRID_END_MEV, PHOTON_CUT_MEV, electron_table, photon_table
from python.simulation.electrons import follow_electron
from python.simulation.nucleons import LEVELS, NEUTRON_SEPARATION_MEV, branching, follow_neutron, follow_nucleus
from python.simulation.photons import follow_photon
from python.simulation.records import Deposits, Particles
from python.simulation.tracks import (
    ALPHA,
    DEPOSIT_COLUMNS,
    DEPOSIT_ENERGY,
    DEPOSIT_FROM_PHOTON,
    DEPOSIT_LENGTH,
    DEPOSIT_PARTICLE,
    DEPOSIT_TIME,
    ELECTRON,
    ENERGY,
    KIND,
    NEUTRON,
    PHOTON,
    POSITRON,
    PROTON,
    TIME,
    TRACK_COLUMNS,
    Deposited,
    Stack,
    copy,
    inside,
    top,
)

KIND_OF_PDG = {11: ELECTRON, -11: POSITRON, 22: PHOTON, 2112: NEUTRON, 2212: PROTON, 1000020040: ALPHA}


def transport(
    particles: Particles, rng: np.random.Generator, n_events: int | None = None, geometry: Geometry = DUNE_1X2X2
) -> tuple[Deposits, np.ndarray]:
    """Return the deposits, sorted by event and within it as they came about, and the energy (E,) in MeV that escaped.

    E is `n_events`, by default the highest event of `particles` + 1.
    """
    if n_events is None:
        n_events = int(particles.event.max(initial=-1)) + 1
    tracks = _initial_tracks(particles, geometry)
    order = np.argsort(particles.event, kind="stable")
    stack = np.empty((_stack_size(tracks), TRACK_COLUMNS))
    tables = _Tables(electron_table(), photon_table(), LEVELS, branching())
    deposited, escaped = _follow_all(tracks, order, stack, tables, rng)
    rows = deposited.rows[: deposited.written]
    particle = rows[:, DEPOSIT_PARTICLE].astype(np.int64)
    deposits = Deposits(
        event=particles.event[particle],
        particle=particle,
        position=rows[:, :3].copy(),
        energy=rows[:, DEPOSIT_ENERGY].copy(),
        length=rows[:, DEPOSIT_LENGTH].copy(),
        time=rows[:, DEPOSIT_TIME].copy(),
        is_signal=particles.is_signal[particle],
        from_photon=rows[:, DEPOSIT_FROM_PHOTON] > 0,
    )
    return deposits, np.bincount(particles.event, weights=escaped, minlength=n_events)


def set_free(particles: Particles, rng: np.random.Generator, geometry: Geometry = DUNE_1X2X2) -> Particles:
    """Return the charged particles in the active volume that `particles` are, or that their photons and neutrons set free.

    They are those that `transport` follows, with `event` and `is_signal` of the particle that they descend from; it makes of them
    what it makes of `particles`.
    """
    tracks = _initial_tracks(particles, geometry)
    stack = np.empty((_stack_size(tracks), TRACK_COLUMNS))
    tables = _Tables(electron_table(), photon_table(), LEVELS, branching())
    freed, parent = _set_free(tracks, stack, tables, rng)
    codes = np.array([pdg for pdg, _ in sorted(KIND_OF_PDG.items(), key=operator.itemgetter(1))])
    return Particles(
        event=particles.event[parent],
        pdg=codes[freed[:, KIND].astype(np.int64)],
        energy=freed[:, ENERGY].copy(),
        position=freed[:, :3].copy(),
        direction=freed[:, 3:6].copy(),
        time=freed[:, TIME].copy(),
        is_signal=particles.is_signal[parent],
    )


def _initial_tracks(particles: Particles, geometry: Geometry) -> np.ndarray:
    """(P, TRACK_COLUMNS) the particles as tracks. Kinds that are not known and energies beyond the tables raise DataError."""
    unknown = sorted(set(particles.pdg.tolist()) - set(KIND_OF_PDG))
    if unknown:
        raise DataError(f"particles {unknown} cannot be transported: leave them out; known are {sorted(KIND_OF_PDG)}")
    if not np.all((particles.energy >= 0) & (particles.energy <= GRID_END_MEV)):
        raise DataError(
            f"kinetic energies must lie in 0-{GRID_END_MEV:g} MeV, where the tables of argon end. "
            f"Received: {particles.energy.min()} to {particles.energy.max()}"
        )
    kind = np.array([KIND_OF_PDG[pdg] for pdg in particles.pdg.tolist()], float)
    from_photon, max_z = np.zeros(len(particles)), np.full(len(particles), geometry.max_z_cm)
    tracks = np.column_stack(
        [particles.position, particles.direction, particles.energy, kind, particles.time, from_photon, max_z]
    )
    return np.ascontiguousarray(tracks, float).reshape(-1, TRACK_COLUMNS)


def _stack_size(tracks: np.ndarray) -> int:
    """Rows that the stack may need: all that waits there has the energy of the photon cut but for a few.

    A Compton scattering may take a tenth off it.
    """
    highest = tracks[:, ENERGY].max(initial=0.0) + NEUTRON_SEPARATION_MEV + 2 * ELECTRON_MASS_MEV
    return int(2 * highest / PHOTON_CUT_MEV) + 100


class _Tables(NamedTuple):
    """What argon does to electrons and to photons, the levels of 41Ar and the chances of their decays."""

    electron: np.ndarray
    photon: np.ndarray
    levels: np.ndarray
    chances: np.ndarray


@kernel
def _follow_all(tracks, order, waiting, tables, rng):
    """Follow the tracks in `order` with all that descends from them, which waits in rows of `waiting`.

    Returns the deposits and the energy in MeV (P,) that escaped of each.
    """
    deposited = Deposited(np.empty((1024, DEPOSIT_COLUMNS)), np.int64(0))
    escaped = np.zeros(len(tracks))
    track = np.empty(TRACK_COLUMNS)
    for particle in order:
        copy(tracks[particle], waiting[0])
        stack = Stack(waiting, np.int64(1))
        while stack.depth > 0:
            copy(top(stack), track)
            stack = Stack(waiting, stack.depth - 1)
            kind = track[KIND]
            if kind <= POSITRON:
                stack, deposited, lost = follow_electron(track, particle, stack, deposited, tables.electron, rng)
            elif kind == PHOTON:
                stack, lost = follow_photon(track, stack, tables.photon, rng)
            elif kind == NEUTRON:
                stack, lost = follow_neutron(track, stack, tables.levels, tables.chances, rng)
            else:
                deposited, lost = follow_nucleus(track, particle, deposited)
            escaped[particle] += lost
    return deposited, escaped


@kernel
def _set_free(tracks, waiting, tables, rng):
    """The charged tracks (N, TRACK_COLUMNS) that `tracks` are or set free, and the row (N,) that each descends from."""
    freed, parent = np.empty((len(tracks), TRACK_COLUMNS)), np.empty(len(tracks), np.int64)
    n = 0
    track = np.empty(TRACK_COLUMNS)
    for particle in range(len(tracks)):
        copy(tracks[particle], waiting[0])
        stack = Stack(waiting, np.int64(1))
        while stack.depth > 0:
            copy(top(stack), track)
            stack = Stack(waiting, stack.depth - 1)
            if track[KIND] == PHOTON:
                stack, _ = follow_photon(track, stack, tables.photon, rng)
            elif track[KIND] == NEUTRON:
                stack, _ = follow_neutron(track, stack, tables.levels, tables.chances, rng)
            elif inside(track):
                if n == len(freed):
                    freed = np.concatenate((freed, np.empty_like(freed)))
                    parent = np.concatenate((parent, np.empty_like(parent)))
                copy(track, freed[n])
                parent[n] = particle
                n += 1
    return freed[:n], parent[:n]
