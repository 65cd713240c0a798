"""The dense layout of the online-pointing toolkit, for tools that read nothing else.

Images (N, height, width) float32 and metadata (N, 18) float32. Columns are the ranks of the cluster's distinct channels, so gaps
close; a cluster larger than the image loses its latest ticks and highest channels; no image is flipped (read such files with
`old_flips: none`). Events are known by their number alone, as float32, which cannot tell apart those above 2**24. Two more
arrays, which older tools do not ask for, say whose channels an image shows: `apa`, and `face`, 0 where no match tells it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from python.data.metadata import vectors
from python.data.sparse_images import SparseImages
from python.general_purpose_libs import DataError, atomic_path
from python.ingest.clustering import Clusters
from python.ingest.drawing import cluster_samples, render
from python.ingest.root_file import RootFile
from python.ingest.trigger_primitives import TriggerPrimitives

LEGACY_DTYPE = np.dtype([("metadata", "f4", (18,)), ("apa", "i1"), ("face", "i1")])


def check_legacy_events(events: np.ndarray, path: RootFile) -> None:
    """Raise DataError when the layout cannot tell apart the events of a file, whose numbers (E,) these are."""
    remedy = "leave --legacy-layout out: the project's own files hold run, subrun and event in full"
    narrowed = events[events.astype(np.float32).astype(np.int64) != events]
    if len(narrowed):
        raise DataError(
            f"{path}: {len(narrowed)} of {len(events)} event numbers, from {narrowed.min()} on, do not fit the legacy layout, "
            f"which holds them as float32, exact up to {2**24}; {remedy}"
        )
    numbers, counts = np.unique(events, return_counts=True)
    if np.any(counts > 1):
        raise DataError(
            f"{path}: {np.sum(counts > 1)} event numbers, the first is {numbers[counts > 1][0]}, stand for several events, of "
            f"other runs or jobs, and the legacy layout holds the number alone; convert runs and jobs one by one, or {remedy}"
        )


def draw_legacy(tps: TriggerPrimitives, clusters: Clusters, chosen: np.ndarray, shape: Sequence[int]) -> SparseImages:
    """Draw the clusters `chosen` (numbers) with gapless columns, centred by the toolkit's rule."""
    owner, samples, _ = cluster_samples(tps, clusters, chosen)
    local = tps.local[samples.tp]
    distinct, index = np.unique(np.stack([owner, local]), axis=1, return_inverse=True)
    n_columns = np.bincount(distinct[0], minlength=len(chosen))
    rank = index.reshape(-1) - (np.cumsum(n_columns) - n_columns)[owner]
    n_ticks = (clusters.end - clusters.start)[chosen] + 1
    row = samples.tick - clusters.start[chosen][owner] + np.maximum(0, (shape[0] - n_ticks) // 2)[owner]
    column = rank + np.maximum(0, (shape[1] - n_columns) // 2)[owner]
    return render(owner, row, column, samples.adc, len(chosen), shape)


def dominant_particle_adc(
    clusters: Clusters, chosen: np.ndarray, integral: np.ndarray, track: np.ndarray | None
) -> np.ndarray:
    """ADC sum of the trigger primitives of each cluster's chief particle, (n,); zero without truth."""
    if track is None:
        return np.zeros(len(chosen))
    owner = clusters.cluster_of_member
    particle = np.abs(track[clusters.members])
    pairs, index = np.unique(np.stack([owner, particle]), axis=1, return_inverse=True)
    adc = np.bincount(index.reshape(-1), weights=integral[clusters.members])
    largest = np.zeros(len(clusters))
    np.maximum.at(largest, pairs[0], adc)
    return largest[chosen]


def legacy_metadata(
    table: np.ndarray, image_adc: np.ndarray, particle_adc: np.ndarray, adc_per_mev: float
) -> np.ndarray:
    """The table (n,) of a file. Its 18 columns are event, is_marley, is_main_track, is_es, position 3, momentum 3, image energy,
    particle energy (from ADC, as always in this layout), plane, match id, neutrino energy, neutrino momentum 3. Unknown truth is
    0, -1 for the neutrino's energy; clusters that are not the neutrino's have no position and momenta.
    """  # fmt: skip
    own = (table["is_marley"] == 1)[:, None]
    columns = [
        table["event"][:, None],
        np.maximum(np.stack([table[name] for name in ("is_marley", "is_main_track", "is_es_interaction")], -1), 0),
        np.where(own, vectors(table, "true_pos"), 0.0),
        np.where(own, vectors(table, "particle_momentum"), 0.0),
        image_adc[:, None] / adc_per_mev,
        particle_adc[:, None] / adc_per_mev,
        table["plane"][:, None],
        table["match_id"][:, None],
        np.where(own[:, 0], table["true_nu_energy"], -1.0)[:, None],
        np.where(own, vectors(table, "nu_momentum"), 0.0),
    ]
    legacy = np.empty(len(table), LEGACY_DTYPE)
    legacy["metadata"] = np.nan_to_num(np.concatenate(columns, axis=1))
    legacy["apa"], legacy["face"] = table["apa"], table["face"]
    return legacy


def write_legacy_file(path: str | os.PathLike, images: SparseImages, table: np.ndarray) -> None:
    """Write `images` and their `table`, see `LEGACY_DTYPE`, as dense arrays, atomically.

    Raises OutputError when that is not possible.
    """
    with atomic_path(path) as temporary:
        dense = np.asarray(images)
        np.savez_compressed(temporary, images=dense, metadata=table["metadata"], apa=table["apa"], face=table["face"])
