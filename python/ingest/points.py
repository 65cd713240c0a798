"""Point clouds: every trigger primitive within half a metre of an X cluster, on three planes, as points.

All coordinates are relative to one place in space, that of the X cluster: its arrival time, its z, and the height y at which
the matched clusters of U and V cross that z (their mean, or that of the only one). So shifts between the planes stay visible,
which images, each centred for itself, do not show.

Without a match the height is not known, nor which wires of U and V pass by: the cloud then holds points of X alone.
"""

from __future__ import annotations

import numpy as np

from python.data.point_clouds import STORED_COLUMNS, PointClouds
from python.detector.geometry import (
    PEAK_OFFSET_TICKS,
    PITCH_CM,
    PLANES,
    TICK_CM,
    WRAP,
    U,
    V,
    X,
    wire_coordinate,
    y_of_induction_channel,
)
from python.ingest.clustering import Clusters, stretches
from python.ingest.matching import Matches
from python.ingest.surroundings import channels_from, primitives_around
from python.ingest.trigger_primitives import TriggerPrimitives

HALF_SIDE_CM = 50.0
STEP_CM = 1 / 64  # of stored lengths, a fifth of a tick: files of them take three quarters of the room
LENGTHS = [STORED_COLUMNS.index(name) for name in ("across", "start", "peak", "end")]
CLOUDS_AT_A_TIME = 1_000  # that are made in one go, so that intermediate arrays stay small


def make_points(tps: TriggerPrimitives, clusters: Clusters, matches: Matches, centres: np.ndarray) -> PointClouds:
    """Return a cloud for each of the X clusters `centres`.

    The points of a cloud stand in the order of their worth: those of the X cluster and of what is matched with it first, then
    the rest, each by charge.
    """
    cluster_of = np.full(len(tps), -1)
    cluster_of[clusters.members] = clusters.cluster_of_member
    parts = [_clouds(tps, cluster_of, clusters, matches, part) for part in stretches(centres, CLOUDS_AT_A_TIME)]
    return PointClouds.concatenate(parts)


def _clouds(
    tps: TriggerPrimitives, cluster_of: np.ndarray, clusters: Clusters, matches: Matches, x_clusters: np.ndarray
) -> PointClouds:
    centres = _centres(clusters, matches, x_clusters)
    owners, points = [], []
    for plane in range(len(PLANES)):
        rows, owner = primitives_around(tps, clusters, x_clusters, plane)
        known = np.isfinite(centres[plane][owner])
        rows, owner = rows[known], owner[known]
        lead, own = x_clusters[owner], cluster_of[rows]
        channels = channels_from(tps, rows, plane, centres[plane][owner], clusters.apa[lead], clusters.face[lead])
        across = channels * PITCH_CM[plane]
        reference = clusters.arrival[lead] + PEAK_OFFSET_TICKS[plane]
        start = (tps.start[rows] - reference) * TICK_CM
        mine = np.column_stack(
            [
                np.full(len(rows), plane),
                across,
                start,
                start + tps.to_peak[rows] * TICK_CM,
                start + tps.sot[rows] * TICK_CM,
                tps.integral[rows],
                tps.peak[rows],
                (own >= 0) & (own == (lead if plane == X else matches.partner[lead, plane])),
                np.where(own >= 0, clusters.energy[own], 0.0),
            ]
        ).astype(np.float32)
        near = (np.abs(across) < HALF_SIDE_CM) & (np.abs(mine[:, STORED_COLUMNS.index("peak")]) < HALF_SIDE_CM)
        owners.append(owner[near])
        points.append(mine[near])
    owner, point = np.concatenate(owners), np.concatenate(points)
    point[:, LENGTHS] = np.rint(point[:, LENGTHS] / STEP_CM) * STEP_CM
    order = np.lexsort(
        (-point[:, STORED_COLUMNS.index("integral")], -point[:, STORED_COLUMNS.index("in_cluster")], owner)
    )
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(x_clusters)))])
    return PointClouds(indptr, point[order])


def _centres(clusters: Clusters, matches: Matches, x_clusters: np.ndarray) -> np.ndarray:
    """Channel (3, M), real-valued, at which each plane sees the place of each X cluster; NaN where that is not known."""
    apa, face, z = clusters.apa[x_clusters], clusters.face[x_clusters], clusters.z[x_clusters]
    heights = np.full((2, len(x_clusters)), np.nan)
    for plane in (U, V):
        partner = matches.partner[x_clusters, plane]
        y = y_of_induction_channel(plane, apa, face, clusters.channel[partner], z)
        heights[plane] = np.where(partner >= 0, y, np.nan)
    seen = np.isfinite(heights).sum(axis=0)
    height = np.divide(np.nansum(heights, axis=0), seen, out=np.full(len(seen), np.nan), where=seen > 0)
    induction = [wire_coordinate(plane, apa, face, height, z) % WRAP for plane in (U, V)]
    return np.stack([*induction, clusters.channel[x_clusters]])
