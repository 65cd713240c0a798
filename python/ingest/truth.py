"""What the simulation knows: interaction, primary electron, and which clusters are the neutrino's.

Nothing here may be seen by clustering, matching, energies or images: these are labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from python.data.metadata import UNKNOWN, kinetic_energy_mev
from python.ingest.clustering import Clusters
from python.ingest.root_reader import SourceFile

NEUTRINOS = (12, 14, 16)
ELECTRON = 11
Table = dict[str, np.ndarray]  # columns by name
INITIAL, FINAL = 0, 1  # status codes of `mctruths`


@dataclass
class EventTruth:
    """Truth of E events; unknown floats are NaN, unknown flags -1. Momenta in GeV/c, energies in MeV, positions in cm."""

    is_es: np.ndarray
    vertex: np.ndarray
    electron_momentum: np.ndarray
    electron_energy: np.ndarray
    nu_momentum: np.ndarray
    nu_energy: np.ndarray

    @classmethod
    def unknown(cls, n: int) -> EventTruth:
        """Of `n` events of which nothing is known."""
        return cls(
            is_es=np.full(n, UNKNOWN),
            vertex=np.full((n, 3), np.nan),
            electron_momentum=np.full((n, 3), np.nan),
            electron_energy=np.full(n, np.nan),
            nu_momentum=np.full((n, 3), np.nan),
            nu_energy=np.full(n, np.nan),
        )

    def take(self, rows: np.ndarray) -> EventTruth:
        """That of some events, a mask or numbers."""
        return EventTruth(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: Sequence[EventTruth]) -> EventTruth:
        """That of all parts, at least one, in order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def event_truth(source: SourceFile) -> EventTruth:
    """Work out the truth of each event from its first block with an incoming neutrino.

    The interaction is elastic scattering when the target is an electron, charged current when the target is a nucleus and an
    electron comes out, else unknown. The primary electron is the block's first final-state particle that is no neutrino.
    """
    n = len(source.events)
    truth = EventTruth.unknown(n)
    table = source.mctruths
    if table is None:
        return truth
    position = np.stack([table[axis] for axis in "xyz"], axis=-1)
    momentum = np.stack([table[f"p{axis}"] for axis in "xyz"], axis=-1)
    is_neutrino = np.isin(np.abs(table["pdg"]), NEUTRINOS)
    for rows in _rows_by_event(table["event"], n):
        incoming = rows[is_neutrino[rows] & (table["status_code"][rows] == INITIAL)]
        if len(incoming) == 0:
            continue
        neutrino = incoming[0]
        event = table["event"][neutrino]
        block = rows[(table["block_id"][rows] == table["block_id"][neutrino]) & ~is_neutrino[rows]]
        target = block[table["status_code"][block] == INITIAL]
        outgoing = block[table["status_code"][block] == FINAL][:1]
        truth.vertex[event] = position[neutrino]
        truth.nu_momentum[event] = momentum[neutrino]
        truth.nu_energy[event] = table["energy"][neutrino] * 1e3
        has_electron = np.any(np.abs(table["pdg"][outgoing]) == ELECTRON)
        if has_electron:
            truth.electron_momentum[event] = momentum[outgoing[0]]
            truth.is_es[event] = np.any(table["pdg"][target] == ELECTRON)
    truth.electron_energy = kinetic_energy_mev(truth.electron_momentum)
    return truth


def _rows_by_event(event: np.ndarray, n_events: int) -> list[np.ndarray]:
    order = np.argsort(event, kind="stable")
    return np.split(order, np.searchsorted(event[order], np.arange(1, n_events)))


def signal_tps(source: SourceFile) -> np.ndarray | None:
    """Mark the trigger primitives whose charge comes from the neutrino interaction, bool (N,); None where that is not known.

    With one kind of generator in the file any simulated charge is signal. With several, the primary track's truth block has
    to be one with an incoming neutrino: `mctruths.block_id` is the first block of its generator, so a particle belongs to the
    greatest `block_id` that does not exceed its `truth_block_id`.
    """
    if source.tp_truth is None:
        return None
    has_charge = source.tp_truth["bt_numelectrons"] > 0
    if source.mctruths is None or np.all(source.mctruths["block_id"] == 0):
        return has_charge
    if source.mcparticles is None:
        return None
    track = np.abs(
        source.tp_truth["bt_primary_track_id"]
    )  # showers carry the negative number of the particle that began them
    return has_charge & _from_neutrino(source.mctruths, source.mcparticles, source.tps.event, track)


def _from_neutrino(truths: Table, particles: Table, event: np.ndarray, track: np.ndarray) -> np.ndarray:
    """Whether track number `track` of event `event` comes from a neutrino's truth block."""
    generators: dict[int, dict[int, bool]] = {}
    for i in range(len(truths["event"])):
        blocks = generators.setdefault(int(truths["event"][i]), {})
        block = int(truths["block_id"][i])
        incoming = abs(truths["pdg"][i]) in NEUTRINOS and truths["status_code"][i] == INITIAL
        blocks[block] = blocks.get(block, False) or bool(incoming)
    from_neutrino = {}
    for number, g4_track, block in zip(
        particles["event"].tolist(),
        particles["g4_track_id"].tolist(),
        particles["truth_block_id"].tolist(),
        strict=True,
    ):
        blocks = generators.get(number, {})
        first = max((b for b in blocks if b <= block), default=None)
        from_neutrino[number, g4_track] = first is not None and blocks[first]
    pairs = zip(event.tolist(), track.tolist(), strict=True)
    return np.fromiter((from_neutrino.get(pair, False) for pair in pairs), bool, len(event))


def label_clusters(
    clusters: Clusters, integral: np.ndarray, signal: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return `is_marley` and `is_main_track` of each cluster, -1 where there is no truth.

    `is_marley`: more than half of the ADC sum is signal. `is_main_track`: the most energetic of those in its event and plane.
    `integral` and `signal` are (N,) arrays over the trigger primitives.
    """
    if signal is None:
        return np.full(len(clusters), UNKNOWN), np.full(len(clusters), UNKNOWN)
    members = clusters.members
    charge = np.bincount(clusters.cluster_of_member, weights=(integral * signal)[members], minlength=len(clusters))
    is_marley = charge > 0.5 * clusters.adc
    candidates = np.flatnonzero(is_marley)
    group = clusters.event[candidates] * 3 + clusters.plane[candidates]
    order = np.lexsort((-clusters.energy[candidates], group))
    _, first = np.unique(group[order], return_index=True)
    is_main = np.zeros(len(clusters), bool)
    is_main[candidates[order[first]]] = True
    return is_marley.astype(int), is_main.astype(int)
