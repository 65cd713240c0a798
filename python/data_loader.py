"""The documented way in to image data for notebooks and scripts.

    from python import data_loader as dl

    images, metadata = dl.load_dataset_from_directory("data/real", plane="X", max_samples=1000)
    folders = dl.Folders(["data/es", "data/cc"], pattern="*_plane{plane}.npz", skip_bad_files=True)
    images, metadata = dl.load_dataset_from_directory(folders, plane="U", old_flips="upstream")  # of older code
    labels = dl.extract_labels_for_mt_identification(metadata)
    print(dl.get_dataset_statistics(metadata))
    images, labels = dl.balance_dataset(images, labels, method="undersample")

    products = dl.products_of_primitives("es_tpstream.root")  # without a file in between
    images = products.images("X").images

Images stay sparse: `images[3]` is one dense image, `images.dense(rows)` a dense batch, `numpy.asarray(images)` all of them.
Metadata are a structured array with named columns (`python.data.metadata` lists them with units).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from python.data.image_set import load_images, random_rows
from python.data.input_files import Folders
from python.data.metadata import UNKNOWN, event_numbers
from python.data.old_orientation import orient_old_images
from python.data.sparse_images import SparseImages
from python.ingest.products import Products, ProductSettings, make_products
from python.ingest.readout import Readout, read_readout
from python.samples.balance import balanced_rows


def load_dataset_from_directory(
    data_dir: str | os.PathLike | Folders,
    plane: str = "X",
    max_samples: int | None = None,
    *,
    old_flips: str | None = None,
    seed: int = 42,
) -> tuple[SparseImages, np.ndarray]:
    """Read the images of one plane from a folder, searched recursively, or from several, see `Folders`.

    Returns images (N) of shape (ticks, channels) in ADC and metadata, a structured array (N,). With `max_samples` a random
    choice of that many, in file order. `old_flips`, "none" or "upstream", says how dense files of older code are flipped, and
    brings their images into the drift frame; without it these stay as they are, `drift_frame` -1.
    Raises DataError when a folder is missing, has no file of that plane, or files are broken (all are named); ValueError for
    other `old_flips`.
    """
    found = load_images(data_dir if isinstance(data_dir, Folders) else Folders([data_dir]), plane)
    rows = random_rows(len(found), max_samples, seed)
    images, metadata = found.images[rows], found.metadata[rows]
    return (images, metadata) if old_flips is None else orient_old_images(images, metadata, old_flips)


def products_of_primitives(
    primitives: str | os.PathLike | Mapping[str, np.ndarray], settings: ProductSettings | None = None
) -> Products:
    """Make clusters, matches, images, volumes and points of trigger primitives in memory.

    `primitives` is the path of a ROOT file, or arrays (N,) of whole numbers by name: `event`, `channel`, `start` (in ticks of
    0.5 us), `sot` and `to_peak` (samples over threshold, and from the start to the peak), `integral` and `peak` (ADC), and `run`
    with `subrun` where there are. `settings` say how clusters are made, and the shape of their images.

    Of the answer, `clusters` and `matches` are arrays over all clusters; `images(plane)`, `images(plane, "volumes")` and
    `points()` have `metadata` each, whose column `cluster` numbers the clusters; `only(numbers)` is the same of some clusters
    alone, with a volume around each of these instead of around the most energetic X cluster of each event. Raises DataError when
    the file or the arrays are not what they should be.
    """
    if isinstance(primitives, Mapping):
        return make_products(Readout.of_arrays(primitives), settings)
    return make_products(read_readout(primitives, (settings or ProductSettings()).min_sot), settings)


def extract_labels_for_mt_identification(metadata: np.ndarray, multiclass: bool = False) -> np.ndarray:
    """Return labels int64 (N,): 1 main track, 0 background; with `multiclass` 0 background, 1 ES and 2 CC main track.

    -1 where the metadata do not tell.
    """
    main, es = metadata["is_main_track"].astype(np.int64), metadata["is_es_interaction"]
    if not multiclass:
        return main
    kind = np.select([es == 1, es == 0], [1, 2], UNKNOWN)
    return np.where(main == 1, kind, main)


def get_dataset_statistics(metadata: np.ndarray) -> dict[str, Any]:
    """Count what is in the metadata (N,): images, events, main tracks, signal, ES and CC; energy ranges in MeV."""
    statistics: dict[str, Any] = {
        "n_images": len(metadata),
        "n_events": len(np.unique(event_numbers(metadata))),
        "n_sources": len(np.unique(metadata["source"])),
        "n_main_track": int(np.sum(metadata["is_main_track"] == 1)),
        "n_background": int(np.sum(metadata["is_main_track"] == 0)),
        "n_marley": int(np.sum(metadata["is_marley"] == 1)),
        "n_es": int(np.sum(metadata["is_es_interaction"] == 1)),
        "n_cc": int(np.sum(metadata["is_es_interaction"] == 0)),
        "main_track_fraction": float(np.mean(metadata["is_main_track"] == 1)) if len(metadata) else None,
    }
    for name in ("cluster_energy", "true_electron_energy", "true_nu_energy"):
        known = metadata[name][np.isfinite(metadata[name])]
        statistics[f"{name}_mev"] = (
            {"min": float(known.min()), "median": float(np.median(known)), "max": float(known.max())}
            if len(known)
            else None
        )
    return statistics


def balance_dataset(
    images: SparseImages | np.ndarray, labels: np.ndarray, method: str = "undersample", seed: int = 42
) -> tuple[SparseImages | np.ndarray, np.ndarray]:
    """Return images and labels in which every class is equally frequent, in file order.

    "undersample" drops images down to the rarest class, "oversample" repeats images up to the most frequent one. Balance a
    training part after splitting, never before: a repeated image must not stand on both sides.
    """
    rows = balanced_rows(np.asarray(labels), method, np.random.default_rng(seed))
    return images[rows], np.asarray(labels)[rows]
