"""Images of the three products with their metadata rows: clusters, volumes, and clusters in the old layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python.data.metadata import EVENT_KEY, empty_metadata
from python.data.sparse_images import SparseImages
from python.detector.geometry import X, columns_run_backwards
from python.ingest.clustering import Clusters
from python.ingest.drawing import draw_clusters
from python.ingest.legacy_layout import dominant_particle_adc, draw_legacy, legacy_metadata
from python.ingest.matching import Matches
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import EventTruth
from python.ingest.volumes import make_volumes


@dataclass
class Block:
    """A stretch of events: its trigger primitives (`track`: their true particles), the clusters in them, and the labels.

    `events`, of `EVENT_DTYPE`, and `truth` are those of the whole file, which the `event` of primitives and clusters indexes.
    """

    events: np.ndarray
    truth: EventTruth
    tps: TriggerPrimitives
    track: np.ndarray | None
    adc_per_mev: np.ndarray
    clusters: Clusters
    matches: Matches
    is_marley: np.ndarray
    is_main: np.ndarray


def cluster_images(block: Block, plane: int, shape: Sequence[int]) -> tuple[SparseImages, np.ndarray]:
    """Draw the clusters of one plane, in the drift frame where the face is known; return images and metadata."""
    clusters = block.clusters
    chosen = np.flatnonzero(clusters.plane == plane)
    face = block.matches.face[chosen]
    backwards = columns_run_backwards(plane, clusters.apa[chosen], face) & (face != 0)
    images, lost = draw_clusters(block.tps, clusters, chosen, backwards, shape)
    table = metadata_of(block, chosen)
    table["lost_charge"] = lost
    table["drift_frame"] = face != 0
    return images, table


def volume_images(block: Block, plane: int) -> tuple[SparseImages, np.ndarray]:
    """Draw the volumes of one plane.

    Labels, match and event are those of the X cluster in the centre; `cluster_energy` is that of the plane's own cluster (NaN
    without one). `first_tick` and `first_channel` are those of the window, and `n_tps` counts what is drawn in it.
    """
    volumes = make_volumes(block.tps, block.clusters, block.matches, plane)
    table = metadata_of(block, volumes.x_cluster)
    own = volumes.x_cluster if plane == X else volumes.cluster
    table["plane"] = plane
    seen = own >= 0
    table["cluster_energy"] = np.where(seen, block.clusters.energy[own], np.nan)
    table["arrival"] = np.where(seen, block.clusters.arrival[own], np.nan)
    table["channel"] = np.where(seen, block.clusters.channel[own], np.nan)
    table["first_tick"] = volumes.first_tick
    table["first_channel"] = volumes.first_channel
    table["n_tps"] = volumes.n_tps
    table["lost_charge"] = 0.0  # the window is the product's definition, not a crop
    table["drift_frame"] = 1
    return volumes.images, table


def legacy_images(block: Block, plane: int, shape: Sequence[int]) -> tuple[SparseImages, np.ndarray]:
    """Draw the clusters of one plane as the online-pointing toolkit does, none flipped; metadata (n, 18) float32."""
    chosen = np.flatnonzero(block.clusters.plane == plane)
    images = draw_legacy(block.tps, block.clusters, chosen, shape)
    particle_adc = dominant_particle_adc(block.clusters, chosen, block.tps.integral, block.track)
    return images, legacy_metadata(metadata_of(block, chosen), images.sums(), particle_adc, block.adc_per_mev[plane])


def metadata_of(block: Block, chosen: np.ndarray) -> np.ndarray:
    """Rows of the metadata table for the clusters `chosen`, all but `lost_charge` and `drift_frame`."""
    clusters, truth = block.clusters, block.truth
    event = clusters.event[chosen]
    table = empty_metadata(len(chosen))
    for name in EVENT_KEY:
        table[name] = block.events[name][event]
    table["is_marley"] = block.is_marley[chosen]
    table["is_main_track"] = block.is_main[chosen]
    table["is_es_interaction"] = truth.is_es[event]
    for i, axis in enumerate("xyz"):
        table[f"true_pos_{axis}"] = truth.vertex[event, i]
        table[f"particle_momentum_{axis}"] = truth.electron_momentum[event, i]
        table[f"nu_momentum_{axis}"] = truth.nu_momentum[event, i]
    table["true_electron_energy"] = truth.electron_energy[event]
    table["true_nu_energy"] = truth.nu_energy[event]
    table["cluster_energy"] = clusters.energy[chosen]
    table["plane"] = clusters.plane[chosen]
    table["match_id"] = block.matches.match_id[chosen]
    table["apa"] = clusters.apa[chosen]
    table["face"] = block.matches.face[chosen]
    table["first_tick"] = clusters.start[chosen]
    table["first_channel"] = clusters.first_channel[chosen]
    table["arrival"] = clusters.arrival[chosen]
    table["channel"] = clusters.channel[chosen]
    table["n_tps"] = clusters.n_tps[chosen]
    return table
