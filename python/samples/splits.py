"""Splitting images into training, validation and test parts so that nothing of one part is known from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from python.data.metadata import event_numbers, group_numbers
from python.general_purpose_libs import DataError

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """Row numbers of each part, ascending, and the group (N,) that every image belongs to."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    group: np.ndarray


def repeated_rows(metadata: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Mark, bool (N,), every image that stands before already with the same pixels and the same labels."""
    labels = ("plane", "is_marley", "is_main_track", "is_es_interaction")
    identity = np.stack([keys, *(metadata[name].astype(np.int64) for name in labels)], axis=1)
    _, first = np.unique(identity, axis=0, return_index=True)
    repeated = np.ones(len(metadata), bool)
    repeated[first] = False
    return repeated


def groups(metadata: np.ndarray, keys: np.ndarray, split_by: str = "event") -> np.ndarray:
    """Number the groups (N,) that must not be torn apart: images of one event (or source), and images with equal pixels."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    event = event_numbers(metadata) if split_by == "event" else group_numbers(metadata["source"])
    n_events = event.max(initial=-1) + 1
    nodes = n_events + keys.max(initial=-1) + 1
    links = coo_array((np.ones(len(event), bool), (event, n_events + keys)), shape=(nodes, nodes))
    _, component = connected_components(links, directed=False)
    _, group = np.unique(component[event], return_inverse=True)
    return group


def split(
    metadata: np.ndarray, keys: np.ndarray, fractions: tuple[float, float, float], seed: int, split_by: str = "event"
) -> Split:
    """Split at random by group; each part gets as close to its fraction of the images as whole groups allow.

    `metadata` structured (N,), `keys` (N,) of `SparseImages.keys`, `fractions` of train, val and test. The same seed and data
    give the same split. Raises DataError when a part with a fraction above zero would be empty.
    """
    group = groups(metadata, keys, split_by)
    sizes = np.bincount(group)
    order = np.random.default_rng(seed).permutation(len(sizes))
    middle = np.cumsum(sizes[order]) - sizes[order] / 2
    bounds = np.cumsum(fractions)[:2] * len(group)
    part_of_group = np.empty(len(sizes), np.int64)
    part_of_group[order] = np.searchsorted(bounds, middle, side="right")
    part = part_of_group[group]
    train, val, test = (np.flatnonzero(part == number) for number in range(3))
    for name, fraction, members in zip(PARTS, fractions, (train, val, test), strict=True):
        if fraction > 0 and len(members) == 0:
            raise DataError(
                f"{len(group)} images in {len(sizes)} independent groups ({split_by}) are too few: "
                f"the {name} part is empty; give more data or change {name}_fraction"
            )
    return Split(train, val, test, group)
