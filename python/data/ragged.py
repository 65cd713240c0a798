"""Rows of different length, stored one after the other: row i is `indptr[i]:indptr[i + 1]` of the flat arrays."""

from __future__ import annotations

import numpy as np


def gather(indptr: np.ndarray, rows: np.ndarray, at_most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return how many entries each of `rows` has, its first `at_most` alone where that is given, and where they stand."""
    first = indptr[rows]
    counts = indptr[rows + 1] - first
    if at_most is not None:
        counts = np.minimum(counts, at_most)
    ends = np.cumsum(counts)
    return counts, np.repeat(first - ends + counts, counts) + np.arange(counts.sum())
