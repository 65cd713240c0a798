"""Simulated events, from the neutrino to trigger primitives and image files: which a data set has, and how they come about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from python.data.metadata import UNKNOWN, event_keys
from python.data.sources import Source
from python.ingest.product_files import ProductSummary, write_products
from python.ingest.readout import Readout
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import EventTruth
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.flux import FLUENCES
from python.simulation.backgrounds import FAINT, background_particles
from python.simulation.drift import drift
from python.simulation.generator import Source as NeutrinoSource
from python.simulation.generator import expected_events, make_interactions
from python.simulation.near_clusters import (
    Places,
    near_clusters,
    places_of_deposits,
    places_of_particles,
)
from python.simulation.records import Deposits, Interactions, Particles
from python.simulation.response import respond
from python.simulation.settings import EVENTS_PER_FILE, Burst, SimulationSettings
from python.simulation.transport import set_free, transport

ES, CC, NO_NEUTRINO = 1, 0, UNKNOWN
RUN = 1  # of simulated events; the number of their file is the subrun
EVENTS_AT_A_TIME = 50  # with random streams of their own; more do not fit into the cache of a core
PLAN, INTERACTIONS, BACKGROUND, TRANSPORT, DRIFT, RESPONSE, DECAYS = range(7)  # random streams


@dataclass(frozen=True)
class EventList:
    """What each event of a data set is: `interaction` int8 (N,), 1 ES, 0 CC, -1 background alone; where neutrinos fly."""

    channel: str
    interaction: np.ndarray
    direction: tuple[float, float, float] | None

    def __len__(self) -> int:
        return len(self.interaction)

    @property
    def n_files(self) -> int:
        return -(-len(self) // EVENTS_PER_FILE)

    def rows(self, number: int) -> np.ndarray:
        """Return the events of file `number`."""
        return np.arange(number * EVENTS_PER_FILE, min((number + 1) * EVENTS_PER_FILE, len(self)))

    def size(self, number: int) -> int:
        return len(self.rows(number))

    def stem(self, number: int) -> str:
        """Name of file `number` without the plane."""
        return f"{self.channel}_{number:05d}"

    def described(self) -> dict:
        """Return how many events there are of each kind, and the direction, as plain JSON values."""
        kinds = {"es": ES, "cc": CC, "background": NO_NEUTRINO}
        counts = {name: int(np.sum(self.interaction == kind)) for name, kind in kinds.items()}
        return {**counts, "neutrino_direction": None if self.direction is None else list(self.direction)}


def plan_events(settings: SimulationSettings) -> EventList:
    """Decide what each event is."""
    if settings.burst is not None:
        return _burst(settings, settings.burst)
    if settings.events is None:
        raise ValueError("events must be a number where there is no burst")
    in_turn = {"es": [ES], "cc": [CC], "mixed": [ES, CC], "background": [NO_NEUTRINO]}[settings.channel]
    return EventList(settings.channel, np.resize(np.array(in_turn, np.int8), settings.events), settings.direction)


def _burst(settings: SimulationSettings, burst: Burst) -> EventList:
    """As many events of each channel as chance makes of the expected number, from one direction."""
    rng = np.random.default_rng([settings.seed, PLAN])
    direction = settings.direction
    if direction is None:
        vector = rng.standard_normal(3)
        x, y, z = (vector / np.linalg.norm(vector)).tolist()
        direction = (x, y, z)
    expected = expected_events(FLUENCES[settings.flux], burst.mass_kt, burst.distance_kpc)
    counts = {kind: rng.poisson(sum(expected[kind].values())) for kind in ("es", "cc")}
    kinds = np.repeat(np.array([ES, CC], np.int8), [counts["es"], counts["cc"]])
    return EventList("burst", rng.permutation(kinds), direction)


def simulate_file(settings: SimulationSettings, events: EventList, folder: Path, number: int) -> ProductSummary:
    """Simulate the events of file `number` and write its image files into `folder`."""
    readout = simulate_readout(settings, events, number)
    return write_products(readout, settings.products, folder, events.stem(number))


def simulate_readout(settings: SimulationSettings, events: EventList, number: int) -> Readout:
    """Simulate the events of file `number`; return their trigger primitives, with the truth."""
    rows = events.rows(number)

    def generator(first: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([settings.seed, number, first, stream])

    particles, truth = _neutrinos(settings, events, rows, generator(0, INTERACTIONS))
    decays = _bright_decays(settings, len(rows), generator(0, DECAYS))
    parts, signals = [], []
    for first in range(0, len(rows), EVENTS_AT_A_TIME):
        n_events = min(EVENTS_AT_A_TIME, len(rows) - first)
        mine, others = (_of_events(part, first, n_events) for part in (particles, decays))
        deposits, _ = transport(mine, generator(first, TRANSPORT))
        deposits, planes = _with_decays(settings, deposits, others, n_events, generator(first, BACKGROUND))
        charge = drift(deposits, generator(first, DRIFT), planes)
        tps, signal, _ = respond(charge, n_events, generator(first, RESPONSE), settings.products.min_sot)
        parts.append(tps.moved(first))
        signals.append(signal)
    source = Source(f"{settings.events_key}/{events.stem(number)}", settings.source_id(number, len(rows)))
    tps = TriggerPrimitives.concatenate(parts)
    return Readout([source], event_keys(rows, RUN, number), tps, truth, np.concatenate(signals))


def _of_events(particles: Particles, first: int, n_events: int) -> Particles:
    """The particles of `n_events` events from `first` on, with events counted from there; particles are sorted by event."""
    mine = particles.take(slice(*np.searchsorted(particles.event, [first, first + n_events])))
    mine.event = mine.event - first
    return mine


def _bright_decays(settings: SimulationSettings, n_events: int, rng: np.random.Generator) -> Particles:
    """Draw the decays that may become a cluster; their charged particles alone, unless all are followed.

    What may become a cluster is known only when the photons of decays are followed, and that is before their electrons are.
    """
    particles = background_particles(n_events, {**settings.background, **dict.fromkeys(FAINT, 0.0)}, rng)
    return particles if settings.follows_all_decays else set_free(particles, rng)


def _with_decays(
    settings: SimulationSettings, deposits: Deposits, decays: Particles, n_events: int, rng: np.random.Generator
) -> tuple[Deposits, np.ndarray | None]:
    """Add those of decays to the deposits of neutrinos, and tell on which planes each is wanted (D, 3), None for all."""
    faint = {name: settings.background.get(name, 0.0) for name in FAINT}
    if settings.follows_all_decays:
        decays = Particles.concatenate([decays, background_particles(n_events, faint, rng)])
        return Deposits.concatenate([deposits, transport(decays, rng)[0]]), None
    if not any(settings.background.values()):
        return deposits, None
    places = places_of_particles(decays)
    near = near_clusters(Places.concatenate([places_of_deposits(deposits), places]), n_events, settings.least_electrons)
    decays = decays.take(np.any(near.planes(places), axis=1))
    if any(faint.values()):
        decays = Particles.concatenate([decays, background_particles(n_events, faint, rng, near)])
    deposits = Deposits.concatenate([deposits, transport(decays, rng)[0]])
    return deposits, near.planes(places_of_deposits(deposits)) | deposits.is_signal[:, None]


def _neutrinos(
    settings: SimulationSettings, events: EventList, rows: np.ndarray, rng: np.random.Generator
) -> tuple[Particles, EventTruth]:
    """Let the neutrinos of the events `rows` interact; `event` of the particles counts from the first of `rows`."""
    kind = events.interaction[rows]
    with_neutrino = np.flatnonzero(kind != NO_NEUTRINO)
    source = NeutrinoSource(settings.flux, settings.energy, events.direction, settings.marley_file)
    interactions, particles = make_interactions(kind[with_neutrino] == ES, source, rng)
    particles.event = with_neutrino[particles.event]
    return particles, _truth(interactions, with_neutrino, len(rows))


def _truth(interactions: Interactions, rows: np.ndarray, n_events: int) -> EventTruth:
    """Truth of `n_events` events, of which `rows` have the given interactions."""
    energy = interactions.electron_energy
    momentum = np.sqrt(energy * (energy + 2 * ELECTRON_MASS_MEV)) * 1e-3

    def spread(values: np.ndarray, nothing: float) -> np.ndarray:
        table = np.full((n_events, *np.shape(values)[1:]), nothing, np.asarray(values).dtype)
        table[rows] = values
        return table

    return EventTruth(
        is_es=spread(interactions.is_es.astype(np.int64), UNKNOWN),
        vertex=spread(interactions.vertex, np.nan),
        electron_momentum=spread(interactions.electron_direction * momentum[:, None], np.nan),
        electron_energy=spread(energy, np.nan),
        nu_momentum=spread(interactions.nu_direction * interactions.nu_energy[:, None] * 1e-3, np.nan),
        nu_energy=spread(interactions.nu_energy, np.nan),
    )
