"""Response of wires and electronics: from the charge on the wires to trigger primitives.

The charge on a wire, tick by tick, is convolved with the plane's kernel (ADC per electron, tables/response_kernel.json), noise is
added, samples are rounded, and every run of samples above threshold becomes a trigger primitive, as the readout makes them: the
comparison is strict, the integral is that of all its samples above the pedestal.

Charge that passes an induction wire induces the same signal, weaker, on the wires beside it. To the reference files that matters:
signals of a lone wire and of the wires inside a track otherwise come out wrong in opposite directions, by tens of percent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from python.data.geometry import (
    CHANNELS_PER_APA,
    N_APAS,
    PLANES,
    THRESHOLD_ADC,
    TICKS_PER_WINDOW,
    WRAP,
    X,
    global_channel,
    locate_channel,
)
from python.ingest.trigger_primitives import TriggerPrimitives
from python.simulation.compiled import kernel
from python.simulation.noise import N_TAPS, NOISE_FILTER, draw_noise
from python.simulation.records import Charge

KERNEL_TABLE = Path(__file__).parent / "tables" / "response_kernel.json"
SEPARATE_TICKS = 80  # charge farther apart on a wire is treated apart: signals last 49 ticks
N_COLUMNS = 9  # event, channel, start, sot, to_peak, integral, peak, electrons, signal electrons


@dataclass(frozen=True)
class Kernels:
    """Signal of an electron, in rows U, V, X.

    `taps` (3, K) ADC, the first `first_lag` ticks after the electron's arrival; `neighbour_share` (3,) of it on the wires beside;
    `high_lags` (3, 2) first and last lag at which it has half its height or more.
    """

    taps: np.ndarray
    first_lag: int
    neighbour_share: np.ndarray
    high_lags: np.ndarray


@cache
def response_kernels() -> Kernels:
    """Load the table of the measured response."""
    table = json.loads(KERNEL_TABLE.read_text())
    taps = np.array([table["adc_per_electron"][plane] for plane in PLANES])
    high = [np.flatnonzero(signal >= signal.max() / 2)[[0, -1]] for signal in taps]
    share = np.array([table["neighbour_share"][plane] for plane in PLANES])
    return Kernels(taps, table["first_lag"], share, np.array(high) + table["first_lag"])


def respond(
    charge: Charge, n_events: int, rng: np.random.Generator, min_sot: int = 2, noise: bool = True
) -> tuple[TriggerPrimitives, np.ndarray, np.ndarray]:
    """Make the trigger primitives, of at least `min_sot` samples, of events 0 to `n_events` - 1.

    Returns them in canonical order, with `signal` (N,) bool, whether more than half of the electrons in a primitive are the
    neutrino interaction's, and `electrons` (N,), their number, 0 where it is noise. Electrons are in a primitive when a sample
    in which their signal has half its height or more is; those of the wires beside count by the share that is seen of them.
    `noise` adds noise to the charge, and primitives of noise alone elsewhere.
    """
    kernels = response_kernels()
    seen = _seen_by_wires(charge, kernels.neighbour_share)
    wire = seen.event * (N_APAS * CHANNELS_PER_APA) + seen.channel
    first = np.flatnonzero((np.diff(wire, prepend=-1) != 0) | (np.diff(seen.tick, prepend=0) > SEPARATE_TICKS))
    bounds = np.append(first, len(seen))
    begin = np.maximum(seen.tick[first] + kernels.first_lag, 0)
    end = np.minimum(seen.tick[bounds[1:] - 1] + kernels.first_lag + kernels.taps.shape[1], TICKS_PER_WINDOW)
    rows = _respond(
        seen.event, seen.channel, seen.tick, seen.electrons, seen.signal_electrons,
        locate_channel(seen.channel[first]).plane, bounds, begin, end, kernels.taps, kernels.first_lag, kernels.high_lags,
        NOISE_FILTER if noise else np.zeros_like(NOISE_FILTER), min_sot, rng,
    )  # fmt: skip
    if noise:
        alone = draw_noise(n_events, min_sot, rng)
        alone = alone[_outside(alone, wire[first], begin, end)]
        rows = np.concatenate([rows, np.pad(alone, ((0, 0), (0, 2))).astype(float)])
    tps = TriggerPrimitives(*rows[:, :7].astype(np.int64).T.copy())
    order = tps.order()
    electrons, signal_electrons = rows[order, 7], rows[order, 8]
    return tps.take(order), 2 * signal_electrons > electrons, electrons


def _seen_by_wires(charge: Charge, neighbour_share: np.ndarray) -> Charge:
    """Return `charge` and the share of it that the induction wires on either side see, sorted by event, channel, tick."""
    place = locate_channel(charge.channel)
    induction = np.flatnonzero(place.plane != X)
    beside = charge.take(induction)
    apa, plane, local = place.apa[induction], place.plane[induction], place.local[induction]
    share = neighbour_share[plane]
    parts = [charge]
    for step in (-1, 1):
        channel = global_channel(apa, plane, (local + step) % WRAP)
        electrons, signal_electrons = beside.electrons * share, beside.signal_electrons * share
        parts.append(Charge(beside.event, channel, beside.tick, electrons, signal_electrons))
    seen = Charge.concatenate(parts)
    wire = seen.event * (N_APAS * CHANNELS_PER_APA) + seen.channel
    return seen.take(np.argsort(wire * TICKS_PER_WINDOW + seen.tick, kind="stable"))


def _outside(rows: np.ndarray, wire: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether primitives keep clear of the stretches [begin, end) of `wire`, which are sorted and have noise already."""
    if not len(wire):
        return np.ones(len(rows), bool)
    here = (rows[:, 0] * (N_APAS * CHANNELS_PER_APA) + rows[:, 1]) * 2 * TICKS_PER_WINDOW
    period = wire * 2 * TICKS_PER_WINDOW
    last = np.searchsorted(period + begin, here + rows[:, 2] + rows[:, 3], side="right") - 1
    return (last < 0) | ((period + end)[last] < here + rows[:, 2])


