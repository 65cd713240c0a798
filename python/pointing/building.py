"""Fits likelihood tables to the angles of one set of events, and judges them by another that they have not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from python.general_purpose_libs import DataError
from python.pointing.angles import Angles
from python.pointing.cosine_densities import ESTIMATORS
from python.pointing.likelihood import ENERGIES, TARGETS, TOPOLOGIES, Key, Table, fit_table

EDGES_MEV = (5.0, 10.0, 15.0, 20.0, 30.0, 50.0, np.inf)
LEAST_EVENTS = 100  # of a bin
OF_CHANNEL = {"es": (1,), "cc": (0,), "all": (-1, 0, 1)}
CLASSES = ("best", "middle", "worst")  # thirds by the angle that the network said, among those of the same energies


@dataclass(frozen=True)
class Built:
    """The tables, which events (rows of those fitted to) are in each bin of a table's events, and what is to be told of them."""

    tables: dict[Key, Table]
    bins: dict[Key, list[np.ndarray]]
    notes: list[str]


def build_tables(fitted: Angles, held_out: Angles, edges: Sequence[float] = EDGES_MEV) -> Built:
    """Tables of all topologies, targets, energies and classes that the events allow, in every way of ESTIMATORS.

    `fitted` and `held_out` share no event. Bins of too few events are joined to a neighbour. Raises DataError where not even one
    bin has enough.
    """
    tables: dict[Key, Table] = {}
    bins: dict[Key, list[np.ndarray]] = {}
    notes: list[str] = []
    for key, rows in _sets(fitted, notes):
        topology, target, by, quality = key
        cosine, energy = getattr(fitted, target), getattr(fitted, by)
        found = bins_of(energy, rows, edges)
        if isinstance(found, str):
            notes.append(f"{topology}, {target}, by {by} energy, {quality}: {found}")
            continue
        groups, joined = found
        if joined and target == "electron":
            notes.append(f"{topology}, by {by} energy, {quality}: {joined}")
        for estimator in ESTIMATORS:
            table = fit_table(cosine, energy, groups, estimator)
            full = Key(topology, target, by, quality, estimator)
            tables[full], bins[full] = _judged(table, full, held_out, edges), groups
    if not tables:
        raise DataError(
            "no bin of energy has enough events of known direction for a likelihood table: " + "; ".join(notes)
        )
    return Built(tables, bins, notes)


def bins_of(energy: np.ndarray, rows: np.ndarray, edges: Sequence[float]) -> tuple[list[np.ndarray], str] | str:
    """The `rows` of each bin of energy, those of too few joined to the smaller neighbour, and what was joined, in words.

    Only words where even all together are too few.
    """
    groups = [rows[(energy[rows] >= low) & (energy[rows] < high)] for low, high in pairwise(edges)]
    if sum(map(len, groups)) < LEAST_EVENTS:
        return f"{sum(map(len, groups))} events are too few, {LEAST_EVENTS} are needed"
    bounds, said = list(edges), []
    while len(groups) > 1 and min(map(len, groups)) < LEAST_EVENTS:
        few = int(np.argmin([len(group) for group in groups]))
        beside = [number for number in (few - 1, few + 1) if 0 <= number < len(groups)]
        other = min(beside, key=lambda number: len(groups[number]))
        first = min(few, other)
        said.append(f"{bounds[few]:g} to {bounds[few + 1]:g} MeV with {len(groups[few])} events")
        groups[first : first + 2] = [np.concatenate(groups[first : first + 2])]
        del bounds[first + 1]
    return groups, f"joined to a neighbour, as {LEAST_EVENTS} are needed: {', '.join(said)}" if said else ""


def classes_of(angles: Angles, by: str, edges: Sequence[float]) -> Mapping[str, np.ndarray]:
    """The rows of each class: thirds, by what the network said, of each bin of energy; no class where it said nothing."""
    energy, thirds = getattr(angles, by), {name: np.zeros(len(angles), bool) for name in CLASSES}
    if not np.isfinite(angles.said).any():
        return {}
    for low, high in pairwise(edges):
        rows = np.flatnonzero((energy >= low) & (energy < high) & np.isfinite(angles.said))
        for name, part in zip(
            CLASSES, np.array_split(rows[np.argsort(angles.said[rows], kind="stable")], 3), strict=True
        ):
            thirds[name][part] = True
    return {name: np.flatnonzero(mask) for name, mask in thirds.items()}


def _sets(angles: Angles, notes: list[str]) -> Iterator[tuple[tuple[str, str, str, str], np.ndarray]]:
    """The events of every table, as rows; what lacks is noted."""
    for topology in TOPOLOGIES:
        of_channel = np.isin(angles.is_es, OF_CHANNEL[topology])
        if not of_channel.any():
            notes.append(f"no event of the topology {topology} is known: there are no tables of it")
            continue
        for by in ENERGIES:
            for quality, members in {"all": np.arange(len(angles)), **classes_of(angles, by, EDGES_MEV)}.items():
                rows = members[of_channel[members]]
                for target in TARGETS:
                    known = np.isfinite(getattr(angles, target)[rows]) & (np.nan_to_num(getattr(angles, by)[rows]) > 0)
                    yield (topology, target, by, quality), rows[known]


def _judged(table: Table, key: Key, held_out: Angles, edges: Sequence[float]) -> Table:
    """The table with the mean log-likelihood of the held-out events that it is of."""
    rows = np.flatnonzero(np.isin(held_out.is_es, OF_CHANNEL[key.topology]))
    if key.quality != "all":
        rows = np.intersect1d(rows, classes_of(held_out, key.energy, edges).get(key.quality, rows[:0]))
    cosine, energy = getattr(held_out, key.target)[rows], getattr(held_out, key.energy)[rows]
    known = np.isfinite(cosine) & (np.nan_to_num(energy) >= edges[0])
    if not known.any():
        return table
    told = np.log(np.maximum(table.density(cosine[known], energy[known]), 1e-12))
    return replace(
        table, log_likelihood=float(told.mean()), log_likelihood_error=float(told.std() / np.sqrt(known.sum()))
    )
