"""Images of the three products with their metadata rows: clusters, volumes, and clusters in the old layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from python.data.sparse_images import SparseImages
from python.detector.geometry import X, columns_run_backwards
from python.ingest.clustering import stretches
from python.ingest.drawing import draw_clusters
from python.ingest.legacy_layout import dominant_particle_adc, draw_legacy, legacy_metadata
from python.ingest.reconstruction import Reconstruction
from python.ingest.volumes import make_volumes

AT_A_TIME = 10_000  # clusters that are drawn in one go, so that intermediate arrays stay small
VOLUMES_AT_A_TIME = 1_000


def cluster_images(
    found: Reconstruction, plane: int, chosen: np.ndarray, shape: Sequence[int]
) -> tuple[SparseImages, np.ndarray]:
    """Draw the clusters `chosen` (numbers) of one plane, in the drift frame where the face is known; images and metadata."""
    clusters = found.clusters

    def draw(part: np.ndarray) -> tuple[SparseImages, np.ndarray]:
        face = found.matches.face[part]
        backwards = columns_run_backwards(plane, clusters.apa[part], face) & (face != 0)
        images, lost = draw_clusters(found.readout.tps, clusters, part, backwards, shape)
        table = found.metadata(part)
        table["lost_charge"] = lost
        table["drift_frame"] = face != 0
        return images, table

    return _in_stretches(draw, chosen, AT_A_TIME)


def volume_images(found: Reconstruction, plane: int, centres: np.ndarray) -> tuple[SparseImages, np.ndarray]:
    """Draw the volumes of one plane around the X clusters `centres`, whose place on it is known.

    Labels, match and event are those of the X cluster in the centre, as are `cluster`, `cluster_first_tick` and
    `cluster_first_channel`; `cluster_energy`, `arrival` and `channel` are those of the plane's own cluster (NaN without one).
    `first_tick` and `first_channel` are those of the window, and `n_tps` counts what is drawn in it.
    """
    clusters = found.clusters

    def draw(part: np.ndarray) -> tuple[SparseImages, np.ndarray]:
        volumes = make_volumes(found.readout.tps, clusters, found.matches, plane, part)
        table = found.metadata(volumes.x_cluster)
        own = volumes.x_cluster if plane == X else volumes.cluster
        table["plane"] = plane
        seen = own >= 0
        table["cluster_energy"] = np.where(seen, clusters.energy[own], np.nan)
        table["arrival"] = np.where(seen, clusters.arrival[own], np.nan)
        table["channel"] = np.where(seen, clusters.channel[own], np.nan)
        table["first_tick"] = volumes.first_tick
        table["first_channel"] = volumes.first_channel
        table["n_tps"] = volumes.n_tps
        table["lost_charge"] = 0.0  # the window is the product's definition, not a crop
        table["drift_frame"] = 1
        return volumes.images, table

    return _in_stretches(draw, centres, VOLUMES_AT_A_TIME)


def legacy_images(found: Reconstruction, plane: int, shape: Sequence[int]) -> tuple[SparseImages, np.ndarray]:
    """Draw the clusters of one plane as the online-pointing toolkit does, none flipped; table (n,) of a file."""
    clusters, readout = found.clusters, found.readout
    chosen = np.flatnonzero(clusters.plane == plane)
    images = draw_legacy(readout.tps, clusters, chosen, shape)
    particle_adc = dominant_particle_adc(clusters, chosen, readout.tps.integral, readout.track)
    table = legacy_metadata(found.metadata(chosen), images.sums(), particle_adc, found.adc_per_mev[plane])
    return images, table


def _in_stretches(
    draw: Callable[[np.ndarray], tuple[SparseImages, np.ndarray]], chosen: np.ndarray, size: int
) -> tuple[SparseImages, np.ndarray]:
    """What `draw` makes of the clusters `chosen`, some at a time."""
    parts = [draw(part) for part in stretches(chosen, size)] or [draw(chosen)]
    images, tables = zip(*parts, strict=True)
    return SparseImages.concatenate(images), np.concatenate(tables)
