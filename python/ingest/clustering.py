"""Clusters: trigger primitives of one event and plane that touch in time and channel.

The rule is the greedy one of the online-pointing toolkit, so that clusters mean the same as in existing studies. TPs are taken
in time order. Each joins the first cluster of its APA and plane that holds some TP no more than `tick_limit` ticks and
`channel_limit` channels away, unless that cluster holds its very channel farther away in time. Clusters never merge. U and V
channels are adjacent across the wrap of their wires, X channels of different faces never are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from python.detector.geometry import PEAK_OFFSET_TICKS, WRAP, X, z_of_x_channel
from python.ingest.trigger_primitives import TriggerPrimitives

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
    return _describe(tps, rows[kept], counts[wanted], adc_per_mev)


def _group(tps: TriggerPrimitives, rows: np.ndarray) -> np.ndarray:
    """A number for each event, APA, plane and face: only TPs that share it can be adjacent."""
    return ((tps.event[rows] * 4 + tps.apa[rows]) * 3 + tps.plane[rows]) * 3 + tps.face[rows] + 1


def _label(tps: TriggerPrimitives, rows: np.ndarray, settings: ClusterSettings) -> np.ndarray:
    """Cluster number of each row; rows must be sorted by group and time."""
    group = _group(tps, rows)
    borders = np.flatnonzero(np.diff(group)) + 1
    starts, ends, channels = tps.start[rows].tolist(), tps.end[rows].tolist(), tps.local[rows].tolist()
    wrap = np.where(tps.plane[rows] == X, 0, WRAP).tolist()
    labels: list[int] = []
    n = 0
    for first, last in zip([0, *borders.tolist()], [*borders.tolist(), len(rows)], strict=True):
        if first == last:
            continue
        found, used = _grow(starts[first:last], ends[first:last], channels[first:last], wrap[first], settings)
        labels.extend(n + number for number in found)
        n += used
    return np.array(labels, np.int64)


class _Growing:
    """A cluster that may still gain TPs."""

    __slots__ = ("last_end", "number", "oldest_end", "recent")

    def __init__(self, number: int, end: int, channel: int) -> None:
        self.number = number
        self.recent = [(end, channel)]
        self.last_end = end
        self.oldest_end = {channel: end}

    def add(self, end: int, channel: int) -> None:
        self.recent.append((end, channel))
        self.last_end = max(self.last_end, end)
        self.oldest_end[channel] = min(end, self.oldest_end.get(channel, end))

    def accepts(self, since: int, channel: int, limit: int, far: int) -> bool:
        """Whether a TP whose limit reaches back to tick `since` joins; `far` is the distance that wraps round."""
        if self.oldest_end.get(channel, since) < since:
            return False
        self.recent = [tp for tp in self.recent if tp[0] >= since]
        return any(abs(channel - other) <= limit or abs(channel - other) >= far for _, other in self.recent)


def _grow(
    starts: list[int], ends: list[int], channels: list[int], wrap: int, settings: ClusterSettings
) -> tuple[list[int], int]:
    """Cluster number of each TP of one group, and how many clusters there are."""
    far = wrap - settings.channel_limit if wrap else NEVER
    growing: list[_Growing] = []
    labels = []
    used = 0
    for start, end, channel in zip(starts, ends, channels, strict=True):
        since = start - settings.tick_limit
        growing = [cluster for cluster in growing if cluster.last_end >= since]
        for cluster in growing:
            if cluster.accepts(since, channel, settings.channel_limit, far):
                cluster.add(end, channel)
                labels.append(cluster.number)
                break
        else:
            growing.append(_Growing(used, end, channel))
            labels.append(used)
            used += 1
    return labels, used


def _describe(tps: TriggerPrimitives, members: np.ndarray, counts: np.ndarray, adc_per_mev: np.ndarray) -> Clusters:
    """Sort the clusters and work out their properties."""
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
