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
    DUNE_1X2X2,
    LARGEST,
    PLANES,
    THRESHOLD_ADC,
    TICKS_PER_WINDOW,
    WRAP,
    X_CHANNELS_PER_FACE,
    Geometry,
    X,
    global_channel,
    locate_channel,
)
from python.ingest.trigger_primitives import TriggerPrimitives
from python.physics.compiled import kernel
from python.simulation.noise import draw_noise, noise_record
from python.simulation.records import Charge

KERNEL_TABLE = Path(__file__).parent / "tables" / "response_kernel.json"
FAINT_ADC = 3.0  # charge that cannot give this much is left out: noise a wire has all the same
SEPARATE_TICKS = 80  # charge farther apart on a wire is treated apart: signals last 49 ticks
ALL_CHANNELS = LARGEST.n_channels
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
    charge: Charge,
    n_events: int,
    rng: np.random.Generator,
    min_sot: int = 2,
    noise: bool = True,
    geometry: Geometry = DUNE_1X2X2,
) -> tuple[TriggerPrimitives, np.ndarray, np.ndarray]:
    """Make the trigger primitives, of at least `min_sot` samples, of events 0 to `n_events` - 1.

    Returns them in canonical order, with `signal` (N,) bool, whether more than half of the electrons in a primitive are the
    neutrino interaction's, and `electrons` (N,), their number, 0 where it is noise. Electrons are in a primitive when a sample
    in which their signal has half its height or more is; those of the wires beside count by the height of what they induce.
    `noise` adds noise to the charge, and primitives of noise alone elsewhere in the `geometry`.
    """
    kernels = response_kernels()
    felt = felt_by_wires(charge)
    stretches = _bright_stretches(charge, felt, kernels)
    electrons = _Electrons(charge.tick, charge.electrons, charge.signal_electrons)
    record = noise_record() if noise else np.zeros((len(PLANES), TICKS_PER_WINDOW), np.float32)
    rows = _respond((electrons, felt), stretches, kernels, record, min_sot, rng)
    if noise:
        alone = draw_noise(n_events, min_sot, rng, geometry)
        alone = alone[_outside(alone, stretches)]
        rows = np.concatenate([rows, np.pad(alone, ((0, 0), (0, 2))).astype(float)])
    tps = TriggerPrimitives(*rows[:, :7].astype(np.int64).T.copy())
    order = tps.order()
    inside, signal_inside = rows[order, 7], rows[order, 8]
    return tps.take(order), 2 * signal_inside > inside, inside


class Felt(NamedTuple):
    """Stretches of charge and who feels them (F,), sorted by `wire` = event * all channels + channel, and time.

    The charges are the records `first` to before `last`, which arrive from tick `begin` to tick `end` on the wire itself, or on
    one beside it where `beside` is 1.
    """

    wire: np.ndarray
    first: np.ndarray
    last: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    beside: np.ndarray


