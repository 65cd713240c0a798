"""Fits likelihood tables to the angles of one set of events, and judges them by another that they have not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from python.general_purpose_libs import DataError
from python.pointing.angles import Angles
from python.pointing.cosine_densities import ESTIMATORS
from python.pointing.likelihood import CLASSES, ENERGIES, QUALITIES, TARGETS, TOPOLOGIES, Key, Thirds
from python.pointing.table import Judged, Table, fit_table

EDGES_MEV = (5.0, 10.0, 15.0, 20.0, 30.0, 50.0, np.inf)
LEAST_EVENTS = 100  # of a bin
LEAST_DENSITY = 1e-30  # a steradian: one event that a table calls impossible is not to hide all others
OF_CHANNEL = {"es": (1,), "cc": (0,), "all": (-1, 0, 1)}


@dataclass(frozen=True)
class Bins:
    """The events (rows) of bins of energy, and the edges (B, 2) of these in MeV."""

    rows: list[np.ndarray]
    edges: np.ndarray


@dataclass
class Built:
    """The tables, the classes by each energy, the bins that the tables of `Key[:4]` were fitted to, and what is to be told."""

    tables: dict[Key, Table] = field(default_factory=dict)
    thirds: dict[str, Thirds] = field(default_factory=dict)
    bins: dict[tuple[str, ...], Bins] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def build_tables(fitted: Angles, held_out: Angles, edges: Sequence[float] = EDGES_MEV) -> Built:
    """Tables of all topologies, targets, energies and classes that the events allow, in every way of ESTIMATORS.

    `fitted` and `held_out` share no event. Bins of too few events are joined to a neighbour. Raises DataError where not even one
    bin has enough.
    """
    built = Built(notes=[*_left_out(fitted, edges)])
    for by in ENERGIES:
        found = thirds_of(fitted, by, edges)
        if isinstance(found, str):
            built.notes.append(f"no quality classes by {by} energy: {found}")
        else:
            built.thirds[by] = found
    fits: dict[tuple, tuple[Bins | None, dict[str, Table]]] = {}  # all events are often those of one topology
    for key, rows in _sets(fitted, built.thirds):
        topology, target, by, quality = key
        same = (target, by, rows.tobytes())
        if same not in fits:
            bins, said = bins_of(getattr(fitted, by), rows, edges)
            if said and target == TARGETS[0]:
                built.notes.append(f"{topology}, by {by} energy, {quality}: {said}")
            fits[same] = bins, _fitted(getattr(fitted, target), getattr(fitted, by), bins)
        bins, tables = fits[same]
        if bins is not None:
            unseen = _unseen(held_out, key, built.thirds, edges[0])
            if not len(unseen[0]) and target == TARGETS[0]:
                built.notes.append(
                    f"{topology}, by {by} energy, {quality}: no event is held out, so no estimator is judged"
                )
            judged = _judged(tables, *unseen)
            built.tables |= {Key(*key, name): table for name, table in judged.items()}
            built.bins[key] = bins
    if not built.tables:
        raise DataError(
            "no bin of energy has enough events of known direction for a likelihood table: " + "; ".join(built.notes)
        )
    return built


def bins_of(energy: np.ndarray, rows: np.ndarray, edges: Sequence[float]) -> tuple[Bins | None, str]:
    """The `rows` of each bin of energy, those of too few joined to the smaller neighbour, and what was joined, in words.

    None where even all together are too few.
    """
    groups = [rows[(energy[rows] >= low) & (energy[rows] < high)] for low, high in pairwise(edges)]
    if sum(map(len, groups)) < LEAST_EVENTS:
        return None, f"{sum(map(len, groups))} events are too few, {LEAST_EVENTS} are needed"
    bounds, said = list(edges), []
    while len(groups) > 1 and min(map(len, groups)) < LEAST_EVENTS:
        few = int(np.argmin([len(group) for group in groups]))
        beside = [number for number in (few - 1, few + 1) if 0 <= number < len(groups)]
        first = min(few, min(beside, key=lambda number: len(groups[number])))
        said.append(f"{in_words(bounds[few], bounds[few + 1])} with {len(groups[few])} events")
        groups[first : first + 2] = [np.concatenate(groups[first : first + 2])]
        del bounds[first + 1]
    words = f"joined to a neighbour, as {LEAST_EVENTS} events are needed: {', '.join(said)}" if said else ""
    return Bins(groups, np.array(list(pairwise(bounds)))), words


def _fitted(cosine: np.ndarray, energy: np.ndarray, bins: Bins | None) -> dict[str, Table]:
    """Tables by estimator."""
    if bins is None:
        return {}
    return {name: fit_table(cosine, energy, bins.rows, bins.edges, name) for name in ESTIMATORS}


def in_words(low: float, high: float) -> str:
    """A bin of energy."""
    return f"{low:g} to {high:g} MeV" if np.isfinite(high) else f"above {low:g} MeV"


def thirds_of(angles: Angles, by: str, edges: Sequence[float]) -> Thirds | str:
    """What parts the events of each bin of energy into thirds by what the network said; why there are none, in words."""
    energy = getattr(angles, by)
    says = np.isfinite(angles.said)
    if not says.any():
        return "the networks say nothing of their uncertainty"
    bins, said = bins_of(energy, np.flatnonzero(says), edges)
    if bins is None:
        return said
    limits = [np.quantile(angles.said[rows], [1 / 3, 2 / 3]) for rows in bins.rows]
    return Thirds(np.array([np.exp(np.mean(np.log(energy[rows]))) for rows in bins.rows]), np.array(limits))


def _left_out(angles: Angles, edges: Sequence[float]) -> Iterator[str]:
    """Which events are in no table, in words."""
    for topology in TOPOLOGIES:
        if not np.isin(angles.is_es, OF_CHANNEL[topology]).any():
            yield f"no event of the topology {topology} is known: there are no tables of it"
    for by in ENERGIES:
        low = ~(getattr(angles, by) >= edges[0])
        if low.any():
            yield f"{low.sum()} of {len(low)} events have a {by} energy below {edges[0]:g} MeV, or none: they are left out"
    for target in TARGETS:
        unknown = ~np.isfinite(getattr(angles, target))
        if unknown.any():
            yield f"of {unknown.sum()} of {len(unknown)} events the angle from the {target} is not known: they are left out"
    silent = ~np.isfinite(angles.said)
    if silent.any() and not silent.all():
        yield f"of {silent.sum()} of {len(silent)} events the network says no uncertainty: they are in no quality class"


def _sets(angles: Angles, thirds: Mapping[str, Thirds]) -> Iterator[tuple[tuple[str, str, str, str], np.ndarray]]:
    """The events of every table, as rows."""
    for topology in TOPOLOGIES:
        for by in ENERGIES:
            for quality in QUALITIES if by in thirds else QUALITIES[:1]:
                for target in TARGETS:
                    key = (topology, target, by, quality)
                    rows = rows_of(angles, key, thirds)
                    if np.isin(angles.is_es, OF_CHANNEL[topology]).any():
                        yield key, rows


def rows_of(angles: Angles, key: tuple[str, str, str, str], thirds: Mapping[str, Thirds]) -> np.ndarray:
    """The events that a table is of."""
    topology, target, by, quality = key
    energy = getattr(angles, by)
    there = np.isin(angles.is_es, OF_CHANNEL[topology]) & np.isfinite(getattr(angles, target)) & (energy > 0)
    if quality != "all":
        there[there] = thirds[by].of(angles.said[there], energy[there]) == CLASSES.index(quality)
    return np.flatnonzero(there)


def _unseen(
    held_out: Angles, key: tuple[str, str, str, str], thirds: Mapping[str, Thirds], lowest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and energies of the held-out events that a table is of."""
    rows = rows_of(held_out, key, thirds)
    cosine, energy = getattr(held_out, key[1])[rows], getattr(held_out, key[2])[rows]
    return cosine[energy >= lowest], energy[energy >= lowest]


def _judged(tables: Mapping[str, Table], cosine: np.ndarray, energy: np.ndarray) -> dict[str, Table]:
    """The tables, by estimator, with what the same held-out events say of each."""
    if not len(cosine):
        return {name: replace(table) for name, table in tables.items()}
    told = {name: np.log(np.maximum(table.density(cosine, energy), LEAST_DENSITY)) for name, table in tables.items()}
    best = max(told.values(), key=np.mean)

    def mean(values: np.ndarray) -> tuple[float, float]:
        return float(values.mean()), float(values.std() / np.sqrt(len(values)))

    return {
        name: replace(table, judged=Judged(*mean(told[name]), *mean(best - told[name])))
        for name, table in tables.items()
    }
