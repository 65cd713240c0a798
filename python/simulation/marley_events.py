"""Reads lists of events that MARLEY has written, in place of the project's own generator of interactions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from python.data.metadata import ELECTRON_MASS_MEV
from python.general_purpose_libs import DataError
from python.simulation.charged_current import MASS_DIFFERENCE_MEV
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
        rows = [_event(listed) for listed in layout.read(text)]
    except DamagedListError as damage:
        raise DataError(
            f"{path}, {damage.place}: damaged list of events in {layout.name}: {damage.what}; write or copy the list again"
        ) from damage
    if not rows:
        raise DataError(f"{path}: has no events in {layout.name}, only its head; write or copy the list again")
    kept = [row for row in rows if row is not None]
    if not kept:
        raise DataError(
            f"{path}: an electron comes from none of its {len(rows)} events (neutral currents or antineutrinos); give a list of "
            "charged-current events of electron neutrinos"
        )
    interactions, particles = _assemble(kept)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return MarleyList(interactions, particles, layout.name, len(rows) - len(kept), digest)


def _event(listed: ListedEvent) -> tuple[tuple[float, ...], np.ndarray] | None:
    """One event as a row of `Interactions`, and its transported particles as rows (PDG, kinetic energy, direction, time).

    None when there is no electron among them.
    """
    neutrinos = listed.before[np.isin(listed.before[:, PDG], NEUTRINOS)]
    if len(neutrinos) != 1:
        raise DamagedListError(listed.place, "one neutrino should come in in every event")
    after = listed.after
    electron = np.flatnonzero(after[:, PDG] == ELECTRON)
    if len(electron) == 0:
        return None
    first = electron[np.argmax(after[electron, ENERGY])]
    order = [first, *(row for row in range(len(after)) if row != first and after[row, PDG] in TRANSPORTED)]
    neutrino, outgoing = _moving(listed.place, neutrinos)[0], _moving(listed.place, after[order])
    if abs(after[first, MASS] - ELECTRON_MASS_MEV) > TOLERANCE * ELECTRON_MASS_MEV:
        raise DamagedListError(
            listed.place, f"an electron of {after[first, MASS]:g} MeV, not {ELECTRON_MASS_MEV:.3f}: units are mixed up"
        )
    is_es = ELECTRON in listed.before[:, PDG]
    excitation = 0.0 if is_es else listed.excitation
    if excitation is None:
        excitation = max(neutrino[1] - MASS_DIFFERENCE_MEV - outgoing[0, 1], 0.0)
    return (is_es, *neutrino[:5], *outgoing[0, 1:5], excitation), outgoing


def _moving(place: str, particles: np.ndarray) -> np.ndarray:
    """Rows (PDG, kinetic energy, direction, time) of particles."""
    size, mass = np.linalg.norm(particles[:, MOMENTUM], axis=1), np.abs(particles[:, MASS])
    total = np.hypot(size, mass)
    if (size == 0).any():
        raise DamagedListError(place, "a particle of this event does not move")
    if (np.abs(total - particles[:, ENERGY]) > TOLERANCE * total).any():
        raise DamagedListError(place, "energy, momentum and mass of a particle of this event do not go together")
    if (particles[:, TIME] < 0).any():
        raise DamagedListError(place, "a particle of this event is older than the event")
    return np.column_stack(
        [particles[:, PDG], total - mass, particles[:, MOMENTUM] / size[:, None], particles[:, TIME]]
    )


def _assemble(rows: list[tuple[tuple[float, ...], np.ndarray]]) -> tuple[Interactions, Particles]:
    """Records from rows of `_event`."""
    events = np.array([event for event, _ in rows])
    particles = np.concatenate([outgoing for _, outgoing in rows])
    interactions = Interactions(
        events[:, 0].astype(np.int8),
        events[:, 1].astype(np.int64),
        events[:, 2],
        events[:, 3:6],
        events[:, 6],
        events[:, 7:10],
        events[:, 10],
        np.zeros((len(events), 3)),
    )
    return interactions, Particles(
        np.repeat(np.arange(len(rows)), [len(outgoing) for _, outgoing in rows]),
        particles[:, 0].astype(np.int64),
        particles[:, 1],
        np.zeros((len(particles), 3)),
        particles[:, 2:5],
        particles[:, 5],
        np.ones(len(particles), bool),
    )
