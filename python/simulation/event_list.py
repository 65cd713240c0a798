"""Which events a simulated data set has, file by file: what each is, where its neutrinos fly, and when it happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from python.data.metadata import UNKNOWN
from python.detector.geometry import (
    DUNE_1X2X2,
    MAX_X_CM,
    MAX_Y_CM,
    TICK_US,
    TICKS_PER_WINDOW,
    WIRE_PLANE_X_CM,
    Geometry,
)
from python.physics.flux import FLUENCES
from python.physics.light_curve import SPAN_S, sample_times
from python.physics.materials import DENSITY
from python.simulation.backgrounds import FAINT
from python.simulation.generator import expected_events
from python.simulation.settings import EVENTS_PER_FILE, PLAN, Burst, SimulationSettings

ES, CC, NO_NEUTRINO = 1, 0, UNKNOWN
WINDOW_NS = round(TICKS_PER_WINDOW * TICK_US * 1e3)
WINDOWS_PER_FILE = 10_000


@dataclass(frozen=True)
class EventList:
    """What each event of a data set is: `interaction` int8 (N,), 1 ES, 0 CC, -1 background alone; where neutrinos fly.

    In a burst `times` (N,) are those of the events, in ns after the first neutrino, and besides there are `windows` of
    radioactive decays alone, of which those become events that hold a cluster worth looking at.
    """

    channel: str
    interaction: np.ndarray
    direction: tuple[float, float, float] | None
    times: np.ndarray | None = None
    windows: int = 0

    @property
    def n_files(self) -> int:
        return self._n_event_files - (-self.windows // WINDOWS_PER_FILE)

    @property
    def _n_event_files(self) -> int:
        return -(-len(self.interaction) // EVENTS_PER_FILE)

    def is_radiological(self, number: int) -> bool:
        """Whether file `number` is one of windows of decays."""
        return number >= self._n_event_files

    def rows(self, number: int) -> np.ndarray:
        """Return the events, or the windows of decays, of file `number`."""
        if self.is_radiological(number):
            return _stretch(number - self._n_event_files, WINDOWS_PER_FILE, self.windows)
        return _stretch(number, EVENTS_PER_FILE, len(self.interaction))

    def times_of(self, number: int) -> np.ndarray | None:
        """When the events or windows of file `number` begin: windows follow one another in each piece of the detector."""
        if self.is_radiological(number):
            return self.rows(number) % round(SPAN_S * 1e9 / WINDOW_NS) * WINDOW_NS
        return None if self.times is None else self.times[self.rows(number)]

    def size(self, number: int) -> int:
        return len(self.rows(number))

    def stem(self, number: int) -> str:
        """Name of file `number` without the plane."""
        if self.is_radiological(number):
            return f"{self.channel}_radiological_{number - self._n_event_files:05d}"
        return f"{self.channel}_{number:05d}"

    def described(self) -> dict:
        """Return how many events there are of each kind, and the direction, as plain JSON values."""
        kinds = {"es": ES, "cc": CC, "background": NO_NEUTRINO}
        counts = {name: int(np.sum(self.interaction == kind)) for name, kind in kinds.items()}
        windows = {"radiological_windows": self.windows} if self.times is not None else {}
        return {**counts, **windows, "neutrino_direction": None if self.direction is None else list(self.direction)}


def plan_events(settings: SimulationSettings) -> EventList:
    """Decide what each event is."""
    if settings.burst is not None:
        return _burst(settings, settings.burst)
    if settings.events is None:
        raise ValueError("events must be a number where there is no burst")
    in_turn = {"es": [ES], "cc": [CC], "mixed": [ES, CC], "background": [NO_NEUTRINO]}[settings.channel]
    return EventList(settings.channel, np.resize(np.array(in_turn, np.int8), settings.events), settings.direction)


def _stretch(number: int, size: int, of: int) -> np.ndarray:
    return np.arange(number * size, min((number + 1) * size, of))


def _burst(settings: SimulationSettings, burst: Burst) -> EventList:
    """As many events of each channel as chance makes of the expected number, from one direction; in the order of time."""
    rng = np.random.default_rng([settings.seed, PLAN])
    direction = settings.direction
    if direction is None:
        vector = rng.standard_normal(3)
        x, y, z = (vector / np.linalg.norm(vector)).tolist()
        direction = (x, y, z)
    expected = expected_events(FLUENCES[settings.flux], burst.mass_kt, burst.distance_kpc)
    counts = {kind: rng.poisson(sum(expected[kind].values())) for kind in ("es", "cc")}
    kinds = rng.permutation(np.repeat(np.array([ES, CC], np.int8), [counts["es"], counts["cc"]]))
    times = np.sort(np.rint(sample_times(len(kinds), rng) * 1e9).astype(np.int64))
    return EventList("burst", kinds, direction, times, _windows(settings, burst))


def argon_kt(geometry: Geometry) -> float:
    """Mass of the argon between the wire planes and the cathodes."""
    return 4 * (MAX_X_CM - WIRE_PLANE_X_CM) * MAX_Y_CM * geometry.max_z_cm * DENSITY * 1e-9


def radiological_windows(mass_kt: float, geometry: Geometry = DUNE_1X2X2) -> int:
    """Readout windows, each of one such geometry, of so much argon during a burst."""
    return round(mass_kt / argon_kt(geometry) * SPAN_S * 1e9 / WINDOW_NS)


def _windows(settings: SimulationSettings, burst: Burst) -> int:
    """Those that are looked through, none where no decay may make a cluster."""
    bright = any(rate for name, rate in settings.background.items() if name not in FAINT)
    return radiological_windows(burst.mass_kt, settings.geometry) if bright else 0
