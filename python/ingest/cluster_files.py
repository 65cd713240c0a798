"""Reads ROOT files of clusters, which the online-pointing toolkit makes: `*_clusters.root`, `*_matched.root`.

Trees `clusters_tree_U`, `_V`, `_X` have one entry a cluster, in the folder `clusters` (of the oldest files: in none), and in the
folder `discarded` those below the toolkit's energy cut. An entry has its primitives as vectors, `tp_detector_channel` the channel
within the APA `tp_detector` and `tp_time_start` in steps of 16 ns; the number of its event, without run and subrun; and truth of
its own, that of the particle which most of its primitives are of: positions in cm, momenta in GeV/c, the neutrino's energy in
MeV. Matched files add `match_id`, one number for the clusters of a match and -1 for others.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.metadata import UNKNOWN, event_keys, kinetic_energy_mev
from python.detector.calibration import adc_per_mev
from python.detector.geometry import CHANNELS_PER_APA, CLOCKS_PER_TICK, LARGEST, PLANES, U, V, X, smallest_with
from python.general_purpose_libs import DataError, log
from python.ingest.clustering import Clusters, ClusterSettings, clusters_of
from python.ingest.matching import Matches, match_planes, matches_of
from python.ingest.readout import Readout
from python.ingest.reconstruction import Reconstruction
from python.ingest.root_file import RootFile, naming_the_file, opened_root_file, root_file, source_of
from python.ingest.root_reader import TREE_CLASSES, read_branches
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import EventTruth

Columns = dict[str, np.ndarray]
TREE, MATCH = "clusters_tree_", "match_id"
ACCEPTED, DISCARDED = "clusters", "discarded"
POSITION, MOMENTUM, NEUTRINO = "true_pos", "true_mom", "true_neutrino_mom"
BRANCHES = (
    "event", "is_main_cluster", "is_es_interaction", "marley_tp_fraction", "true_neutrino_energy",
    *(f"{vector}_{axis}" for vector in (POSITION, MOMENTUM, NEUTRINO) for axis in "xyz"),
)  # fmt: skip
REMEDY = "make the file again or leave it out"
JOINED = "the file joins several jobs: convert their files one by one"


def _whole(name: str, highest: int) -> ArrayRule:
    return ArrayRule(name, "iu", ("primitives",), "i8", lowest=0, highest=highest)


VECTOR_RULES = (
    _whole("tp_detector", LARGEST.n_apas - 1),
    _whole("tp_detector_channel", CHANNELS_PER_APA - 1),
    _whole("tp_time_start", 2**62),
    *(_whole(f"tp_samples_{name}", 2**16 - 1) for name in ("over_threshold", "to_peak")),
    *(_whole(f"tp_adc_{name}", 2**32) for name in ("integral", "peak")),
)


def holds_clusters(path: str | os.PathLike | RootFile) -> bool:
    """Whether a ROOT file has trees of clusters. Raises DataError, naming it, when it cannot be read."""
    path = root_file(path)
    with naming_the_file(path), opened_root_file(path) as file:
        return any(name.split("/")[-1].startswith(TREE) for name in file.keys(cycle=False))


def read_clusters(
    path: str | os.PathLike | RootFile, settings: ClusterSettings | None = None, energy_calibration: str = "measured"
) -> Reconstruction:
    """Read a file of clusters: these as they are, with their match where the file has one, else matched here.

    `settings` are passed on and cut nothing; energies are those of `energy_calibration`. Labels are the toolkit's: `is_marley`
    where more than half of the primitives are of the neutrino, `is_main` the main clusters; unknown where the file has neither.
    The truth of an event is that of its main cluster on X, else on U or V. Primitives of discarded clusters are in no cluster.

    Raises DataError, naming the file, when it is damaged, lacks a tree or branch, has no entries, or joins several jobs.
    """
    path = root_file(path)
    with naming_the_file(path):
        table, primitives = _read_file(path)
        numbers, event = np.unique(table["event"], return_inverse=True)
        tps, owner = _primitives(primitives, event)
        wanted = _in_one_piece(table, tps, owner, path)
        calibration = adc_per_mev(energy_calibration)
        clusters, taken = _clusters(tps, owner, wanted, calibration)
        events = event_keys(numbers, UNKNOWN, UNKNOWN)
        source = source_of(path)._replace(geometry=smallest_with(tps.channel))
        readout = Readout([source], events, tps, _event_truth(table, event, len(numbers)))
        matches = _matches(clusters, table[MATCH][taken], path) if MATCH in table else match_planes(clusters)
    settings = settings or ClusterSettings()
    return Reconstruction(readout, settings, calibration, clusters, matches, *_labels(table, taken))


# ---------------------------------------------------------------------------- trees
def _read_file(path: RootFile) -> tuple[Columns, Columns]:
    """All clusters (n), those of discarded trees with `accepted` 0, and all primitives (N) with the number of their `cluster`."""
    tables, primitives, n = [], [], 0
    with opened_root_file(path) as file:
        names = set(file.keys(cycle=False, filter_classname=TREE_CLASSES))
        top = f"{ACCEPTED}/" if any(name.startswith(f"{ACCEPTED}/{TREE}") for name in names) else ""
        missing = [f"{top}{TREE}{plane}" for plane in PLANES if f"{top}{TREE}{plane}" not in names]
        if missing:
            raise DataError(f"has no tree {' and '.join(missing)}; {REMEDY}. Found: {sorted(names)}")
        matched = all(MATCH in file[f"{top}{TREE}{plane}"].keys() for plane in PLANES)  # noqa: SIM118 (a tree is no dictionary)
        for folder in (top, f"{DISCARDED}/"):
            for plane in [plane for plane in PLANES if f"{folder}{TREE}{plane}" in names]:
                tree = file[f"{folder}{TREE}{plane}"]
                table = read_branches(tree, (*BRANCHES, *([MATCH] if matched else [])), path)
                lengths, vectors_of_tree = _read_vectors(tree, path)
                table["accepted"] = np.full(len(lengths), folder == top)
                table["plane"] = np.full(len(lengths), PLANES.index(plane))
                tables.append(table)
                primitives.append({**vectors_of_tree, "cluster": n + np.repeat(np.arange(len(lengths)), lengths)})
                n += len(lengths)
    if n == 0:
        raise DataError("its trees have no entries, so it holds no event; leave it out")
    return _end_to_end(tables), _end_to_end(primitives)


def _end_to_end(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _read_vectors(tree: Any, path: RootFile) -> tuple[np.ndarray, Columns]:
    """Lengths (n,) of the vectors of each entry, one or more, and the vectors end to end."""
    names = [rule.name for rule in VECTOR_RULES]
    found = set(tree.keys())
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"tree {tree.name} lacks the branch(es) {missing}. Found: {sorted(found)}")
    columns = tree.arrays(names, library="np")
    if odd := [name for name, column in columns.items() if column.dtype != object]:
        raise DataError(f"tree {tree.name} holds no vector per entry in the branch(es) {odd}; {REMEDY}")
    lengths = {name: np.array([len(vector) for vector in column], np.int64) for name, column in columns.items()}
    first = lengths[names[0]]
    if uneven := [name for name in names if not np.array_equal(lengths[name], first)]:
        raise DataError(f"tree {tree.name} has vectors of other lengths in {uneven} than in {names[0]}; {REMEDY}")
    if np.any(first == 0):
        raise DataError(f"tree {tree.name} has an entry without trigger primitives ({np.argmin(first)}); {REMEDY}")
    flat = {name: np.concatenate(column) if len(column) else np.empty(0, np.int64) for name, column in columns.items()}
    return first, checked(flat, VECTOR_RULES, f"{path}: tree {tree.name}", REMEDY)


# ---------------------------------------------------------------------------- clusters
def _primitives(found: Columns, event: np.ndarray) -> tuple[TriggerPrimitives, np.ndarray]:
    """The primitives (N) in canonical order, and the number of the cluster of each; `event` (n,) is that of the clusters."""
    owner = found["cluster"]
    tps = TriggerPrimitives(
        event=event[owner],
        channel=found["tp_detector"] * CHANNELS_PER_APA + found["tp_detector_channel"],
        start=found["tp_time_start"] // CLOCKS_PER_TICK,
        sot=found["tp_samples_over_threshold"],
        to_peak=found["tp_samples_to_peak"],
        integral=found["tp_adc_integral"],
        peak=found["tp_adc_peak"],
    )
    order = tps.order()
    return tps.take(order), owner[order]


def _in_one_piece(table: Columns, tps: TriggerPrimitives, owner: np.ndarray, path: RootFile) -> np.ndarray:
    """Mark the accepted clusters, bool (n,), without those on several APAs or faces, of which is told.

    Raises DataError when a cluster holds channels of another plane than that of its tree.
    """
    strange = np.flatnonzero(tps.plane != table["plane"][owner])
    if len(strange):
        row = strange[0]
        tree, channel = PLANES[table["plane"][owner[row]]], tps.channel[row] % CHANNELS_PER_APA
        raise DataError(
            f"tree {TREE}{tree} holds channel {channel}, which is of plane {PLANES[tps.plane[row]]} in dune10kt_1x2x2, the only "
            "geometry that is known here"
        )
    place = tps.apa * 3 + tps.face
    lowest, highest = np.full(len(table["event"]), np.iinfo(np.int64).max), np.full(len(table["event"]), -1)
    np.minimum.at(lowest, owner, place)
    np.maximum.at(highest, owner, place)
    torn = table["accepted"] & (lowest != highest)
    if torn.any():
        log.warning("%s: %d clusters lie on several APAs or faces, which no deposit does: left out", path, torn.sum())
    return table["accepted"] & ~torn


def _clusters(
    tps: TriggerPrimitives, owner: np.ndarray, wanted: np.ndarray, calibration: np.ndarray
) -> tuple[Clusters, np.ndarray]:
    """The `wanted` clusters (mask (n,)), in their usual order, and the number that each has in the file."""
    rows = np.flatnonzero(wanted[owner])
    members = rows[np.argsort(owner[rows], kind="stable")]
    counts = np.bincount(owner[rows], minlength=len(wanted))[wanted]
    clusters = clusters_of(tps, members, counts, calibration)
    return clusters, owner[clusters.members[clusters.indptr[:-1]]]


# ---------------------------------------------------------------------------- truth
def _labels(table: Columns, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`is_marley` and `is_main` of the clusters `taken` (numbers); -1 where the file knows no neutrino, as of detector data."""
    is_marley, is_main = table["marley_tp_fraction"] > 0.5, table["is_main_cluster"].astype(bool)
    if not (np.any(table["marley_tp_fraction"] > 0) or is_main.any()):
        return np.full(len(taken), UNKNOWN), np.full(len(taken), UNKNOWN)
    return is_marley[taken].astype(int), is_main[taken].astype(int)


