"""Balancing the classes of the training part."""

from __future__ import annotations

import numpy as np

METHODS = ("undersample", "oversample")


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
