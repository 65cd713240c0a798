"""Balancing the classes of the training part."""

from __future__ import annotations

import numpy as np

METHODS = ("undersample", "oversample")
ENERGY_STEP = 1.2  # from one bin of energy to the next: about the resolution of faint clusters


def balanced_rows(labels: np.ndarray, method: str, rng: np.random.Generator) -> np.ndarray:
    """Return row numbers, ascending, in which every class of `labels` (N,) is equally frequent.

    "undersample" drops rows at random down to the rarest class; "oversample" repeats rows up to the most frequent class:
    each row as often as the others, a random choice of them once more.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}. Received: {method!r}")
    classes, counts = np.unique(labels, return_counts=True)
    wanted = counts.min() if method == "undersample" else counts.max()
    chosen = []
    for value in classes:
        rows = np.flatnonzero(labels == value)
        whole, rest = divmod(int(wanted), len(rows))
        chosen += [np.tile(rows, whole), rng.choice(rows, rest, replace=False)]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)


def balanced_rows_by_energy(labels: np.ndarray, energy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return row numbers, ascending, in which every class of `labels` (N,) is equally frequent at every energy.

    Rows are dropped at random down to the rarest class of each bin of `energy` (N,) in MeV; all rows of a bin that lacks a
    class, and those whose energy is not positive or not known.
    """
    known = np.flatnonzero(energy > 0)
    bins = np.floor(np.log(energy[known]) / np.log(ENERGY_STEP)).astype(np.int64)
    n_classes = len(np.unique(labels))
    chosen = [np.empty(0, np.int64)]
    for value in np.unique(bins):
        rows = known[bins == value]
        if len(np.unique(labels[rows])) == n_classes:
            chosen.append(rows[balanced_rows(labels[rows], "undersample", rng)])
    return np.sort(np.concatenate(chosen))
