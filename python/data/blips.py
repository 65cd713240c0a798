"""Blips: the groups of touching charge in volumes, of which that in the middle is the main cluster.

A run is an unbroken row of ticks with charge in one channel, one trigger primitive or several that overlap. Runs whose channels
and ticks come within the limits belong together, and so do all that such steps connect. The limits are those by which ingest
makes clusters of trigger primitives, but those grow in time order and never merge: one group may be several such clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from python.data.sparse_images import SparseImages

CHANNEL_LIMIT = 2  # apart at most
TICK_LIMIT = 3  # empty ticks between, at most
MIDDLE = (3, 18)  # channels and ticks, 1.4 cm, within which a main cluster's box reaches the middle of its volume


@dataclass(frozen=True)
class Runs:
    """R runs, arrays (R,), in order of image, channel and tick.

    `image` number of the volume, `channel` and `first_tick`, `last_tick` of its window, `charge` ADC sum, `tick` charge-weighted
    mean, `peak` largest ADC.
    """

    image: np.ndarray
    channel: np.ndarray
    first_tick: np.ndarray
    last_tick: np.ndarray
    charge: np.ndarray
    tick: np.ndarray
    peak: np.ndarray

    def __len__(self) -> int:
        return len(self.image)


@dataclass(frozen=True)
class Blips:
    """B blips, arrays (B,), those of volume i at `indptr[i]:indptr[i + 1]` (N + 1,): the main cluster,
    then the others, most charge first.

    `charge` ADC sum; `channel`, `tick` charge-weighted means; `n_runs`; `first_channel`, `last_channel`, `first_tick`,
    `last_tick` the box that holds it, borders included; `peak` largest ADC. `runs` are those of all, `of_run` (R,) their blips.
    """

    indptr: np.ndarray
    image: np.ndarray
    charge: np.ndarray
    channel: np.ndarray
    tick: np.ndarray
    n_runs: np.ndarray
    first_channel: np.ndarray
    last_channel: np.ndarray
    first_tick: np.ndarray
    last_tick: np.ndarray
    peak: np.ndarray
    runs: Runs
    of_run: np.ndarray

    def __len__(self) -> int:
        return len(self.image)


def find_blips(volumes: SparseImages, channel_limit: int = CHANNEL_LIMIT, tick_limit: int = TICK_LIMIT) -> Blips:
    """The blips of `volumes`, images with channels in rows and ticks in columns."""
    runs = find_runs(volumes)
    label = _connected(runs, volumes.shape, channel_limit, tick_limit)
    n = int(label.max(initial=-1)) + 1
    charge = np.bincount(label, weights=runs.charge, minlength=n)
    image = np.zeros(n, np.int64)
    image[label] = runs.image
    place = np.empty(n, np.int64)
    order = np.lexsort((-charge, ~_is_main(runs, label, charge, image, volumes.shape), image))
    place[order] = np.arange(n)
    of_run = place[label]
    charge, image = charge[order], image[order]

    by_blip = np.argsort(of_run, kind="stable")
    n_runs = np.bincount(of_run, minlength=n)
    first_run = np.cumsum(n_runs) - n_runs

    def over(reduction: np.ufunc, values: np.ndarray) -> np.ndarray:
        return reduction.reduceat(values[by_blip], first_run) if n else values[:0]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(of_run, weights=runs.charge * values, minlength=n) / charge

    return Blips(
        indptr=np.searchsorted(image, np.arange(len(volumes) + 1)),
        image=image,
        charge=charge,
        channel=mean(runs.channel),
        tick=mean(runs.tick),
        n_runs=n_runs,
        first_channel=over(np.minimum, runs.channel),
        last_channel=over(np.maximum, runs.channel),
        first_tick=over(np.minimum, runs.first_tick),
        last_tick=over(np.maximum, runs.last_tick),
        peak=over(np.maximum, runs.peak),
        runs=runs,
        of_run=of_run,
    )


def _is_main(
    runs: Runs, label: np.ndarray, charge: np.ndarray, image: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Whether each blip (B,) is the main cluster of its volume: of those whose box reaches the middle that with most charge.

    A volume is centred on its main cluster. Where nothing reaches the middle, as on a plane whose place comes from the other
    planes, it is the blip with most charge.
    """
    n = len(charge)
    central = np.ones(n, bool)
    middles = zip(((runs.channel, runs.channel), (runs.first_tick, runs.last_tick)), shape, MIDDLE, strict=True)
    for (first, last), side, reach in middles:
        low, high = np.full(n, side), np.full(n, -1)
        np.minimum.at(low, label, first)
        np.maximum.at(high, label, last)
        central &= (low - reach <= (side - 1) / 2) & ((side - 1) / 2 <= high + reach)
    best_first = np.lexsort((-charge, ~central, image))
    main = np.zeros(n, bool)
    main[best_first[np.flatnonzero(np.diff(image[best_first], prepend=-1))]] = True
    return main


