"""Clusters: trigger primitives of one event and plane that touch in time and channel.

The rule is the greedy one of the online-pointing toolkit, so that clusters mean the same as in existing studies. TPs are taken
in time order. Each joins the first cluster of its APA and plane that holds some TP no more than `tick_limit` ticks and
`channel_limit` channels away, unless that cluster holds its very channel farther away in time. Clusters never merge. U and V
channels are adjacent across the wrap of their wires, X channels of different faces never are. Nor are those of different APAs:
the last wire of X is 6 channels' width from the first of the next APA, so a track that goes on there is two clusters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from python.detector.geometry import LARGEST, PEAK_OFFSET_TICKS, WRAP, X, z_of_x_channel
from python.ingest.trigger_primitives import TriggerPrimitives
from python.physics.compiled import kernel

NEVER = 10**9  # a channel distance beyond any: X wires do not wrap


@dataclass
class Clusters:
    """C clusters, arrays (C,), sorted by event, plane, start; their TPs are `members[indptr[i]:indptr[i + 1]]`.

    `adc` sum of integrals, `energy` MeV, `start`, `end` ticks, `first_channel` and `n_channels` within the plane (unwrapped),
    `channel` charge-weighted mean channel (unwrapped), `arrival` charge-weighted tick at which the charge reached the wires,
    `z` cm (X only, else NaN), `face` +1, -1, or 0 where only matching can tell (U, V).
    """

    indptr: np.ndarray
    members: np.ndarray
    member_channel: np.ndarray
    event: np.ndarray
    plane: np.ndarray
    apa: np.ndarray
    face: np.ndarray
    adc: np.ndarray
    energy: np.ndarray
    start: np.ndarray
    end: np.ndarray
    first_channel: np.ndarray
    n_channels: np.ndarray
    channel: np.ndarray
    arrival: np.ndarray
    z: np.ndarray

    def __len__(self) -> int:
        return len(self.event)

    @property
    def n_tps(self) -> np.ndarray:
        return np.diff(self.indptr)

    @property
    def cluster_of_member(self) -> np.ndarray:
        """Cluster number of each entry of `members`."""
        return np.repeat(np.arange(len(self)), self.n_tps)


def stretches(chosen: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The clusters `chosen` (numbers), `size` at a time; what is drawn of them in one go stays small."""
    for first in range(0, len(chosen), size):
        yield chosen[first : first + size]


@dataclass(frozen=True)
class ClusterSettings:
    """What makes a cluster: ticks, channels, TPs, samples over threshold (more than `tot_cut`), MeV."""

    tick_limit: int = 3
    channel_limit: int = 2
    min_tps: int = 2
    tot_cut: int = 3
    energy_cut: float = 2.0


def make_clusters(tps: TriggerPrimitives, settings: ClusterSettings, adc_per_mev: np.ndarray) -> Clusters:
    """Cluster TPs (sorted, any number of events). `adc_per_mev` (3,) calibrates U, V, X."""
    rows = np.flatnonzero(tps.sot > settings.tot_cut)
    rows = rows[np.lexsort((tps.channel[rows], tps.start[rows], _group(tps, rows)))]
    label = _label(tps, rows, settings)
    order = np.argsort(label, kind="stable")
    counts = np.bincount(label)
    adc = np.bincount(label, weights=tps.integral[rows])
    plane = tps.plane[rows[order]][np.cumsum(counts) - counts]
    wanted = (counts >= settings.min_tps) & (adc / adc_per_mev[plane] >= settings.energy_cut)
    kept = order[wanted[label[order]]]
    return clusters_of(tps, rows[kept], counts[wanted], adc_per_mev)


def _group(tps: TriggerPrimitives, rows: np.ndarray) -> np.ndarray:
    """A number for each event, APA, plane and face: only TPs that share it can be adjacent."""
    return ((tps.event[rows] * LARGEST.n_apas + tps.apa[rows]) * 3 + tps.plane[rows]) * 3 + tps.face[rows] + 1


def _label(tps: TriggerPrimitives, rows: np.ndarray, settings: ClusterSettings) -> np.ndarray:
    """Cluster number of each row; rows must be sorted by group and time."""
    sorted_tps = _Sorted(_group(tps, rows), tps.start[rows], tps.end[rows], tps.local[rows])
    far = np.where(tps.plane[rows] == X, NEVER, WRAP - settings.channel_limit)
    return _grow(sorted_tps, far, (settings.tick_limit, settings.channel_limit))


