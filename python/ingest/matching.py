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

import numpy as np

from python.data.metadata import UNKNOWN
from python.detector.geometry import MAX_Y_CM, PEAK_OFFSET_TICKS, U, V, X, y_of_induction_channel
from python.ingest.clustering import Clusters

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


def match_planes(clusters: Clusters, first_id: int = 0) -> Matches:
    """Match the clusters of any number of events; match numbers count on from `first_id`."""
    n = len(clusters)
    matches = Matches(np.full(n, UNKNOWN), clusters.face.copy(), np.full((n, 3), UNKNOWN))
    count = first_id
    borders = np.flatnonzero(np.diff(clusters.event)) + 1
    for rows in np.split(np.arange(n), borders):
        for group in _match_event(clusters, rows):
            matches.match_id[group] = count
            matches.face[group] = clusters.face[group[0]]
            for member in group:
                matches.partner[group, clusters.plane[member]] = member
            count += 1
    return matches


def _match_event(clusters: Clusters, rows: np.ndarray) -> list[list[int]]:
    """Return the matched groups of one event, the X cluster first."""
    plane = clusters.plane[rows]
    free = {U: rows[plane == U], V: rows[plane == V]}
    x_clusters = rows[plane == X]
    groups = []
    for x in x_clusters[np.argsort(-clusters.energy[x_clusters], kind="stable")]:
        chosen = _best_partners(clusters, x, free)
        if chosen:
            groups.append([int(x), *chosen])
            free = {p: left[~np.isin(left, chosen)] for p, left in free.items()}
    return groups


def _best_partners(clusters: Clusters, x: int, free: dict[int, np.ndarray]) -> list[int]:
    """Return the best U and V, or the best of either, or nothing."""
    (us, cost_u, y_u), (vs, cost_v, y_v) = (_candidates(clusters, x, p, free[p]) for p in (U, V))
    difference = y_u[:, None] - y_v[None, :]
    cost = cost_u[:, None] + cost_v[None, :] + (difference / Y_SCALE_CM) ** 2
    cost[np.abs(difference) > MAX_Y_DIFFERENCE_CM] = np.inf
    if cost.size and np.isfinite(cost.min()):
        i, j = np.unravel_index(np.argmin(cost), cost.shape)
        return [int(us[i]), int(vs[j])]
    singles, costs = np.concatenate([us, vs]), np.concatenate([cost_u, cost_v])
    return [int(singles[np.argmin(costs)])] if len(singles) else []


def _candidates(
    clusters: Clusters, x: int, plane: int, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the clusters of `plane` that may belong to X cluster `x`, the cost of each, and its y in cm."""
    offset = PEAK_OFFSET_TICKS[plane] - PEAK_OFFSET_TICKS[X]
    overlap = np.minimum(clusters.end[others] - offset, clusters.end[x]) - np.maximum(
        clusters.start[others] - offset, clusters.start[x]
    )
    others = others[(clusters.apa[others] == clusters.apa[x]) & (overlap > -SLACK_TICKS)]
    y = y_of_induction_channel(plane, clusters.apa[others], clusters.face[x], clusters.channel[others], clusters.z[x])
    inside = np.abs(y) < MAX_Y_CM + Y_MARGIN_CM
    inside &= np.where(clusters.apa[others] % 2 == 1, y, -y) > -Y_MARGIN_CM
    others, y = others[inside], y[inside]
    late = (clusters.arrival[others] - clusters.arrival[x]) / TIME_SCALE_TICKS
    charge = np.log(clusters.energy[others] / clusters.energy[x]) / LOG_ENERGY_SCALE
    return others, late**2 + charge**2, y
