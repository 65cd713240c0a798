"""The text formats in which MARLEY has written its events, each as a reader of `ListedEvent`s.

| format | written by | units | begins with |
|---|---|---|---|
| ASCII | 1.0, 1.1 | MeV | "Ni Nf Ex" of the first event |
| ASCII | 1.2 | MeV | the flux-averaged cross-section, then events "Ni Nf Ex 2J P" |
| HEPEVT | 1.0 to 1.2, and 2 by conversion | GeV, mm | "NEVHEP NHEP" |
| JSON | 1.0 to 1.2 | MeV | { |
| HepMC3 | 2.0, as its "ascii" | as each event says | HepMC:: |

(MARLEY's documentation, "Interpreting the output"; HepMC3: Buckley et al., Comput. Phys. Commun. 260 (2021) 107310, with the
status codes of NuHepMC 1.0.) Lists of one format that were joined, and blank lines anywhere, are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from python.general_purpose_libs import DataError
from python.simulation.marley_text import WRITE_AGAIN

PDG, ENERGY, MOMENTUM, MASS, TIME = 0, 1, slice(2, 5), 5, 6  # columns of particles
LARGEST = 1e12  # no number of a list comes near
MEV_PER_GEV = 1e3
LIGHT_CM_PER_US = 29979.2458
HEPEVT_BEFORE, HEPEVT_AFTER, HEPEVT_NUCLEUS = (0, 3, 4), 1, 11  # status; 0 until MARLEY 1.1
HEPMC_BEFORE, HEPMC_AFTER, HEPMC_NUCLEUS = (4, 20), 1, 27
JSON_KEYS = ("pdg", "E", "px", "py", "pz", "mass")


class DamagedListError(Exception):
    """Something in a list that cannot be: `place` in the file ("line 7") and what should be there."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place, self.what = place, what


@dataclass(frozen=True)
class ListedEvent:
    """One event, which begins at `place` in its file.

    `before` and `after` (N, 7): PDG code, total energy, momentum in x, y, z, mass in MeV, time in us after the interaction.
    `excitation` of the nucleus in MeV before it emits anything; None where the format does not tell.
    """

    place: str
    before: np.ndarray
    after: np.ndarray
    excitation: float | None


class Format(NamedTuple):
    """`name` for messages; `read` turns a text into events, and raises DamagedListError."""

    name: str
    read: Callable[[str], Iterator[ListedEvent]]