class _Sorted(NamedTuple):
    """TPs (N,) in the order of groups, and of time within each."""

    group: np.ndarray
    start: np.ndarray
    end: np.ndarray
    channel: np.ndarray


@kernel
def _grow(tps, far, limits):
    """Cluster number (N,) of each TP; `limits` in ticks and channels, and channels `far` (N,) apart touch across the wrap."""
    group, start, end = tps.group, tps.start, tps.end
    n = len(group)
    label, before = np.empty(n, np.int64), np.empty(n, np.int64)  # and the TP that joined its cluster before it
    newest, last_end = np.empty(n, np.int64), np.empty(n, np.int64)  # of each cluster
    growing, n_growing, n_clusters = np.empty(n, np.int64), 0, 0
    for i in range(n):
        since = start[i] - limits[0]
        if i > 0 and group[i] != group[i - 1]:
            n_growing = 0
        n_alive, joined = 0, -1
        for k in range(n_growing):
            cluster = growing[k]
            if last_end[cluster] < since:
                continue
            growing[n_alive] = cluster
            n_alive += 1
            if joined < 0 and _accepts(tps, before, newest[cluster], i, limits, far[i]):
                joined = cluster
        n_growing = n_alive
        if joined < 0:
            joined = n_clusters
            n_clusters += 1
            growing[n_growing] = joined
            n_growing += 1
            before[i], last_end[joined] = -1, end[i]
        else:
            before[i], last_end[joined] = newest[joined], max(last_end[joined], end[i])
        newest[joined] = i
        label[i] = joined
    return label


@kernel
def _accepts(tps, before, newest, i, limits, far):
    """Whether TP `i` joins the cluster of `newest`."""
    since, channel_limit = tps.start[i] - limits[0], limits[1]
    touches = False
    member = newest
    while member >= 0:
        distance = abs(tps.channel[i] - tps.channel[member])
        if tps.end[member] < since:
            if distance == 0:
                return False
        elif distance <= channel_limit or distance >= far:
            touches = True
        member = before[member]
    return touches


def clusters_of(tps: TriggerPrimitives, members: np.ndarray, counts: np.ndarray, adc_per_mev: np.ndarray) -> Clusters:
    """Sort clusters, of which it is known which TPs are in them, and work out their properties.

    `members` are numbers of TPs, each cluster's own together and by start and channel, `counts` (C,) how many these are.
    """
    first = np.cumsum(counts) - counts
    lead = members[first]  # the earliest TP of each cluster
    order = np.lexsort((tps.channel[lead], tps.start[lead], tps.plane[lead], tps.event[lead]))
    old_first, counts, lead = first[order], counts[order], lead[order]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    first, owner = indptr[:-1], np.repeat(np.arange(len(counts)), counts)
    members = members[np.arange(len(members)) + (old_first - first)[owner]]
    plane = tps.plane[lead]
    channel = _unwrap(tps.local[members], indptr, plane)
    adc = np.add.reduceat(tps.integral[members].astype(float), first)
    weight = np.maximum(tps.integral[members], 1).astype(float)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values * weight, first) / np.add.reduceat(weight, first)

    first_channel = np.minimum.reduceat(channel, first)
    centre = mean(channel)
    return Clusters(
        indptr=indptr,
        members=members,
        member_channel=channel - first_channel[owner],
        event=tps.event[lead],
        plane=plane,
        apa=tps.apa[lead],
        face=tps.face[lead],
        adc=adc,
        energy=adc / adc_per_mev[plane],
        start=np.minimum.reduceat(tps.start[members], first),
        end=np.maximum.reduceat(tps.end[members], first),
        first_channel=first_channel,
        n_channels=np.maximum.reduceat(channel, first) - first_channel + 1,
        channel=centre,
        arrival=mean((tps.start + tps.to_peak)[members]) - PEAK_OFFSET_TICKS[plane],
        z=np.where(plane == X, z_of_x_channel(tps.apa[lead], centre), np.nan),
    )


def _unwrap(channel: np.ndarray, indptr: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Count the channels of a U or V cluster on beyond 799 when it lies across the wrap: cut the circle at its widest gap."""
    channel = channel.copy()
    first = indptr[:-1]
    span = np.maximum.reduceat(channel, first) - np.minimum.reduceat(channel, first)
    for i in np.flatnonzero((plane != X) & (span > WRAP // 2)):
        mine = channel[indptr[i] : indptr[i + 1]]
        present = np.unique(mine)
        gaps = np.diff(present)
        widest = int(np.argmax(gaps))
        if gaps[widest] > WRAP - span[i]:
            mine[mine <= present[widest]] += WRAP
    return channel
