"""Reads lists of events in MARLEY's ASCII format, in place of the project's own generator of interactions.

The format (documentation of MARLEY 1.2, "Interpreting the output"): a line with the flux-averaged cross-section; then for each
event a line "Ni Nf Ex 2J P" and Ni + Nf lines "PDG E px py pz M Q" for the particles before and after, total energies in MeV.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from python.general_purpose_libs import DataError
from python.simulation.records import ALPHA, ELECTRON, NEUTRON, PHOTON, POSITRON, PROTON, Interactions, Particles

NEUTRINOS = (12, -12, 14, -14, 16, -16)
TRANSPORTED = (ELECTRON, POSITRON, PHOTON, NEUTRON, PROTON, ALPHA)  # other nuclei stop where they are made


def read_marley_events(path: str | Path) -> tuple[Interactions, Particles]:
    """Return the events of a list and the particles that leave them, the electron first, at the origin and at time 0.

    Raises DataError, naming file and line, for a file that is missing, damaged or not of this format, and for events whose
    neutrino does not leave an electron (neutral current).
    """
    try:
        lines = Path(path).read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the name of the MARLEY list") from error
    except UnicodeDecodeError as error:
        raise _damaged(path, 1, "it is not text") from error
    _numbers(path, lines, 0, 1)
    events, particles, line = [], [], 1
    while line < len(lines) and (line < len(lines) - 1 or lines[line].strip()):
        n_before, n_after, excitation = _header(path, lines, line)
        rows = np.array([_numbers(path, lines, line + 1 + i, 7) for i in range(n_before + n_after)])
        event, outgoing = _event(path, line, rows[:n_before], rows[n_before:], excitation)
        particles += [(len(events), *row) for row in outgoing]
        events.append(event)
        line += 1 + n_before + n_after
    if not events:
        raise _damaged(path, len(lines), "it has no events")
    return _assemble(np.array(events), np.array(particles))


def _header(path: str | Path, lines: list[str], line: int) -> tuple[int, int, float]:
    """Numbers of particles before and after, and the excitation energy."""
    fields = lines[line].split()
    try:
        n_before, n_after, excitation = int(fields[0]), int(fields[1]), float(fields[2])
    except (ValueError, IndexError) as error:
        raise _damaged(path, line + 1, "an event should begin here, with 'Ni Nf Ex 2J P'") from error
    if len(fields) != 5 or n_before != 2 or n_after < 1 or not np.isfinite(excitation):
        raise _damaged(path, line + 1, "an event should begin here, with 'Ni Nf Ex 2J P' and Ni = 2")
    return n_before, n_after, excitation


def _numbers(path: str | Path, lines: list[str], line: int, count: int) -> list[float]:
    """The `count` finite numbers of a line."""
    if line >= len(lines):
        raise _damaged(path, len(lines), "it ends within an event")
    try:
        values = [float(text) for text in lines[line].split()]
    except ValueError as error:
        raise _damaged(path, line + 1, f"{count} numbers should stand here") from error
    if len(values) != count or not np.isfinite(values).all():
        raise _damaged(path, line + 1, f"{count} numbers should stand here")
    return values


def _event(
    path: str | Path, line: int, before: np.ndarray, after: np.ndarray, excitation: float
) -> tuple[tuple[float, ...], list[np.ndarray]]:
    """One event as a row of `Interactions`, and its transported particles as rows (PDG, kinetic energy, direction)."""
    neutrino = before[np.isin(before[:, 0], NEUTRINOS)]
    electron = np.flatnonzero(after[:, 0] == ELECTRON)
    if len(neutrino) != 1 or len(electron) == 0:
        raise _damaged(path, line + 1, "a neutrino should come in and an electron go out in every event")
    first = electron[np.argmax(after[electron, 1])]
    order = [first, *(row for row in range(len(after)) if row != first and after[row, 0] in TRANSPORTED)]
    size = np.linalg.norm(after[order, 2:5], axis=1)
    nu_size = np.linalg.norm(neutrino[0, 2:5])
    if nu_size == 0 or (size == 0).any():
        raise _damaged(path, line + 1, "a particle of this event does not move")
    kinetic = np.sqrt(size**2 + after[order, 5] ** 2) - after[order, 5]
    outgoing = np.column_stack([after[order, 0], kinetic, after[order, 2:5] / size[:, None]])
    is_es = float(ELECTRON in before[:, 0])
    nu_direction = neutrino[0, 2:5] / nu_size
    event = (is_es, neutrino[0, 0], neutrino[0, 1], *nu_direction, *outgoing[0, 1:], excitation)
    return event, list(outgoing)


def _assemble(events: np.ndarray, particles: np.ndarray) -> tuple[Interactions, Particles]:
    """Records from rows of `_event`."""
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
        particles[:, 0].astype(np.int64),
        particles[:, 1].astype(np.int64),
        particles[:, 2],
        np.zeros((len(particles), 3)),
        particles[:, 3:6],
        np.zeros(len(particles)),
        np.ones(len(particles), bool),
    )


def _damaged(path: str | Path, line: int, what: str) -> DataError:
    return DataError(
        f"{path}, line {line}: not a list of events in MARLEY's ASCII format: {what}; write the list again with MARLEY's "
        "output format 'ascii'"
    )
