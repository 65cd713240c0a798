"""Reads lists of events that MARLEY has written, in place of the project's own generator of interactions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from python.general_purpose_libs import DataError
from python.physics.charged_current import MASS_DIFFERENCE_MEV
from python.physics.constants import ELECTRON_MASS_MEV
from python.simulation.marley_formats import (
    ENERGY,
    MASS,
    MOMENTUM,
    PDG,
    TIME,
    DamagedListError,
    ListedEvent,
    recognised,
)
from python.simulation.marley_text import read_text
from python.simulation.records import ALPHA, ELECTRON, NEUTRON, PHOTON, POSITRON, PROTON, Interactions, Particles

NEUTRINOS = (12, -12, 14, -14, 16, -16)
TRANSPORTED = (ELECTRON, POSITRON, PHOTON, NEUTRON, PROTON, ALPHA)  # other nuclei stop where they are made
TOLERANCE = 0.01  # of energies and masses that a format gives twice


@dataclass(frozen=True)
class MarleyList:
    """Events of a list, and the particles that leave them, the electron first, at the origin.

    `format` its name; `left_out` events from which no electron comes, of neutral currents or antineutrinos; `digest` of the text.
    """

    interactions: Interactions
    particles: Particles
    format: str
    left_out: int
    digest: str

    def summary(self) -> str:
        """One line: how many events there are, and of what kind."""
        elastic = int(np.sum(self.interactions.is_es))
        return (
            f"{len(self.interactions) - elastic} charged-current events in {self.format}; not drawn: {elastic} of elastic "
            f"scattering, {self.left_out} without an electron"
        )


def marley_list(path: str | Path) -> MarleyList:
    """Return what `read_marley_events` gives, and the same again as long as the file stays as it is."""
    try:
        state = Path(path).stat()
    except OSError:
        return read_marley_events(path)
    return _remembered(str(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1)
def _remembered(path: str, _changed: int, _size: int) -> MarleyList:
    return read_marley_events(path)


def read_marley_events(path: str | Path) -> MarleyList:
    """Read a list in any of MARLEY's text formats, packed or not.

    Raises DataError, naming file and line, for a file that is missing, damaged or of another format, and for one of whose
    events no electron comes.
    """
    text = read_text(path)
    layout = recognised(path, text)
    try:
        events = list(layout.read(text))
        if not events:
            raise DataError(f"{path}: has no events in {layout.name}, only its head; write or copy the list again")
        interactions, particles = _interpreted(events)
    except DamagedListError as damage:
        raise DataError(
            f"{path}, {damage.place}: damaged list of events in {layout.name}: {damage.what}; write or copy the list again"
        ) from damage
    if not len(interactions):
        raise DataError(
            f"{path}: an electron comes from none of its {len(events)} events (neutral currents or antineutrinos); give a list "
            "of charged-current events of electron neutrinos"
        )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return MarleyList(interactions, particles, layout.name, len(events) - len(interactions), digest)


class _Rows:
    """Particles of many events: `table` as in `ListedEvent`, `event` the index of each row's event."""

    def __init__(self, events: list[ListedEvent], tables: list[np.ndarray]) -> None:
        self.events = events
        self.table = np.concatenate(tables)
        self.event = np.repeat(np.arange(len(events)), [len(table) for table in tables])

    def take(self, rows: np.ndarray) -> None:
        self.table, self.event = self.table[rows], self.event[rows]

    def require(self, good: np.ndarray, what: str) -> None:
        """Raise DamagedListError, naming the event of the first row that is not good."""
        if not good.all():
            raise DamagedListError(self.events[self.event[np.argmin(good)]].place, what)

    def kinematics(self) -> tuple[np.ndarray, np.ndarray]:
        """Kinetic energies and directions."""
        size, mass = np.linalg.norm(self.table[:, MOMENTUM], axis=1), np.abs(self.table[:, MASS])
        total = np.hypot(size, mass)
        self.require(size > 0, "a particle of this event does not move")
        fits = np.abs(total - self.table[:, ENERGY]) <= TOLERANCE * total
        self.require(fits, "energy, momentum and mass of a particle of this event do not go together")
        self.require(self.table[:, TIME] >= 0, "a particle of this event is older than the event")
        return total - mass, self.table[:, MOMENTUM] / size[:, None]


def _interpreted(events: list[ListedEvent]) -> tuple[Interactions, Particles]:
    """The events from which an electron comes."""
    before, after = _Rows(events, [event.before for event in events]), _Rows(events, [event.after for event in events])
    is_neutrino = np.isin(before.table[:, PDG], NEUTRINOS)
    for number in np.flatnonzero(np.bincount(before.event[is_neutrino], minlength=len(events)) != 1):
        raise DamagedListError(events[number].place, "one neutrino should come in in every event")
    is_es = np.bincount(before.event[before.table[:, PDG] == ELECTRON], minlength=len(events)) > 0
    is_electron = after.table[:, PDG] == ELECTRON
    kept = np.unique(after.event[is_electron])
    before.take(is_neutrino & np.isin(before.event, kept))
    after.take(np.isin(after.table[:, PDG], TRANSPORTED) & np.isin(after.event, kept))
    first = _electron_first(after)
    nu_energy, nu_direction = before.kinematics()
    energy, direction = after.kinematics()
    mass = after.table[:, MASS]
    right = (after.table[:, PDG] != ELECTRON) | (np.abs(mass - ELECTRON_MASS_MEV) <= TOLERANCE * ELECTRON_MASS_MEV)
    after.require(right, f"an electron's mass is not {ELECTRON_MASS_MEV:.3f} MeV: units are mixed up")
    left = np.maximum(nu_energy - MASS_DIFFERENCE_MEV - energy[first], 0.0)
    told = np.array([np.nan if events[number].excitation is None else events[number].excitation for number in kept])
    interactions = Interactions(
        is_es[kept].astype(np.int8),
        before.table[:, PDG].astype(np.int64),
        nu_energy,
        nu_direction,
        energy[first],
        direction[first],
        np.where(is_es[kept], 0.0, np.where(np.isnan(told), left, told)),
        np.zeros((len(kept), 3)),
    )
    return interactions, Particles(
        np.searchsorted(kept, after.event),
        after.table[:, PDG].astype(np.int64),
        energy,
        np.zeros((len(energy), 3)),
        direction,
        after.table[:, TIME],
        np.ones(len(energy), bool),
    )


def _electron_first(after: _Rows) -> np.ndarray:
    """Move the electron of highest energy to the front of each event; return these rows."""
    electrons = np.flatnonzero(after.table[:, PDG] == ELECTRON)
    by_energy = electrons[np.lexsort((-after.table[electrons, ENERGY], after.event[electrons]))]
    _, first = np.unique(after.event[by_energy], return_index=True)
    is_other = np.ones(len(after.event), bool)
    is_other[by_energy[first]] = False
    after.take(np.lexsort((is_other, after.event)))
    return np.unique(after.event, return_index=True)[1]
