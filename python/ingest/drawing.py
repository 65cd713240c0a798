"""Images of clusters: each trigger primitive drawn as a pentagon of ADC over time, in the column of its channel.

A trigger primitive records start, peak, end and ADC sum only. Its samples are redrawn as four straight lines through the
threshold at the start, a knot half-way to the peak, the peak, a knot half-way to the end, and the threshold at the end; the
heights of the knots are those of a 21 x 21 grid whose area comes closest to the ADC sum above threshold. Where several pairs of
heights come equally close, which is the rule, it is the middle of these: the first would let every pulse lean late. This is the
drawing of the online-pointing toolkit, but for these ties, which it leaves to round-off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from python.data.sparse_images import SparseImages, index_dtype, window_start
from python.detector.geometry import THRESHOLD_ADC
from python.ingest.clustering import Clusters
from python.ingest.trigger_primitives import TriggerPrimitives
from python.physics.compiled import kernel

DRAWING_VERSION = 2  # raise it with every change that changes images of the same primitives; 2: ties take the middle
STEPS = 20  # of the height of a knot, from the threshold to the peak


@dataclass
class Samples:
    """K drawn samples: `tp` row of the trigger primitive, `tick`, `adc`, each (K,)."""

    tp: np.ndarray
    tick: np.ndarray
    adc: np.ndarray


class _Pentagons(NamedTuple):
    """What trigger primitives (N,) record, and the `threshold` of each one's plane; integers and ADC as floats."""

    start: np.ndarray
    sot: np.ndarray
    to_peak: np.ndarray
    integral: np.ndarray
    peak: np.ndarray
    threshold: np.ndarray


def draw_samples(tps: TriggerPrimitives, rows: np.ndarray) -> Samples:
    """Redraw the samples of the trigger primitives `rows`, in time order for each. ADC is never negative."""
    sot = tps.sot[rows]
    pentagons = _Pentagons(
        tps.start[rows],
        sot,
        np.clip(tps.to_peak[rows], 0, sot),
        tps.integral[rows].astype(float),
        tps.peak[rows].astype(float),
        THRESHOLD_ADC[tps.plane[rows]],
    )
    first = np.cumsum(sot) - sot
    tick, adc = np.empty(int(sot.sum()), np.int64), np.empty(int(sot.sum()))
    _draw(pentagons, first, tick, adc)
    return Samples(np.repeat(rows, sot), tick, adc)


@kernel
def _draw(pentagons, first, tick, adc):
    """Write the samples of each pentagon, from `first` (N,) on."""
    for i in range(len(first)):
        rise_adc, fall_adc = _knot_heights(pentagons, i)
        threshold, peak_adc = pentagons.threshold[i], pentagons.peak[i]
        start, peak = pentagons.start[i], pentagons.start[i] + pentagons.to_peak[i]
        end = start + pentagons.sot[i]
        rise, fall = int(np.rint((start + peak) / 2)), int(np.rint((peak + end) / 2))  # half to even
        for k in range(pentagons.sot[i]):
            now = start + k
            tick[first[i] + k] = now
            if now < rise:
                sample = _line(now, start, threshold, rise, rise_adc)
            elif now < peak:
                sample = _line(now, rise, rise_adc, peak, peak_adc)
            elif now == peak:
                sample = peak_adc
            elif now <= fall:
                sample = _line(now, peak, peak_adc, fall, fall_adc)
            else:
                sample = _line(now, fall, fall_adc, end, threshold)
            adc[first[i] + k] = sample


@kernel
def _line(now, from_tick, from_adc, to_tick, to_adc):
    return from_adc + (now - from_tick) / max(to_tick - from_tick, 1) * (to_adc - from_adc)


@kernel
def _knot_heights(pentagons, i):
    """ADC of the rising and the falling knot of pentagon `i`: the middle of the pairs of the grid whose area comes closest.

    Areas are counted in whole numbers, 2 `STEPS` to an ADC and tick, so that those that are equal compare equal.
    """
    sot, before, threshold = pentagons.sot[i], pentagons.to_peak[i], pentagons.threshold[i]
    above = max(pentagons.peak[i] - threshold, 0.0)
    residual = pentagons.integral[i] - threshold * sot
    if residual <= 0:
        return threshold, threshold
    best, rising, falling, pairs = np.inf, 0, 0, 0
    for rise in range(STEPS + 1):
        for fall in range(STEPS + 1):
            area = (before * rise + (sot - before) * fall + sot * STEPS // 2) * above
            misfit = abs(area - 2 * STEPS * residual)
            if misfit < best:
                best, rising, falling, pairs = misfit, 0, 0, 0
            if misfit == best:
                rising, falling, pairs = rising + rise, falling + fall, pairs + 1
    height = above / (STEPS * pairs)
    return threshold + rising * height, threshold + falling * height


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
