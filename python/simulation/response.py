"""Response of wires and electronics: from the charge on the wires to trigger primitives.

The charge on a wire, tick by tick, is convolved with the plane's kernel (ADC per electron, tables/response_kernel.json), noise is
added, samples are rounded, and every run of samples above threshold becomes a trigger primitive, as the readout makes them: the
comparison is strict, the integral is that of all its samples above the pedestal.

Charge induces signals on the wires beside its own too: on the induction planes the same, weaker; on the collection plane one
that rises while the charge comes near and swings back when it goes to its own wire. To the reference files that matters: signals
of a lone wire and of the wires inside a track otherwise come out wrong in opposite directions, by tens of percent on the
induction planes; on the collection plane peaks spread nearly twice as wide.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from python.detector.geometry import (
    CHANNELS_PER_APA,
    N_APAS,
    PLANES,
    THRESHOLD_ADC,
    TICKS_PER_WINDOW,
    WRAP,
    X_CHANNELS_PER_FACE,
    X,
    global_channel,
    locate_channel,
)
from python.ingest.trigger_primitives import TriggerPrimitives
from python.physics.compiled import kernel
from python.simulation.noise import N_TAPS, NOISE_FILTER, draw_noise
from python.simulation.records import Charge

KERNEL_TABLE = Path(__file__).parent / "tables" / "response_kernel.json"
FAINT_ADC = 3.0  # charge that cannot give this much is left out: noise a wire has all the same
SEPARATE_TICKS = 80  # charge farther apart on a wire is treated apart: signals last 49 ticks
N_COLUMNS = 9  # event, channel, start, sot, to_peak, integral, peak, electrons, signal electrons


class Kernels(NamedTuple):
    """Signal of an electron, in rows U, V, X, on its own wire and on each wire beside it.

    `taps` (3, 2, K) ADC, the first `first_lag` ticks after the electron's arrival; `top` (3,) ADC, the highest on the own wire;
    `height` (3, 2) of both signals over that; `high_lags` (3, 2, 2) first and last lag at which each has half its height or
    more.
    """

    taps: np.ndarray
    first_lag: int
    top: np.ndarray
    height: np.ndarray
    high_lags: np.ndarray


@cache
def response_kernels() -> Kernels:
    """Load the table of the measured response."""
    table = json.loads(KERNEL_TABLE.read_text())
    signals = table["adc_per_electron"], table["adc_per_electron_beside"]
    taps = np.array([[signal[plane] for signal in signals] for plane in PLANES])
    top = taps.max(axis=2)
    high = [[np.flatnonzero(signal >= signal.max() / 2)[[0, -1]] for signal in pair] for pair in taps]
    return Kernels(taps, table["first_lag"], top[:, 0], top / top[:, :1], np.array(high) + table["first_lag"])


def respond(
    charge: Charge, n_events: int, rng: np.random.Generator, min_sot: int = 2, noise: bool = True
) -> tuple[TriggerPrimitives, np.ndarray, np.ndarray]:
    """Make the trigger primitives, of at least `min_sot` samples, of events 0 to `n_events` - 1.

    Returns them in canonical order, with `signal` (N,) bool, whether more than half of the electrons in a primitive are the
    neutrino interaction's, and `electrons` (N,), their number, 0 where it is noise. Electrons are in a primitive when a sample
    in which their signal has half its height or more is; those of the wires beside count by the height of what they induce.
    `noise` adds noise to the charge, and primitives of noise alone elsewhere.
    """
    kernels = response_kernels()
    seen, beside = seen_by_wires(charge)
    first = _stretches(seen)
    last = np.append(first, len(seen))[1:]
    plane = locate_channel(seen.channel).plane
    highest = seen.electrons * kernels.height[plane, beside] * kernels.top[plane]
    bright = np.add.reduceat(highest, first) > FAINT_ADC
    first, last = first[bright], last[bright]
    begin = np.maximum(seen.tick[first] + kernels.first_lag, 0)
    end = np.minimum(seen.tick[last - 1] + kernels.first_lag + kernels.taps.shape[2], TICKS_PER_WINDOW)
    felt = _Felt(seen.event, seen.channel, seen.tick, seen.electrons, seen.signal_electrons, beside)
    stretches = _Stretches(plane[first], first, last, begin, end)
    noise_filter = NOISE_FILTER if noise else np.zeros_like(NOISE_FILTER)
    rows = _respond(felt, stretches, kernels, noise_filter, min_sot, rng)
    if noise:
        alone = draw_noise(n_events, min_sot, rng)
        alone = alone[_outside(alone, _wire(seen)[first], begin, end)]
        rows = np.concatenate([rows, np.pad(alone, ((0, 0), (0, 2))).astype(float)])
    tps = TriggerPrimitives(*rows[:, :7].astype(np.int64).T.copy())
    order = tps.order()
    electrons, signal_electrons = rows[order, 7], rows[order, 8]
    return tps.take(order), 2 * signal_electrons > electrons, electrons


def seen_by_wires(charge: Charge) -> tuple[Charge, np.ndarray]:
    """Return `charge` once for its own wire and once for each wire beside, sorted by event, channel, tick, and 1 where beside.

    U and V go on at the end of their channel numbers where they begin; the wires of X end at the edges of each face. What is
    too little to be seen beside is not repeated there.
    """
    kernels = response_kernels()
    place = locate_channel(charge.channel)
    first = _stretches(charge)
    together = np.repeat(np.add.reduceat(charge.electrons, first), np.diff(np.append(first, len(charge))))
    is_felt = together * kernels.top[place.plane] * kernels.height[place.plane, 1] > FAINT_ADC / 2
    parts = [charge]
    for step in (-1, 1):
        local = place.local + step
        exists = (place.plane != X) | (local // X_CHANNELS_PER_FACE == place.local // X_CHANNELS_PER_FACE)
        local = np.where(place.plane == X, local, local % WRAP)
        part = charge.take(is_felt & exists)
        part.channel = global_channel(place.apa, place.plane, local)[is_felt & exists]
        parts.append(part)
    seen = Charge.concatenate(parts)
    beside = (np.arange(len(seen)) >= len(charge)).astype(np.int64)
    order = np.argsort(_wire(seen) * TICKS_PER_WINDOW + seen.tick, kind="stable")
    return seen.take(order), beside[order]


def _wire(charge: Charge) -> np.ndarray:
    return charge.event * (N_APAS * CHANNELS_PER_APA) + charge.channel


def _stretches(charge: Charge) -> np.ndarray:
    """First record of each stretch of a wire that has charge."""
    return np.flatnonzero(
        (np.diff(_wire(charge), prepend=-1) != 0) | (np.diff(charge.tick, prepend=0) > SEPARATE_TICKS)
    )


def _outside(rows: np.ndarray, wire: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether primitives keep clear of the stretches [begin, end) of `wire`, which are sorted and have noise already."""
    if not len(wire):
        return np.ones(len(rows), bool)
    here = (rows[:, 0] * (N_APAS * CHANNELS_PER_APA) + rows[:, 1]) * 2 * TICKS_PER_WINDOW
    period = wire * 2 * TICKS_PER_WINDOW
    last = np.searchsorted(period + begin, here + rows[:, 2] + rows[:, 3], side="right") - 1
    return (last < 0) | ((period + end)[last] < here + rows[:, 2])