def _event_truth(table: Columns, event: np.ndarray, n_events: int) -> EventTruth:
    """What the main clusters say of the events; `event` (n,) is that of the clusters.

    Raises DataError when an event has several main clusters on a plane, and so is more than one.
    """
    truth, source = EventTruth.unknown(n_events), np.full(n_events, UNKNOWN)
    for plane in (V, U, X):  # each in place of those before
        mains = np.flatnonzero(table["is_main_cluster"].astype(bool) & (table["plane"] == plane))
        if len(np.unique(event[mains])) < len(mains):
            raise DataError(f"events have several main clusters on plane {PLANES[plane]}; {JOINED}")
        source[event[mains]] = mains
    known = np.flatnonzero(source != UNKNOWN)
    rows = source[known]
    truth.is_es[known] = table["is_es_interaction"][rows] != 0
    truth.vertex[known] = _vector(table, POSITION)[rows]
    truth.electron_momentum[known] = _vector(table, MOMENTUM)[rows]
    truth.electron_energy = kinetic_energy_mev(truth.electron_momentum)
    truth.nu_momentum[known] = _vector(table, NEUTRINO)[rows]
    energy = table["true_neutrino_energy"][rows]
    truth.nu_energy[known] = np.where(energy > 0, energy, np.nan)
    return truth