def felt_by_wires(charge: Charge) -> Felt:
    """Tell which wires feel each stretch of `charge`: its own and those beside.

    U and V go on at the end of their channel numbers where they begin; the wires of X end at the edges of each face. What is
    too little to be seen beside is not felt there.
    """
    kernels = response_kernels()
    wire = charge.event * ALL_CHANNELS + charge.channel
    first = np.flatnonzero((np.diff(wire, prepend=-1) != 0) | (np.diff(charge.tick, prepend=0) > SEPARATE_TICKS))
    last = np.append(first, len(charge))[1:]
    place = locate_channel(charge.channel[first])
    is_bright = np.add.reduceat(charge.electrons, first) * kernels.top[place.plane] > FAINT_ADC / 2
    own = np.arange(len(first))
    parts = [(wire[first], own, np.zeros_like(own))]
    for step in (-1, 1):
        local = place.local + step
        exists = (place.plane != X) | (local // X_CHANNELS_PER_FACE == place.local // X_CHANNELS_PER_FACE)
        local = np.where(place.plane == X, local, local % WRAP)
        neighbour = charge.event[first] * ALL_CHANNELS + global_channel(place.apa, place.plane, local)
        feels = own[exists & is_bright]
        parts.append((neighbour[feels], feels, np.ones_like(feels)))
    wire, source, beside = (np.concatenate(column) for column in zip(*parts, strict=True))
    begin, end = charge.tick[first], charge.tick[last - 1]
    order = np.argsort(wire * TICKS_PER_WINDOW + begin[source], kind="stable")
    source = source[order]
    return Felt(wire[order], first[source], last[source], begin[source], end[source], beside[order])


class _Stretches(NamedTuple):
    """Stretches of wire (S,) with what they feel, `first` to before `last`, and samples, from tick `begin` to before `end`."""

    wire: np.ndarray
    plane: np.ndarray
    first: np.ndarray
    last: np.ndarray
    begin: np.ndarray
    end: np.ndarray


def _bright_stretches(charge: Charge, felt: Felt, kernels: Kernels) -> _Stretches:
    """Join what a wire feels at about the same time, and leave out where all is too faint."""
    period = felt.wire * 2 * TICKS_PER_WINDOW
    latest = np.maximum.accumulate(period + felt.end)
    first = np.flatnonzero(np.append(-TICKS_PER_WINDOW, latest)[:-1] + SEPARATE_TICKS < period + felt.begin)
    last = np.append(first, len(felt.wire))[1:]
    plane = locate_channel(felt.wire[first] % ALL_CHANNELS).plane
    so_far = np.concatenate([[0.0], np.cumsum(charge.electrons)])
    of_plane = np.repeat(plane, last - first)
    highest = (so_far[felt.last] - so_far[felt.first]) * (kernels.height[of_plane, felt.beside] * kernels.top[of_plane])
    bright = np.add.reduceat(highest, first) > FAINT_ADC
    first, last, plane = first[bright], last[bright], plane[bright]
    begin = np.maximum(felt.begin[first] + kernels.first_lag, 0)
    latest_tick = (latest - period)[last - 1]
    end = np.minimum(latest_tick + kernels.first_lag + kernels.taps.shape[2], TICKS_PER_WINDOW)
    return _Stretches(felt.wire[first], plane, first, last, begin, end)


def _outside(rows: np.ndarray, stretches: _Stretches) -> np.ndarray:
    """Whether primitives keep clear of the stretches, which are sorted and have noise already."""
    if not len(stretches.wire):
        return np.ones(len(rows), bool)
    here = (rows[:, 0] * ALL_CHANNELS + rows[:, 1]) * 2 * TICKS_PER_WINDOW
    period = stretches.wire * 2 * TICKS_PER_WINDOW
    last = np.searchsorted(period + stretches.begin, here + rows[:, 2] + rows[:, 3], side="right") - 1
    return (last < 0) | ((period + stretches.end)[last] < here + rows[:, 2])


class _Electrons(NamedTuple):
    """Columns of `Charge` (C,)."""

    tick: np.ndarray
    electrons: np.ndarray
    signal_electrons: np.ndarray


@kernel
def _respond(felt_charge, stretches, kernels, record, min_sot, rng):
    """Rows (N, N_COLUMNS) of the primitives of each stretch of wire, with noise from random places of the `record`."""
    charge, felt = felt_charge
    rows = np.empty((64 + 2 * len(stretches.wire), N_COLUMNS))
    n_rows = 0
    waveform = np.empty(TICKS_PER_WINDOW, np.float32)
    taps = kernels.taps.astype(np.float32)
    for i in range(len(stretches.wire)):
        plane, begin, length = stretches.plane[i], stretches.begin[i], stretches.end[i] - stretches.begin[i]
        adc = waveform[:length]
        adc[:] = 0.0
        for k in range(stretches.first[i], stretches.last[i]):
            for j in range(felt.first[k], felt.last[k]):
                shift = charge.tick[j] + kernels.first_lag - begin
                _add(adc, shift, np.float32(charge.electrons[j]), taps[plane, felt.beside[k]])
        _add_noise(adc, record[plane], int(rng.random() * (record.shape[1] - length)))
        threshold = np.float32(THRESHOLD_ADC[plane])
        start = 0
        while start < length:
            if adc[start] <= threshold:
                start += 1
                continue
            stop = start + 1
            while stop < length and adc[stop] > threshold:
                stop += 1
            if stop - start >= min_sot:
                if n_rows == len(rows):
                    rows = np.concatenate((rows, np.empty_like(rows)))
                row = rows[n_rows]
                row[0], row[1] = stretches.wire[i] // ALL_CHANNELS, stretches.wire[i] % ALL_CHANNELS
                row[2], row[3] = begin + start, stop - start
                _measure(adc[start:stop], row)
                _count(charge, felt, (stretches.first[i], stretches.last[i]), kernels, plane, row)
                n_rows += 1
            start = stop + 1
    return rows[:n_rows]


@kernel
def _add(adc, shift, electrons, taps):
    """Add the signal of electrons, which begins at sample `shift`."""
    first, last = max(0, -shift), min(len(taps), len(adc) - shift)
    samples, signal = (
        adc[shift + first : shift + last],
        taps[first:last],
    )  # slices, so that the loop becomes one over vectors
    for lag in range(len(samples)):
        samples[lag] += electrons * signal[lag]


@kernel
def _add_noise(adc, record, start):
    """Add the noise of a record from `start` on, and round to whole ADC."""
    noise = record[start : start + len(adc)]
    for sample in range(len(adc)):
        adc[sample] = np.rint(adc[sample] + noise[sample])


@kernel
def _measure(adc, row):
    """Write where the highest of the samples is, their sum, and its height."""
    row[4] = row[5] = row[6] = 0
    for sample in range(len(adc)):
        row[5] += adc[sample]
        if adc[sample] > row[6]:
            row[4], row[6] = sample, adc[sample]


@kernel
def _count(charge, felt, borders, kernels, plane, row):
    """Write how many electrons, and how many of the neutrino interaction, the primitive of a row holds."""
    start, stop = row[2], row[2] + row[3]
    row[7] = row[8] = 0
    for k in range(borders[0], borders[1]):
        height = kernels.height[plane, felt.beside[k]]
        first_high, last_high = kernels.high_lags[plane, felt.beside[k]]
        for j in range(felt.first[k], felt.last[k]):
            if start - last_high <= charge.tick[j] < stop - first_high:
                row[7] += charge.electrons[j] * height
                row[8] += charge.signal_electrons[j] * height
