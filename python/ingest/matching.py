"""Which clusters of U, V and X are one deposit, by arrival time and wire geometry.

An X cluster gives z, the face and the arrival time. A U or V cluster of the same event and APA that is seen at the same time
(plane offsets taken off) crosses that z at one height y, which has to lie in the APA; the heights by U and by V have to agree.
X clusters are tried in order of energy, and take the free pair of U and V with the least

    (dt_U / 5 ticks)^2 + (dt_V / 5)^2 + (ln(E_U / E_X) / 0.5)^2 + (ln(E_V / E_X) / 0.5)^2 + ((y_U - y_V) / 1.5 cm)^2,

or, when no U and V agree, the one cluster with the least of its own terms. The scales are the widths of true pairs in 60
simulated events; only charge, time and channel enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from python.data.metadata import UNKNOWN
from python.detector.geometry import MAX_Y_CM, PEAK_OFFSET_TICKS, U, V, X, y_of_induction_channel
from python.ingest.clustering import Clusters
from python.physics.compiled import kernel

TIME_SCALE_TICKS = 5.0
LOG_ENERGY_SCALE = 0.5
Y_SCALE_CM = 1.5
MAX_Y_DIFFERENCE_CM = 8.0  # true pairs of partly lost induction clusters differ by up to 5
Y_MARGIN_CM = 5.0
SLACK_TICKS = 3


@dataclass
class Matches:
    """Arrays (C,): `match_id` counts matched X clusters, -1 for unmatched clusters; `face`, of U and V by their match.

    `partner` (C, 3): for a matched cluster the number of its match's cluster on each plane, -1 where there is none.
    """

    match_id: np.ndarray
    face: np.ndarray
    partner: np.ndarray


class _Candidates(NamedTuple):
    """Clusters of a plane that may belong to X clusters: those of X cluster m are `first[m]` to before `first[m + 1]`.

    `cluster` its number, `cost` the terms of its own, `y` cm, each (K,).
    """

    first: np.ndarray
    cluster: np.ndarray
    cost: np.ndarray
    y: np.ndarray


def match_planes(clusters: Clusters, first_id: int = 0) -> Matches:
    """Match the clusters of any number of events; match numbers count on from `first_id`."""
    n = len(clusters)
    x = np.flatnonzero(clusters.plane == X)
    x = x[np.lexsort((-clusters.energy[x], clusters.event[x]))]
    partners = _choose(_candidates(clusters, x, U), _candidates(clusters, x, V), np.ones(n, np.bool_))
    matched = np.any(partners != UNKNOWN, axis=1)
    groups = np.column_stack([partners[matched], x[matched]])
    return matches_of(clusters, groups, first_id + np.arange(len(groups)))


def matches_of(clusters: Clusters, groups: np.ndarray, number: np.ndarray) -> Matches:
    """Matches of which it is known what is in them: `groups` (M, 3), clusters of U, V and X, -1 for none but on X.

    `number` (M,) are the match numbers.
    """
    n = len(clusters)
    matches = Matches(np.full(n, UNKNOWN), clusters.face.copy(), np.full((n, 3), UNKNOWN))
    for plane in (U, V, X):
        seen = groups[:, plane] != UNKNOWN
        members = groups[seen, plane]
        matches.match_id[members] = number[seen]
        matches.face[members] = clusters.face[groups[seen, X]]
        matches.partner[members] = groups[seen]
    return matches


def _candidates(clusters: Clusters, x_clusters: np.ndarray, plane: int) -> _Candidates:
    """The clusters of `plane` that may belong to each of the X clusters (M,), in the order of their numbers."""
    first, last = (
        np.searchsorted(clusters.event * 3 + clusters.plane, clusters.event[x_clusters] * 3 + plane, side)
        for side in ("left", "right")
    )
    owner = np.repeat(np.arange(len(x_clusters)), last - first)
    others = np.arange(len(owner)) - np.repeat(np.cumsum(last - first) - last, last - first)
    x = x_clusters[owner]
    offset = PEAK_OFFSET_TICKS[plane] - PEAK_OFFSET_TICKS[X]
    overlap = np.minimum(clusters.end[others] - offset, clusters.end[x]) - np.maximum(
        clusters.start[others] - offset, clusters.start[x]
    )
    fits = (clusters.apa[others] == clusters.apa[x]) & (overlap > -SLACK_TICKS)
    owner, others, x = owner[fits], others[fits], x[fits]
    y = y_of_induction_channel(plane, clusters.apa[others], clusters.face[x], clusters.channel[others], clusters.z[x])
    inside = np.abs(y) < MAX_Y_CM + Y_MARGIN_CM
    inside &= np.where(clusters.apa[others] % 2 == 1, y, -y) > -Y_MARGIN_CM
    owner, others, x, y = owner[inside], others[inside], x[inside], y[inside]
    late = (clusters.arrival[others] - clusters.arrival[x]) / TIME_SCALE_TICKS
    charge = np.log(clusters.energy[others] / clusters.energy[x]) / LOG_ENERGY_SCALE
    return _Candidates(np.searchsorted(owner, np.arange(len(x_clusters) + 1)), others, late**2 + charge**2, y)


@kernel
def _choose(of_u, of_v, is_free):
    """Clusters (M, 2) of U and V that each X cluster gets in turn: the best of both, or of either, or none."""
    chosen = np.full((len(of_u.first) - 1, 2), UNKNOWN)
    for x in range(len(chosen)):
        best = np.inf
        for i in range(of_u.first[x], of_u.first[x + 1]):
            for j in range(of_v.first[x], of_v.first[x + 1]):
                difference = of_u.y[i] - of_v.y[j]
                cost = of_u.cost[i] + of_v.cost[j] + (difference / Y_SCALE_CM) ** 2
                both_free = is_free[of_u.cluster[i]] and is_free[of_v.cluster[j]]
                if both_free and abs(difference) <= MAX_Y_DIFFERENCE_CM and cost < best:
                    best = cost
                    chosen[x] = of_u.cluster[i], of_v.cluster[j]
        if best == np.inf:
            for candidates, column in ((of_u, 0), (of_v, 1)):
                for i in range(candidates.first[x], candidates.first[x + 1]):
                    if is_free[candidates.cluster[i]] and candidates.cost[i] < best:
                        best = candidates.cost[i]
                        chosen[x] = UNKNOWN
                        chosen[x, column] = candidates.cluster[i]
        for cluster in chosen[x]:
            if cluster != UNKNOWN:
                is_free[cluster] = False
    return chosen
