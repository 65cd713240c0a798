"""Electronics noise: correlated Gaussian samples, and the trigger primitives that noise makes by itself.

Noise is white noise through a short filter. Amplitude and filter of each plane were fitted to the 82 thousand noise primitives of
the reference files `es_tpstream.root` and `cc_tpstream.root`, on channels without charge within 6 channels of them:
- The amplitude follows from the share of samples over threshold (primitives per channel and tick, 1.87e-5 on U and V, 2.31e-5 on
  X, times their mean length): a Gaussian of 17.24 and 14.91 ADC exceeds 70.5 and 60.5 ADC that often. A sample counts once
  rounded, hence the half. Their mean excess over threshold, 4.45 and 3.92 ADC, agrees.
- The filter reproduces the shares of lengths 1, 2, 3 and more (0.860, 0.125, 0.015, 0.0007; X 0.933, 0.061, 0.006, 0.0006)
  and of primitives that are followed by another after one sample below threshold (0.0034; X 0.0050). Beyond that distance
  primitives come at random, so samples five ticks apart are taken as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from python.detector.geometry import (
    DUNE_1X2X2,
    LARGEST,
    THRESHOLD_ADC,
    TICKS_PER_WINDOW,
    Geometry,
    U,
    V,
    X,
    global_channel,
)

NOISE_RMS_ADC = np.array([17.24, 17.24, 14.91])
FILTER_SHAPE = np.array(
    [[1, 0.946, 0.919, 0.517, 0.217], [1, 0.946, 0.919, 0.517, 0.217], [1, 0.723, 0.622, 0.284, 0.185]]
)
N_TAPS = FILTER_SHAPE.shape[1]
NOISE_FILTER = (
    FILTER_SHAPE * (NOISE_RMS_ADC / np.linalg.norm(FILTER_SHAPE, axis=1))[:, None]
)  # ADC, on unit white noise

N_CHANNELS = {U: 800, V: 800, X: 960}  # of an APA
LIBRARY_SIZE, LIBRARY_SEED = 100_000, 20_240
RECORD_TICKS = 2**19
LIBRARY_BEFORE, LIBRARY_AFTER = N_TAPS, 12  # samples around the first over threshold; 12 in a row never occur


@dataclass(frozen=True)
class NoiseLibrary:
    """Excursions of one plane's noise over threshold, arrays of one length, in samples and ADC; `rate` per channel and tick."""

    rate: float
    sot: np.ndarray
    to_peak: np.ndarray
    integral: np.ndarray
    peak: np.ndarray


@cache
def noise_library(plane: int) -> NoiseLibrary:
    """Draw excursions of the noise of `plane`, the same at every call.

    Of a Gaussian process given the value v of one sample, the rest is a free draw plus correlation times (v - drawn value). So
    v is drawn from the tail over threshold; those draws whose sample before lies below threshold are the starts of excursions.
    """
    rng = np.random.default_rng([LIBRARY_SEED, plane])
    taps, rms, threshold = NOISE_FILTER[plane], NOISE_RMS_ADC[plane], THRESHOLD_ADC[plane]
    share_over = ndtr(-(threshold + 0.5) / rms)
    first = -rms * ndtri(share_over * rng.random(LIBRARY_SIZE))
    white = rng.standard_normal((LIBRARY_SIZE, LIBRARY_BEFORE + LIBRARY_AFTER + N_TAPS - 1))
    samples = np.lib.stride_tricks.sliding_window_view(white, N_TAPS, axis=1) @ taps
    distance = np.abs(np.arange(samples.shape[1]) - LIBRARY_BEFORE)
    correlation = np.correlate(taps, taps, "full")[N_TAPS - 1 :] / rms**2
    correlation = np.where(distance < N_TAPS, correlation[np.minimum(distance, N_TAPS - 1)], 0)
    samples += correlation * (first - samples[:, LIBRARY_BEFORE])[:, None]
    adc = np.rint(samples)
    adc = adc[adc[:, LIBRARY_BEFORE - 1] <= threshold][:, LIBRARY_BEFORE:]
    sot = np.argmin(adc > threshold, axis=1)
    adc = np.where(np.arange(LIBRARY_AFTER) < sot[:, None], adc, 0).astype(np.int64)
    rate = share_over * len(adc) / LIBRARY_SIZE
    return NoiseLibrary(float(rate), sot, adc.argmax(axis=1), adc.sum(axis=1), adc.max(axis=1))


@cache
def noise_record() -> np.ndarray:
    """A long stretch of noise of each plane (3, RECORD_TICKS) float32, the same at every call, to take pieces from at random."""
    white = np.random.default_rng(LIBRARY_SEED).standard_normal((len(NOISE_FILTER), RECORD_TICKS + N_TAPS - 1))
    return np.stack([np.convolve(row, taps, "valid") for row, taps in zip(white, NOISE_FILTER, strict=True)]).astype(
        "f4"
    )


def draw_noise(n_events: int, min_sot: int, rng: np.random.Generator, geometry: Geometry = DUNE_1X2X2) -> np.ndarray:
    """Trigger primitives of noise on all channels of `geometry`, those of at least `min_sot` samples.

    Rows (N, 7) int64 of event, channel, start, sot, to_peak, integral, peak; none touches another.
    """
    rows = np.concatenate([_draw_plane(plane, n_events, min_sot, rng, geometry.n_apas) for plane in (U, V, X)])
    wire = (rows[:, 0] * LARGEST.n_channels + rows[:, 1]) * 2 * TICKS_PER_WINDOW
    start, end = wire + rows[:, 2], wire + rows[:, 2] + rows[:, 3]
    order = np.argsort(start, kind="stable")
    free = np.ones(len(rows), bool)
    free[1:] = start[order][1:] > np.maximum.accumulate(end[order])[:-1]
    return rows[order[free]]


def _draw_plane(plane: int, n_events: int, min_sot: int, rng: np.random.Generator, n_apas: int) -> np.ndarray:
    library = noise_library(plane)
    usable = np.flatnonzero(library.sot >= min_sot)
    places = n_events * n_apas * N_CHANNELS[plane] * TICKS_PER_WINDOW
    n = rng.poisson(library.rate * places * len(usable) / len(library.sot)) if len(usable) else 0
    shape = usable[rng.integers(len(usable), size=n)] if n else np.zeros(0, np.int64)
    apa, local = rng.integers(n_apas, size=n), rng.integers(N_CHANNELS[plane], size=n)
    event, start = rng.integers(n_events, size=n), rng.integers(TICKS_PER_WINDOW - library.sot[shape] + 1)
    channel = global_channel(apa, plane, local)
    shapes = [column[shape] for column in (library.sot, library.to_peak, library.integral, library.peak)]
    return np.stack([event, channel, start, *shapes], axis=1)
