"""What the stages of the simulation hand to each other, as flat arrays over many events.

    Interactions -> Particles -> transport -> Deposits -> drift -> Charge -> response -> TriggerPrimitives

Positions in cm and directions in detector axes (x along the drift, y up, z along the beam), energies in MeV, times in
microseconds after the neutrino interaction, whose charge at the wire planes arrives at tick 0 of the readout window.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

ELECTRON, POSITRON, PHOTON, NEUTRON, PROTON, ALPHA = (
    11,
    -11,
    22,
    2112,
    2212,
    1000020040,
)  # codes of the Particle Data Group


@dataclass
class Records:
    """Arrays of one length, a row a record."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, rows: np.ndarray | slice) -> Self:
        """Return the given rows, by number, mask or slice."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """Return the records of all parts, in order; at least one part is needed."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass
class Interactions(Records):
    """E neutrino interactions. `electron_*` is the primary electron; `excitation` is that of the nucleus (0 for ES).

    `is_es` int8 (1 elastic scattering, 0 charged current), `nu_pdg` int64, `nu_energy` (E,) MeV, `nu_direction` (E, 3) unit,
    `electron_energy` (E,) kinetic MeV, `electron_direction` (E, 3) unit, `excitation` (E,) MeV, `vertex` (E, 3) cm.
    """

    is_es: np.ndarray
    nu_pdg: np.ndarray
    nu_energy: np.ndarray
    nu_direction: np.ndarray
    electron_energy: np.ndarray
    electron_direction: np.ndarray
    excitation: np.ndarray
    vertex: np.ndarray


@dataclass
class Particles(Records):
    """P particles to be transported: electrons 11, positrons -11, photons 22, neutrons 2112, protons 2212, alphas 1000020040.

    `event` int64 index, `pdg` int64, `energy` (P,) kinetic MeV, `position` (P, 3) cm, `direction` (P, 3) unit, `time` (P,) us,
    `is_signal` bool: comes from the neutrino interaction.
    """

    event: np.ndarray
    pdg: np.ndarray
    energy: np.ndarray
    position: np.ndarray
    direction: np.ndarray
    time: np.ndarray
    is_signal: np.ndarray


@dataclass
class Deposits(Records):
    """D deposits of ionisation energy, each along a short straight stretch of one charged particle's path.

    `event` int64, `particle` int64 row of the Particles that it descends from, `position` (D, 3) cm middle of the stretch,
    `energy` (D,) MeV, `length` (D,) cm of path (energy / length is the dE/dx that recombination sees), `time` (D,) us,
    `is_signal` bool, `from_photon` bool: a photon lies between it and the particle that it descends from.
    """

    event: np.ndarray
    particle: np.ndarray
    position: np.ndarray
    energy: np.ndarray
    length: np.ndarray
    time: np.ndarray
    is_signal: np.ndarray
    from_photon: np.ndarray


@dataclass
class Charge(Records):
    """Ionisation electrons that arrive at a wire in a tick, one record each, sorted by event, channel, tick.

    `event` int64, `channel` int64 global, `tick` int64, `electrons` (C,), `signal_electrons` (C,) those of the neutrino
    interaction. All three planes see every electron; no response of wires or electronics is in the tick yet.
    """

    event: np.ndarray
    channel: np.ndarray
    tick: np.ndarray
    electrons: np.ndarray
    signal_electrons: np.ndarray
