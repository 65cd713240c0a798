"""Volumes in the layout of the online-pointing toolkit: a table of pickled objects, for tools that read nothing else.

A volume shows, with the main track of its event and plane in the middle, the clusters of the same APA whose centres lie within
half a metre, however faint they are. Rows grow with the channel number, columns with the tick, and nothing is flipped or shifted.
The toolkit laid clusters of different APAs over one another where their channels agree, which is not repeated here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from python.data.metadata import UNKNOWN, vectors
from python.data.sparse_images import SparseImages
from python.detector.geometry import PLANES
from python.general_purpose_libs import atomic_path
from python.ingest.clustering import Clusters, make_clusters
from python.ingest.drawing import cluster_samples, render
from python.ingest.reconstruction import Reconstruction
from python.ingest.truth import label_clusters
from python.ingest.volumes import SHAPE

SIDE_CM = 100.0
INTERACTIONS = {1: "ES", 0: "CC", UNKNOWN: "UNKNOWN"}


def legacy_volumes(found: Reconstruction, plane: int) -> tuple[SparseImages, np.ndarray]:
    """Draw the volumes (N, 208, 1242) of one plane, and their metadata, dictionaries (N,).

    There is one for each main track, which truth alone tells: none where there is no truth.
    """
    mains = np.flatnonzero((found.clusters.plane == plane) & (found.is_main == 1))
    readout = found.readout
    every = make_clusters(readout.tps, replace(found.settings, energy_cut=0.0), found.adc_per_mev)
    is_marley, _ = label_clusters(every, readout.tps.integral, readout.signal)
    centres = _centres(found, found.clusters)[mains]
    first = centres - np.array(SHAPE) / 2
    volume, shown = _clusters_around(found, every, mains, first)
    owner, samples, channel = cluster_samples(readout.tps, every, shown)
    row = np.floor(every.first_channel[shown][owner] + channel - first[volume[owner], 0]).astype(np.int64)
    column = np.floor(samples.tick - first[volume[owner], 1]).astype(np.int64)
    images = render(volume[owner], row, column, samples.adc, len(mains), SHAPE)
    marley = np.bincount(volume, weights=is_marley[shown] == 1, minlength=len(mains)).astype(int)
    others = np.bincount(volume, minlength=len(mains)) - marley
    rows = np.empty(len(mains), object)
    for number, values in enumerate(_dictionaries(found, mains, centres)):
        counts = {"n_marley_clusters": int(marley[number]), "n_non_marley_clusters": int(others[number])}
        rows[number] = {**values, "n_clusters_in_volume": sum(counts.values()), **counts}
    return images, rows


def write_legacy_volumes(path: str | os.PathLike, images: SparseImages, metadata: np.ndarray) -> None:
    """Write the volumes as pickled arrays, atomically. Raises OutputError when that is not possible."""
    stored = np.empty(len(images), object) if len(images) else np.empty((0, *SHAPE), np.float32)
    for number in range(len(images)):
        stored[number] = images[number]
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, images=stored, metadata=metadata)


def _centres(found: Reconstruction, clusters: Clusters) -> np.ndarray:
    """Mean channel and mean start of the primitives of each cluster, (C, 2)."""
    channel = clusters.first_channel[clusters.cluster_of_member] + clusters.member_channel
    values = np.stack([channel, found.readout.tps.start[clusters.members]], axis=-1).astype(float)
    return np.add.reduceat(values, clusters.indptr[:-1]) / clusters.n_tps[:, None] if len(clusters) else values


def _clusters_around(
    found: Reconstruction, every: Clusters, mains: np.ndarray, first: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The clusters of `every` whose centres lie in the windows that begin at `first` (N, 2): number of the window, cluster."""
    centres, pairs = _centres(found, every), []
    for number, main in enumerate(mains):
        near = np.all((centres >= first[number]) & (centres <= first[number] + SHAPE), axis=1)
        for name in ("event", "plane", "apa"):
            near &= getattr(every, name) == getattr(found.clusters, name)[main]
        pairs.append(np.stack([np.full(near.sum(), number), np.flatnonzero(near)]))
    volume, cluster = np.concatenate([np.empty((2, 0), np.int64), *pairs], axis=1)
    return volume, cluster


def _dictionaries(found: Reconstruction, mains: np.ndarray, centres: np.ndarray) -> Sequence[dict[str, Any]]:
    """The metadata of the volumes around the clusters `mains`, but for what else is in them; unknown momenta are zero."""
    table = found.metadata(mains)
    momentum, nu_momentum = (np.nan_to_num(vectors(table, name)) for name in ("particle_momentum", "nu_momentum"))
    return [
        {
            "event": int(row["event"]),
            "plane": PLANES[row["plane"]],
            "interaction_type": INTERACTIONS[int(row["is_es_interaction"])],
            "particle_energy": float(row["cluster_energy"]),  # which the toolkit gives under this name
            "cluster_energy": float(row["cluster_energy"]),
            "neutrino_energy": float(np.nan_to_num(row["true_nu_energy"], nan=UNKNOWN)),
            "main_track_momentum": float(np.linalg.norm(momentum[number])),
            **{f"main_track_momentum_{axis}": float(p) for axis, p in zip("xyz", momentum[number], strict=True)},
            **{
                f"main_track_neutrino_momentum_{axis}": float(p)
                for axis, p in zip("xyz", nu_momentum[number], strict=True)
            },
            "main_cluster_match_id": int(row["match_id"]),
            "center_channel": float(centres[number, 0]),
            "center_time_tpc": float(centres[number, 1]),
            "volume_size_cm": SIDE_CM,
            "image_shape": SHAPE,
            "source_root_file": found.readout.sources[row["source"]].name,
        }
        for number, row in enumerate(table)
    ]
