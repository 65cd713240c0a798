"""Simulated events, from the neutrino to trigger primitives and image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from python.data.metadata import UNKNOWN, event_keys
from python.data.sources import Source
from python.detector.geometry import X
from python.ingest.product_files import ProductSummary, write_products
from python.ingest.products import ProductSettings, make_products
from python.ingest.readout import Readout
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import EventTruth
from python.physics.constants import ELECTRON_MASS_MEV
from python.simulation.backgrounds import FAINT, background_particles
from python.simulation.drift import drift
from python.simulation.event_list import ES, NO_NEUTRINO, EventList
from python.simulation.generator import Source as NeutrinoSource
from python.simulation.generator import make_interactions
from python.simulation.near_clusters import (
    Places,
    least_electrons,
    may_have_clusters,
    near_clusters,
    places_of_deposits,
    places_of_particles,
)
from python.simulation.records import Deposits, Interactions, Particles
from python.simulation.response import respond
from python.simulation.settings import (
    BACKGROUND,
    DECAYS,
    DRIFT,
    INTERACTIONS,
    RESPONSE,
    TRANSPORT,
    SimulationSettings,
)
from python.simulation.transport import set_free, transport

RUN = 1  # of simulated events; the number of their file is the subrun
WINDOWS_AT_A_TIME = 2000
EVENTS_AT_A_TIME = 50  # with random streams of their own; more do not fit into the cache of a core


def simulate_file(settings: SimulationSettings, events: EventList, folder: Path, number: int) -> ProductSummary:
    """Simulate the events of file `number` and write its image files into `folder`."""
    readout = simulate_readout(settings, events, number)
    return write_products(readout, settings.products, folder, events.stem(number))


def simulate_readout(settings: SimulationSettings, events: EventList, number: int) -> Readout:
    """Simulate the events of file `number`; return their trigger primitives, with the truth."""
    rows = events.rows(number)
    if events.is_radiological(number):
        rows, decays = _windows_worth_following(settings, rows, number)
        particles, truth = decays.take(slice(0)), EventTruth.unknown(len(rows))
    else:
        particles, truth = _neutrinos(settings, events, rows, _generator(settings, number, 0, INTERACTIONS))
        decays = _bright_decays(settings, len(rows), _generator(settings, number, 0, DECAYS))
    tps, signal = _read_out(settings, number, particles, decays, len(rows))
    identity = settings.source_id(number, events.size(number))
    source = Source(f"{settings.events_key}/{events.stem(number)}", identity, settings.geometry)
    times = events.times_of(number)
    readout = Readout([source], event_keys(rows, RUN, number), tps, truth, signal)
    if times is not None:
        readout.times = times[rows - events.rows(number)[0]] if len(rows) else times[:0]
    if events.is_radiological(number) and settings.burst is not None:
        return with_clusters_above(readout, settings.products, settings.burst.radiological_mev)
    return readout


def with_clusters_above(readout: Readout, settings: ProductSettings, energy: float) -> Readout:
    """The events with a cluster on X of at least so many MeV alone."""
    clusters = make_products(readout, settings).clusters
    wanted = clusters.event[(clusters.plane == X) & (clusters.energy >= energy)]
    return readout.only(np.isin(np.arange(len(readout)), wanted))


def _generator(settings: SimulationSettings, number: int, first: int, stream: int) -> np.random.Generator:
    """That of one stream, of the events from `first` on of file `number`."""
    return np.random.default_rng([settings.seed, number, first, stream])


def _read_out(
    settings: SimulationSettings, number: int, particles: Particles, decays: Particles, n_events: int
) -> tuple[TriggerPrimitives, np.ndarray]:
    """Follow the particles and decays of `n_events` events up to trigger primitives (N), and tell which are signal (N,)."""
    parts, signals = [], []
    for first in range(0, max(n_events, 1), EVENTS_AT_A_TIME):
        n = min(EVENTS_AT_A_TIME, n_events - first)
        mine, others = (_of_events(part, first, n) for part in (particles, decays))
        deposits, _ = transport(mine, _generator(settings, number, first, TRANSPORT), geometry=settings.geometry)
        deposits, planes = _with_decays(settings, deposits, others, n, _generator(settings, number, first, BACKGROUND))
        charge = drift(deposits, _generator(settings, number, first, DRIFT), planes)
        rng = _generator(settings, number, first, RESPONSE)
        tps, signal, _ = respond(charge, n, rng, settings.products.min_sot, geometry=settings.geometry)
        parts.append(tps.moved(first))
        signals.append(signal)
    return TriggerPrimitives.concatenate(parts), np.concatenate(signals)


def _windows_worth_following(
    settings: SimulationSettings, rows: np.ndarray, number: int
) -> tuple[np.ndarray, Particles]:
    """Of the windows `rows` those in which a cluster as energetic as is wanted may come about, and the decays in these."""
    assert settings.burst is not None
    kept: list[np.ndarray] = []
    decays: list[Particles] = []
    least = least_electrons(settings.products, settings.burst.radiological_mev)
    for first in range(0, len(rows), WINDOWS_AT_A_TIME):
        n_windows = min(WINDOWS_AT_A_TIME, len(rows) - first)
        particles = _bright_decays(settings, n_windows, _generator(settings, number, first, DECAYS))
        seeds = np.arange(n_windows)
        if not settings.follows_all_decays:
            seeds = np.flatnonzero(
                may_have_clusters(places_of_particles(particles), n_windows, least, settings.geometry)
            )
        mine = particles.take(np.isin(particles.event, seeds))
        mine.event = np.searchsorted(seeds, mine.event) + sum(len(part) for part in kept)
        kept.append(rows[first + seeds])
        decays.append(mine)
    return np.concatenate(kept), Particles.concatenate(decays)


def _of_events(particles: Particles, first: int, n_events: int) -> Particles:
    """The particles of `n_events` events from `first` on, with events counted from there; particles are sorted by event."""
    mine = particles.take(slice(*np.searchsorted(particles.event, [first, first + n_events])))
    mine.event = mine.event - first
    return mine


def _bright_decays(settings: SimulationSettings, n_events: int, rng: np.random.Generator) -> Particles:
    """Draw the decays that may become a cluster; their charged particles alone, unless all are followed.

    What may become a cluster is known only when the photons of decays are followed, and that is before their electrons are.
    """
    bright = {**settings.background, **dict.fromkeys(FAINT, 0.0)}
    particles = background_particles(n_events, bright, rng, geometry=settings.geometry)
    return particles if settings.follows_all_decays else set_free(particles, rng, settings.geometry)


def _with_decays(
    settings: SimulationSettings, deposits: Deposits, decays: Particles, n_events: int, rng: np.random.Generator
) -> tuple[Deposits, np.ndarray | None]:
    """Add those of decays to the deposits of neutrinos, and tell on which planes each is wanted (D, 3), None for all."""
    faint, geometry = {name: settings.background.get(name, 0.0) for name in FAINT}, settings.geometry
    if settings.follows_all_decays:
        decays = Particles.concatenate([decays, background_particles(n_events, faint, rng, geometry=geometry)])
        return Deposits.concatenate([deposits, transport(decays, rng, geometry=geometry)[0]]), None
    if not any(settings.background.values()):
        return deposits, None
    of_decays = places_of_particles(decays)
    places = Places.concatenate([places_of_deposits(deposits), of_decays])
    near = near_clusters(places, n_events, settings.least_electrons, geometry)
    decays = decays.take(np.any(near.planes(of_decays), axis=1))
    if any(faint.values()):
        decays = Particles.concatenate([decays, background_particles(n_events, faint, rng, near, geometry)])
    deposits = Deposits.concatenate([deposits, transport(decays, rng, geometry=geometry)[0]])
    return deposits, near.planes(places_of_deposits(deposits)) | deposits.is_signal[:, None]


def _neutrinos(
    settings: SimulationSettings, events: EventList, rows: np.ndarray, rng: np.random.Generator
) -> tuple[Particles, EventTruth]:
    """Let the neutrinos of the events `rows` interact; `event` of the particles counts from the first of `rows`."""
    kind = events.interaction[rows]
    with_neutrino = np.flatnonzero(kind != NO_NEUTRINO)
    source = NeutrinoSource(settings.flux, settings.energy, events.direction, settings.marley_file, settings.geometry)
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