class _Felt(NamedTuple):
    """What the wires feel (C,): the columns of `Charge`, and 1 where it is charge of a wire beside."""

    event: np.ndarray
    channel: np.ndarray
    tick: np.ndarray
    electrons: np.ndarray
    signal_electrons: np.ndarray
    beside: np.ndarray


class _Stretches(NamedTuple):
    """Stretches of wire (S,) with their charges, `first` to before `last`, and samples, from tick `begin` to before `end`."""

    plane: np.ndarray
    first: np.ndarray
    last: np.ndarray
    begin: np.ndarray
    end: np.ndarray


@kernel
def _respond(felt, stretches, kernels, noise_filter, min_sot, rng):
    """Rows (N, N_COLUMNS) of the primitives of each stretch of wire."""
    rows = np.empty((64 + len(felt.tick) // 8, N_COLUMNS))
    n_rows = 0
    for i in range(len(stretches.begin)):
        first, plane, begin = stretches.first[i], stretches.plane[i], stretches.begin[i]
        threshold = THRESHOLD_ADC[plane]
        adc = _waveform(felt, stretches, i, kernels, noise_filter[plane], rng)
        start = 0
        while start < len(adc):
            stop = start
            while stop < len(adc) and adc[stop] > threshold:
                stop += 1
            if stop - start >= max(min_sot, 1):
                if n_rows == len(rows):
                    rows = np.concatenate((rows, np.empty_like(rows)))
                row = rows[n_rows]
                row[0], row[1] = felt.event[first], felt.channel[first]
                row[2], row[3] = begin + start, stop - start
                row[4] = np.argmax(adc[start:stop])
                row[5], row[6] = adc[start:stop].sum(), adc[start:stop].max()
                row[7] = row[8] = 0
                for k in range(first, stretches.last[i]):
                    first_high, last_high = kernels.high_lags[plane, felt.beside[k]]
                    if begin + start - last_high <= felt.tick[k] < begin + stop - first_high:
                        row[7] += felt.electrons[k] * kernels.height[plane, felt.beside[k]]
                        row[8] += felt.signal_electrons[k] * kernels.height[plane, felt.beside[k]]
                n_rows += 1
            start = stop + 1
    return rows[:n_rows]


@kernel
def _waveform(felt, stretches, i, kernels, noise_filter, rng):
    """Samples of stretch `i`, in whole ADC, with noise of the filter of its plane."""
    taps, begin = kernels.taps[stretches.plane[i]], stretches.begin[i]
    adc = np.zeros(stretches.end[i] - begin)
    for k in range(stretches.first[i], stretches.last[i]):
        shift = felt.tick[k] + kernels.first_lag - begin
        for lag in range(max(0, -shift), min(taps.shape[1], len(adc) - shift)):
            adc[shift + lag] += felt.electrons[k] * taps[felt.beside[k], lag]
    if noise_filter[0] > 0:
        white = rng.standard_normal(len(adc) + N_TAPS - 1)
        for sample in range(len(adc)):
            noise = 0.0
            for tap in range(N_TAPS):
                noise += noise_filter[tap] * white[sample + tap]
            adc[sample] += noise
    return np.rint(adc)
