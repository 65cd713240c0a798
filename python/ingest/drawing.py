"""Images of clusters: each trigger primitive drawn as a pentagon of ADC over time, in the column of its channel.

A trigger primitive records start, peak, end and ADC sum only. Its samples are redrawn as four straight lines through the
threshold at the start, a knot half-way to the peak, the peak, a knot half-way to the end, and the threshold at the end; the
heights of the knots are those of a 21 x 21 grid whose area comes closest to the ADC sum above threshold. This is the drawing of
the online-pointing toolkit, ties in the grid settled by the first pair (rising knot first, upwards) in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python.data.sparse_images import SparseImages, index_dtype, window_start
from python.detector.geometry import THRESHOLD_ADC
from python.ingest.clustering import Clusters
from python.ingest.trigger_primitives import TriggerPrimitives

GRID = np.linspace(0.0, 1.0, 21)
PENTAGONS_AT_A_TIME = 4096
AREA_DECIMALS = 6  # areas that agree to this many decimals are equal: their difference is round-off


@dataclass
class Samples:
    """K drawn samples: `tp` row of the trigger primitive, `tick`, `adc`, each (K,)."""

    tp: np.ndarray
    tick: np.ndarray
    adc: np.ndarray


def knot_heights(
    sot: np.ndarray, to_peak: np.ndarray, integral: np.ndarray, peak: np.ndarray, threshold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """ADC of the rising and the falling knot of pentagons, two arrays (N,). Arguments as in TriggerPrimitives."""
    above = np.maximum(peak - threshold, 0.0)
    residual = integral - threshold * sot
    best = np.zeros(len(sot), np.int64)
    rising, falling = np.repeat(GRID, len(GRID)), np.tile(GRID, len(GRID))
    for first in range(0, len(sot), PENTAGONS_AT_A_TIME):
        part = slice(first, first + PENTAGONS_AT_A_TIME)
        before, after = to_peak[part, None], (sot - to_peak)[part, None]
        fraction = (before * rising + after * falling) / 2 + sot[part, None] / 4
        misfit = np.abs(fraction * above[part, None] - residual[part, None])
        best[part] = np.argmin(np.round(misfit, AREA_DECIMALS), axis=1)
    grown = np.where(residual > 0, above, 0.0)
    return threshold + rising[best] * grown, threshold + falling[best] * grown


def draw_samples(tps: TriggerPrimitives, rows: np.ndarray) -> Samples:
    """Redraw the samples of the trigger primitives `rows`, in time order for each. ADC is never negative."""
    threshold = THRESHOLD_ADC[tps.plane[rows]]
    sot, peak_adc = tps.sot[rows], tps.peak[rows].astype(float)
    to_peak = np.clip(tps.to_peak[rows], 0, sot)
    rise_adc, fall_adc = knot_heights(sot, to_peak, tps.integral[rows].astype(float), peak_adc, threshold)
    start = tps.start[rows]
    peak, end = start + to_peak, start + sot
    rise = np.rint((start + peak) / 2).astype(np.int64)  # half to even
    fall = np.rint((peak + end) / 2).astype(np.int64)

    owner = np.repeat(np.arange(len(rows)), sot)
    tick = np.arange(len(owner)) - np.repeat(np.cumsum(sot) - sot, sot) + start[owner]

    def line(from_tick: np.ndarray, from_adc: np.ndarray, to_tick: np.ndarray, to_adc: np.ndarray) -> np.ndarray:
        length = np.maximum(to_tick - from_tick, 1)
        return from_adc[owner] + (tick - from_tick[owner]) / length[owner] * (to_adc - from_adc)[owner]

    adc = np.select(
        [tick < rise[owner], tick < peak[owner], tick == peak[owner], tick <= fall[owner]],
        [
            line(start, threshold, rise, rise_adc),
            line(rise, rise_adc, peak, peak_adc),
            peak_adc[owner],
            line(peak, peak_adc, fall, fall_adc),
        ],
        line(fall, fall_adc, end, threshold),
    )
    return Samples(rows[owner], tick, adc)


def render(
    image: np.ndarray, row: np.ndarray, column: np.ndarray, adc: np.ndarray, n: int, shape: Sequence[int]
) -> SparseImages:
    """Make `n` images of samples (K,) at integer rows and columns; the highest wins a pixel, those outside are dropped."""
    height, width = shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width) & (adc > 0)
    pixel = (image * height + row) * width + column
    pixel, adc = pixel[inside], adc[inside]
    order = np.argsort(pixel, kind="stable")
    pixel, adc = pixel[order], adc[order]
    first = np.flatnonzero(np.diff(pixel, prepend=-1))
    image, index = np.divmod(pixel[first], height * width)
    return SparseImages(
        np.concatenate([[0], np.cumsum(np.bincount(image, minlength=n))]).astype(np.int64),
        index.astype(index_dtype(shape)),
        np.maximum.reduceat(adc, first).astype(np.float32),
        shape,
    )


def draw_clusters(
    tps: TriggerPrimitives, clusters: Clusters, chosen: np.ndarray, backwards: np.ndarray, shape: Sequence[int]
) -> tuple[SparseImages, np.ndarray]:
    """Draw the clusters `chosen` (numbers, (n,)), rows ticks and columns channels with their true distances.

    Columns of clusters marked in `backwards` (n,) fall with the channel number. A cluster smaller than the image stands in its
    middle (the odd pixel right and below), a larger one is cropped about its charge-weighted centre. Returns the images and the
    fraction (n,) of ADC that the crop lost.
    """
    n = len(chosen)
    owner, samples, channel = cluster_samples(tps, clusters, chosen)
    row = samples.tick - clusters.start[chosen][owner]
    column = np.where(backwards[owner], clusters.n_channels[chosen][owner] - 1 - channel, channel)
    extent = ((clusters.end - clusters.start)[chosen], clusters.n_channels[chosen])
    whole = render(owner, row, column, samples.adc, n, (int(extent[0].max(initial=1)), int(extent[1].max(initial=1))))
    image, row, column = whole.pixels()
    row = row - window_start(row, image, whole.data, extent[0], shape[0])[image]
    column = column - window_start(column, image, whole.data, extent[1], shape[1])[image]
    images = render(image, row, column, whole.data, n, shape)
    before = whole.sums()
    lost = np.divide(before - images.sums(), before, out=np.zeros(n), where=before > 0)
    return images, np.maximum(lost, 0.0)


def cluster_samples(
    tps: TriggerPrimitives, clusters: Clusters, chosen: np.ndarray
) -> tuple[np.ndarray, Samples, np.ndarray]:
    """Samples of the clusters `chosen`: position in `chosen`, the samples, and the channel counted from the cluster's first."""
    counts = clusters.n_tps[chosen]
    owner = np.repeat(np.arange(len(chosen)), counts)
    entry = np.arange(len(owner)) + np.repeat(clusters.indptr[chosen] - (np.cumsum(counts) - counts), counts)
    rows = clusters.members[entry]
    repeats = tps.sot[rows]
    return np.repeat(owner, repeats), draw_samples(tps, rows), np.repeat(clusters.member_channel[entry], repeats)