def recognised(path: str | Path, text: str) -> Format:
    """Return the format of a list. Raises DataError, naming what is known of the text, when it is none that is read."""
    first = next((line for line in text.splitlines() if line.strip()), "").strip()
    if first.startswith("{"):
        return Format("MARLEY's JSON format", _read_json)
    if first.startswith("HepMC::"):
        if "HepMC::Asciiv3-START_EVENT_LISTING" in text:
            return Format("HepMC3 format", _read_hepmc3)
        raise DataError(f"{path}, line 1: HepMC of another version than 3 ('{first[:60]}'); {WRITE_AGAIN}")
    fields = first.split()
    if len(fields) == 2 and all(re.fullmatch(r"\d+", text) for text in fields):
        return Format("HEPEVT format", _read_hepevt)
    if (len(fields) == 1 and _is_number(fields[0])) or (len(fields) in (3, 5) and fields[0] == "2"):
        return Format("MARLEY's ASCII format", _read_ascii)
    said = f"it begins with '{first[:60]}'" if first else "it is empty"
    raise DataError(f"{path}: not a list of events in a format that is known ({said}); {WRITE_AGAIN}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Lines:
    """The lines of a text that are not blank, one after the other."""

    def __init__(self, text: str) -> None:
        lines = text.replace("\r\n", "\n").split("\n")
        self._left = iter([(number, line) for number, line in enumerate(lines, 1) if line.strip()])
        self.place = "line 1"

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the fields of each line; `place` tells which it is."""
        for number, line in self._left:
            self.place = f"line {number}"
            yield line.split()

    def table(self, rows: int, columns: int) -> np.ndarray:
        """Return the numbers (rows, columns) of the next lines."""
        table: list[list[float]] = []
        while len(table) < rows:
            fields = next(iter(self), None)
            if fields is None:
                raise DamagedListError(self.place, "it ends within an event")
            table.append(_numbers(self.place, fields, columns))
        return np.array(table).reshape(-1, columns)


def _numbers(place: str, fields: list[Any], count: int) -> list[float]:
    """The `count` numbers of a line or object."""
    try:
        values = [float(text) for text in fields]
    except (ValueError, TypeError, OverflowError) as error:
        raise DamagedListError(place, f"{count} numbers should stand here") from error
    if len(values) != count or not all(abs(value) <= LARGEST for value in values):
        raise DamagedListError(place, f"{count} numbers should stand here, none above {LARGEST:g}")
    return values


def _whole_numbers(fields: list[str]) -> list[int]:
    """The fields as whole numbers; none when one of them is not."""
    return [int(text) for text in fields] if all(re.fullmatch(r"-?\d{1,18}", text) for text in fields) else []


# ---------------------------------------------------------------------------- ASCII
def _read_ascii(text: str) -> Iterator[ListedEvent]:
    lines = _Lines(text)
    for fields in lines:
        place = lines.place
        if len(fields) == 1:
            _numbers(place, fields, 1)  # the cross-section, at the head of each list that was joined
            continue
        counts = _whole_numbers(fields[:2])
        if len(fields) not in (3, 5) or len(counts) != 2 or counts[0] != 2 or counts[1] < 1:
            raise DamagedListError(place, "an event should begin here, with 'Ni Nf Ex' or 'Ni Nf Ex 2J P', Ni = 2")
        (excitation,) = _numbers(place, fields[2:3], 1)
        rows = lines.table(sum(counts), 7)
        rows[:, TIME] = 0.0  # where the charge stands
        yield ListedEvent(place, rows[:2], rows[2:], excitation)


# ---------------------------------------------------------------------------- HEPEVT
def _read_hepevt(text: str) -> Iterator[ListedEvent]:
    lines = _Lines(text)
    for fields in lines:
        place = lines.place
        counts = _whole_numbers(fields)
        if len(counts) != 2 or counts[1] < 1:
            raise DamagedListError(place, "an event should begin here, with 'NEVHEP NHEP'")
        rows = lines.table(counts[1], 15)
        status = rows[:, 0]
        nucleus = rows[(status == HEPEVT_NUCLEUS) & (rows[:, 1] == 0)]
        excitation = nucleus[0, 9] if len(nucleus) else None  # in MeV, unlike all others
        before, after = (status[:, None] == HEPEVT_BEFORE).any(axis=1), status == HEPEVT_AFTER
        yield ListedEvent(place, _from_hepevt(rows[before]), _from_hepevt(rows[after]), excitation)


def _from_hepevt(rows: np.ndarray) -> np.ndarray:
    """Particles of HEPEVT (status, PDG, four relatives, momentum, energy, mass in GeV, place in mm, time in mm/c)."""
    energy, time = rows[:, [9, 6, 7, 8, 10]] * MEV_PER_GEV, rows[:, 14] / (10 * LIGHT_CM_PER_US)
    return np.column_stack([rows[:, 1], energy, time])


# ---------------------------------------------------------------------------- JSON
def _read_json(text: str) -> Iterator[ListedEvent]:
    decoder, position, number = json.JSONDecoder(), 0, 0
    text = text.strip()
    while position < len(text):
        try:
            content, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise DamagedListError(f"line {error.lineno}", f"the JSON breaks here ({error.msg})") from error
        except (ValueError, RecursionError) as error:
            raise DamagedListError("line 1", "a number of too many digits, or too deep a nesting") from error
        while position < len(text) and text[position].isspace():
            position += 1
        events = content.get("events") if isinstance(content, dict) else None
        if not isinstance(events, list):
            raise DamagedListError("line 1", 'a list "events" should stand here, as in MARLEY\'s output')
        for event in events:
            number += 1
            yield _json_event(f"event {number}", event)


def _json_event(place: str, event: Any) -> ListedEvent:
    try:
        excitation = event.get("Ex")
        listed = [
            [[*(particle[key] for key in JSON_KEYS), 0.0] for particle in event[name]]
            for name in ("initial_particles", "final_particles")
        ]
    except (KeyError, TypeError, AttributeError) as error:
        what = f"initial_particles and final_particles should stand here, each with {', '.join(JSON_KEYS)}"
        raise DamagedListError(place, what) from error
    before, after = (np.array([_numbers(place, row, 7) for row in rows]).reshape(-1, 7) for rows in listed)
    return ListedEvent(place, before, after, None if excitation is None else _numbers(place, [excitation], 1)[0])


# ---------------------------------------------------------------------------- HepMC3
def _read_hepmc3(text: str) -> Iterator[ListedEvent]:
    lines, event = _Lines(text), None
    for tag, *fields in lines:
        if tag == "E" or tag.startswith("HepMC::"):
            if event:
                yield event.finished()
            event = _HepMCEvent.begun(lines.place, fields) if tag == "E" else None
        elif event and tag in _HEPMC_LINES:
            _HEPMC_LINES[tag](event, lines.place, fields)
    if event:
        yield event.finished()


@dataclass
class _HepMCEvent:
    """An event while its lines are read. `times` in us by the number of a particle or, negative, of a vertex."""

    place: str
    announced: int
    mev: float = MEV_PER_GEV
    cm: float = 0.1
    rows: list[list[float]] = field(default_factory=list)
    excitations: dict[int, float] = field(default_factory=dict)
    times: dict[int, float] = field(default_factory=dict)

    @classmethod
    def begun(cls, place: str, fields: list[str]) -> _HepMCEvent:
        counts = _whole_numbers(fields[:3])
        if len(counts) != 3:
            raise DamagedListError(place, "an event should begin here, with 'E number vertices particles'")
        return cls(place, counts[2])

    def units(self, place: str, fields: list[str]) -> None:
        try:
            energy, length = fields
            self.mev, self.cm = {"MEV": 1.0, "GEV": MEV_PER_GEV}[energy], {"MM": 0.1, "CM": 1.0}[length]
        except (ValueError, KeyError) as error:
            raise DamagedListError(place, "units should stand here, MEV or GEV and MM or CM") from error

    def attribute(self, place: str, fields: list[str]) -> None:
        if len(fields) == 3 and fields[1] == "Ex":
            number, excitation = _numbers(place, [fields[0], fields[2]], 2)
            self.excitations[int(number)] = excitation

    def vertex(self, place: str, fields: list[str]) -> None:
        """`V number status [particles that come in] @ x y z t`, the last five only where there is a place or a time."""
        if "@" in fields:
            time = _numbers(place, fields[fields.index("@") + 1 :], 4)[3] * self.cm / LIGHT_CM_PER_US
        else:
            incoming = re.findall(r"\d+", "".join(fields[2:]))
            time = max((self.times.get(int(text), 0.0) for text in incoming), default=0.0)
        (number,) = _numbers(place, fields[:1], 1)
        self.times[int(number)] = time

    def particle(self, place: str, fields: list[str]) -> None:
        """`P number parent PDG px py pz E M status`; the parent is a particle or, negative, a vertex."""
        row = _numbers(place, fields, 9)
        self.times[int(row[0])] = self.times.get(int(row[1]), 0.0)
        self.rows.append([*row, self.times[int(row[0])]])

    def finished(self) -> ListedEvent:
        if len(self.rows) != self.announced or not self.rows:
            raise DamagedListError(
                self.place, f"{len(self.rows)} of the {self.announced} particles of this event are there"
            )
        rows = np.array(self.rows)
        particles = np.column_stack([rows[:, 2], rows[:, [6, 3, 4, 5, 7]] * self.mev, rows[:, 9]])
        status = rows[:, 8]
        nucleus = rows[status == HEPMC_NUCLEUS, 0]
        excitation = self.excitations.get(int(nucleus[0])) if len(nucleus) else None
        before, after = (status[:, None] == HEPMC_BEFORE).any(axis=1), status == HEPMC_AFTER
        return ListedEvent(self.place, particles[before], particles[after], excitation)


_HEPMC_LINES = {  # others: weights, and what concerns the whole run
    "U": _HepMCEvent.units,
    "A": _HepMCEvent.attribute,
    "V": _HepMCEvent.vertex,
    "P": _HepMCEvent.particle,
}