def find_runs(volumes: SparseImages) -> Runs:
    """The runs of `volumes`, images with channels in rows and ticks in columns."""
    image, channel, tick = volumes.pixels()
    n_channels, n_ticks = volumes.shape
    place = (image * n_channels + channel) * (
        n_ticks + 1
    ) + tick  # the last tick does not touch the next channel's first
    charge = volumes.data.astype(np.float64)
    if np.any(place[1:] < place[:-1]):
        order = np.argsort(place, kind="stable")
        image, channel, tick, place, charge = (values[order] for values in (image, channel, tick, place, charge))
    first = np.flatnonzero(np.diff(place, prepend=-2) != 1)
    last = np.append(first[1:], len(place)) - 1
    if len(place) == 0:
        first = last = np.empty(0, np.int64)
    sums = [np.add.reduceat(values, first) if len(first) else charge for values in (charge, charge * tick)]
    peak = np.maximum.reduceat(charge, first) if len(first) else charge
    return Runs(image[first], channel[first], tick[first], tick[last], sums[0], sums[1] / sums[0], peak)


def boxes_of(volumes: SparseImages) -> list[np.ndarray]:
    """For each volume the boxes round its blips, int64 (B, 5), main cluster first, as its picture (ticks, channels) shows them.

    The columns are first row, last row, first column and last column, borders included, and 1 for the main cluster, else 0.
    """
    blips = find_blips(volumes)
    is_main = np.zeros(len(blips), np.int64)
    is_main[blips.indptr[:-1][np.diff(blips.indptr) > 0]] = 1
    boxes = np.column_stack([blips.first_tick, blips.last_tick, blips.first_channel, blips.last_channel, is_main])
    return np.split(boxes, blips.indptr[1:-1])


def _connected(runs: Runs, shape: tuple[int, int], channel_limit: int, tick_limit: int) -> np.ndarray:
    """A number (R,) for each run, equal where steps within the limits connect two."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_channels, n_ticks = shape
    reach = tick_limit + 1  # of the first tick of one from the last of the other
    line = n_ticks + reach  # long enough that no step leads to another channel's ticks, nor to another image's channels
    start_of_line = (runs.image * (n_channels + channel_limit) + runs.channel) * line
    # runs of one channel are disjoint: first and last ticks, counted on from line to line, are both in ascending order
    first, last = start_of_line + runs.first_tick, start_of_line + runs.last_tick
    pairs = []
    for step in range(channel_limit + 1):
        low = np.searchsorted(last, first + step * line - reach, side="left")
        high = np.searchsorted(first, last + step * line + reach, side="right")
        pairs.append(_ranges(low, np.maximum(high, low)))
    one, other = np.concatenate(pairs, axis=1)
    links = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(runs), len(runs)))
    return connected_components(links, directed=False)[1]


def _ranges(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Each row number i with all numbers of low[i]:high[i], (2, pairs)."""
    counts = high - low
    before = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(low)), counts)
    return np.stack([owner, np.arange(len(owner)) - before[owner] + low[owner]])
