"""Bins that suit the samples at hand: round edges, enough entries in each."""

from __future__ import annotations

import numpy as np


def energy_bins(energies: np.ndarray, max_bins: int = 12, min_entries: int = 10) -> np.ndarray:
    """Edges (B + 1,) in the unit of `energies` (N,); empty when no energy is known (finite).

    The edges are round numbers over the central 98 % of the energies. Neighbours are merged until each bin has
    `min_entries`, or all there are. What lies beyond the edges belongs to the outermost bins: see `bin_index`.
    """
    known = energies[np.isfinite(energies)]
    if known.size == 0:
        return np.empty(0)
    low, high = np.percentile(known, [1, 99])
    width = _bin_width(low, high, max_bins)
    first = np.floor(low / width) * width
    edges = first + width * np.arange(max(1, int(np.ceil((high - first) / width))) + 1)
    counts = np.bincount(bin_index(known, edges), minlength=len(edges) - 1)
    return _merge(edges, counts, min_entries)


def bin_index(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin (N,) of each finite value; values beyond the edges count in the outermost bins."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _bin_width(low: float, high: float, max_bins: int) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten above (high - low) / max_bins."""
    size = max(abs(low), abs(high))
    width = (high - low) / max_bins
    if width < 1e-6 * size:  # one and the same energy
        width = 0.1 * size
    if width == 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= width * (1 - 1e-9)))


def _merge(edges: np.ndarray, counts: np.ndarray, min_entries: int) -> np.ndarray:
    kept = [edges[0]]
    gathered = 0
    for upper_edge, count in zip(edges[1:], counts, strict=True):
        gathered += count
        if gathered >= min_entries:
            kept.append(upper_edge)
            gathered = 0
    if len(kept) > 1:
        kept.pop()  # what is left over at the end joins the last full bin
    return np.array([*kept, edges[-1]])