@kernel
def _respond(
    event, channel, tick, electrons, signal_electrons, plane, bounds, begin, end, taps, first_lag, high_lags, noise_filter,
    min_sot, rng,
):  # fmt: skip
    """Rows (N, N_COLUMNS) of the primitives of each stretch of wire: charges bounds[i]:bounds[i + 1], samples begin to end."""
    rows = np.empty((64 + len(tick) // 8, N_COLUMNS))
    n_rows = 0
    for i in range(len(begin)):
        charges = range(bounds[i], bounds[i + 1])
        threshold = THRESHOLD_ADC[plane[i]]
        adc = _waveform(
            tick, electrons, charges, begin[i], end[i], taps[plane[i]], first_lag, noise_filter[plane[i]], rng
        )
        start = 0
        while start < len(adc):
            stop = start
            while stop < len(adc) and adc[stop] > threshold:
                stop += 1
            if stop - start >= max(min_sot, 1):
                if n_rows == len(rows):
                    rows = np.concatenate((rows, np.empty_like(rows)))
                row = rows[n_rows]
                row[0], row[1] = event[bounds[i]], channel[bounds[i]]
                row[2], row[3] = begin[i] + start, stop - start
                row[4] = np.argmax(adc[start:stop])
                row[5], row[6] = adc[start:stop].sum(), adc[start:stop].max()
                row[7] = row[8] = 0
                for k in charges:
                    if begin[i] + start - high_lags[plane[i], 1] <= tick[k] < begin[i] + stop - high_lags[plane[i], 0]:
                        row[7] += electrons[k]
                        row[8] += signal_electrons[k]
                n_rows += 1
            start = stop + 1
    return rows[:n_rows]


@kernel
def _waveform(tick, electrons, charges, begin, end, taps, first_lag, noise_filter, rng):
    """Samples of a wire from tick `begin` to before `end`, in whole ADC."""
    adc = np.zeros(end - begin)
    for k in charges:
        shift = tick[k] + first_lag - begin
        for lag in range(max(0, -shift), min(len(taps), len(adc) - shift)):
            adc[shift + lag] += electrons[k] * taps[lag]
    if noise_filter[0] > 0:
        white = rng.standard_normal(len(adc) + N_TAPS - 1)
        for sample in range(len(adc)):
            noise = 0.0
            for tap in range(N_TAPS):
                noise += noise_filter[tap] * white[sample + tap]
            adc[sample] += noise
    return np.rint(adc)
