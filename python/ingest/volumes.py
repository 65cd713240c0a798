"""Volumes: everything recorded within half a metre of an X cluster, for each plane.

A volume image has 208 channels (rows) x 1242 ticks (columns), about 1 m x 1 m. The X volume is centred on the cluster; U and V
volumes on the matched cluster, or where the wire map expects it when the match lacks that plane. Without any match the place on
U and V is not known, and there is no such volume. All trigger primitives of at least 2 samples in the window are drawn, not
only clustered ones: the faint deposits around a track tell its direction. Times are arrival times, so that one column is the
same drift distance on all planes. Channels follow the drift frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from python.data.metadata import UNKNOWN
from python.data.sparse_images import SparseImages
from python.detector.geometry import (
    PEAK_OFFSET_TICKS,
    WRAP,
    U,
    V,
    X,
    columns_run_backwards,
    wire_coordinate,
    y_of_induction_channel,
)
from python.ingest.clustering import Clusters
from python.ingest.drawing import draw_samples, render
from python.ingest.matching import Matches
from python.ingest.surroundings import channels_from, primitives_around
from python.ingest.trigger_primitives import TriggerPrimitives

SHAPE = (208, 1242)
OFFSET_TICKS = np.rint(PEAK_OFFSET_TICKS).astype(np.int64)


@dataclass
class Volumes:
    """N volumes of one plane: the `images`, the X cluster and the plane's own cluster (-1: none) of each, its window, its TPs."""

    images: SparseImages
    x_cluster: np.ndarray
    cluster: np.ndarray
    first_channel: np.ndarray
    first_tick: np.ndarray
    n_tps: np.ndarray


def make_volumes(
    tps: TriggerPrimitives, clusters: Clusters, matches: Matches, plane: int, centres: np.ndarray
) -> Volumes:
    """Draw one volume for each of the X clusters `centres` whose place on `plane` is known."""
    channels = _channels(clusters, matches, centres, plane)
    x_cluster, centre = centres[np.isfinite(channels)], np.rint(channels[np.isfinite(channels)]).astype(np.int64)
    first_tick = np.rint(clusters.arrival[x_cluster]).astype(np.int64) - SHAPE[1] // 2 + OFFSET_TICKS[plane]

    rows, volume = primitives_around(tps, clusters, x_cluster, plane)
    apa, face = clusters.apa[x_cluster], clusters.face[x_cluster]
    channel = channels_from(tps, rows, plane, centre[volume], apa[volume], face[volume]) + SHAPE[0] // 2
    tick = tps.start[rows] - first_tick[volume]
    near = (channel >= 0) & (channel < SHAPE[0]) & (tick < SHAPE[1]) & (tick + tps.sot[rows] > 0)
    rows, volume, channel = rows[near], volume[near], channel[near]

    samples = draw_samples(tps, rows)
    repeats = tps.sot[rows]
    image = np.repeat(volume, repeats)
    images = render(
        image, np.repeat(channel, repeats), samples.tick - first_tick[image], samples.adc, len(x_cluster), SHAPE
    )
    first_channel = centre - SHAPE[0] // 2 + columns_run_backwards(plane, apa, face)
    n_tps = np.bincount(volume, minlength=len(x_cluster))
    return Volumes(images, x_cluster, matches.partner[x_cluster, plane], first_channel, first_tick, n_tps)


def _channels(clusters: Clusters, matches: Matches, x_cluster: np.ndarray, plane: int) -> np.ndarray:
    """Channel within `plane` at which each volume is centred, NaN where the place is not known."""
    if plane == X:
        return clusters.channel[x_cluster]
    apa, face, z = clusters.apa[x_cluster], clusters.face[x_cluster], clusters.z[x_cluster]
    own, other_plane = matches.partner[x_cluster, plane], U + V - plane
    other = matches.partner[x_cluster, other_plane]
    y = y_of_induction_channel(other_plane, apa, face, clusters.channel[other], z)
    from_other = np.where(other == UNKNOWN, np.nan, wire_coordinate(plane, apa, face, y, z) % WRAP)
    return np.where(own == UNKNOWN, from_other, clusters.channel[own])