def _vector(table: Columns, name: str) -> np.ndarray:
    """Vectors (n, 3); those of length zero stand for what is not known."""
    found = np.stack([table[f"{name}_{axis}"] for axis in "xyz"], axis=-1).astype(float)
    return np.where(np.any(found != 0, axis=-1, keepdims=True), found, np.nan)


# ---------------------------------------------------------------------------- matches
def _matches(clusters: Clusters, number: np.ndarray, path: RootFile) -> Matches:
    """The matches that a file says, by their `number` (C,); what shares one with no X cluster of its event and APA has none.

    Raises DataError when a number comes twice on a plane.
    """
    on_plane = [np.flatnonzero((clusters.plane == plane) & (number >= 0)) for plane in (U, V, X)]
    for name, mine in zip(PLANES, on_plane, strict=True):
        if len(np.unique(number[mine])) < len(mine):
            raise DataError(f"several clusters of plane {name} have one {MATCH}; {JOINED}")
    x = on_plane[X]
    groups = np.full((len(x), 3), UNKNOWN)
    groups[:, X] = x
    for plane in (U, V):
        _, of_x, other = np.intersect1d(number[x], number[on_plane[plane]], return_indices=True)
        partner = on_plane[plane][other]
        fits = (clusters.event[partner] == clusters.event[x[of_x]]) & (clusters.apa[partner] == clusters.apa[x[of_x]])
        groups[of_x[fits], plane] = partner[fits]
    matched = np.any(groups[:, :X] != UNKNOWN, axis=1)
    lone = int(np.sum(number >= 0) - np.sum(groups[matched] != UNKNOWN))
    if lone:
        log.warning("%s: %d clusters have the match of no X cluster of their event and APA: not matched", path, lone)
    return matches_of(clusters, groups[matched], number[x[matched]])
