"""Which trigger primitives lie around an X cluster, and how far from a place on their plane.

X goes on into the APA next in z on the same face, across the 5 channels' width between them; U and V wrap modulo 800 within
their APA.
"""

from __future__ import annotations

import numpy as np

from python.detector.geometry import APA_PITCH_Z_CM, PITCH_CM, WRAP, X, columns_run_backwards
from python.ingest.clustering import Clusters
from python.ingest.trigger_primitives import TriggerPrimitives

MIN_SOT = 2  # single samples over threshold are noise nine times out of ten
X_CHANNELS_TO_NEXT_APA = round(APA_PITCH_Z_CM / PITCH_CM[X])  # 485, of which 480 have wires


def primitives_around(
    tps: TriggerPrimitives, clusters: Clusters, x_clusters: np.ndarray, plane: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (K,) of the trigger primitives of `plane` that share the event and drift volume of an X cluster, and which (K,).

    `x_clusters` (M,) numbers X clusters; the second array counts along it. A primitive comes once for each X cluster.
    """
    event = clusters.event[x_clusters]
    begin, end = np.searchsorted(tps.event, [event.min(), event.max() + 1]) if len(event) else (0, 0)
    candidates = begin + np.flatnonzero((tps.plane[begin:end] == plane) & (tps.sot[begin:end] >= MIN_SOT))
    first, last = (np.searchsorted(tps.event[candidates], event, side) for side in ("left", "right"))
    counts = last - first
    owner = np.repeat(np.arange(len(x_clusters)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = candidates[np.repeat(first, counts) + within]
    lead = x_clusters[owner]
    if plane == X:
        same = (tps.apa[rows] % 2 == clusters.apa[lead] % 2) & (tps.face[rows] == clusters.face[lead])
    else:
        same = tps.apa[rows] == clusters.apa[lead]
    return rows[same], owner[same]


def channels_from(
    tps: TriggerPrimitives, rows: np.ndarray, plane: int, centre: np.ndarray, apa: np.ndarray, face: np.ndarray
) -> np.ndarray:
    """Channels of the primitives `rows` (K,) from `centre` (K,) within the plane, growing as the drift frame has it.

    `apa` and `face` (K,) are those of the X cluster.
    """
    distance = tps.local[rows] - centre
    if plane == X:
        return distance + X_CHANNELS_TO_NEXT_APA * (tps.apa[rows] // 2 - apa // 2)
    distance = (distance + WRAP // 2) % WRAP - WRAP // 2
    return np.where(columns_run_backwards(plane, apa, face), -distance, distance)
