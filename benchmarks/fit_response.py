"""Fits the response kernels to the true charge and the trigger primitives of the reference files, and writes their table.

Signal of an electron, ADC by ticks after its arrival, G a Gaussian of unit area:
- U, V: a G(at, width) - r a G(return_at, return_width) + foot G(foot_at, foot_width): the current turns round when the charge
  passes the wire, and it begins faintly while the charge is still far. Wires beside see a share of the same.
- X: the area times a Gaussian convolved with an exponential that rises and one that falls: the current grows slowly while the
  charge comes near and ends when it is collected. Wires beside, which collect nothing, see b [G(near_at, near_width) -
  G(away_at, away_width)].

For each deposit and trial kernel the waveform is predicted with some fixed draws of noise; its primitive is the largest near the
charge, as in the files. The loss is robust (Huber) in the logarithms of integral and peak and in the ticks of start, end and
peak, each the mean over the draws less the real one, plus a penalty where real and predicted primitives are not both there. With
noise, because noise moves what is compared: the highest of several samples is higher than without, by 2 % on U and V. The simplex
method of Nelder and Mead minimises it. As a check kernels are fitted to the events of odd number and tried on the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.stats import exponnorm, norm

from benchmarks.record import REAL_FILES, save_result
from benchmarks.response_on_true_deposits import (
    QUANTILES,
    deposits_of,
    largest_primitive,
    quality,
    true_charge,
    wire_number,
)
from python.detector.geometry import (
    PEAK_OFFSET_TICKS,
    PLANES,
    THRESHOLD_ADC,
    locate_channel,
)
from python.general_purpose_libs import write_text
from python.ingest.root_reader import read_source
from python.physics.compiled import kernel
from python.simulation.noise import N_TAPS, NOISE_FILTER
from python.simulation.response import KERNEL_TABLE, felt_by_wires, response_kernels

LAGS = np.arange(-24, 25)
MIN_SOT = 2
PAD_TICKS = 48  # of a waveform before the first and after the last charge of a deposit
WINDOW_TICKS = (
    6  # a deposit's primitive overlaps the ticks of its charge, moved by PEAK_OFFSET_TICKS, give or take these
)
DRAWS, NOISE_SEED = 6, 1
QUANTITIES = ("integral", "peak", "start", "end", "peak_tick")
SCALES = np.array(
    [0.05, 0.1, 1.0, 0.5, 0.5]
)  # about the scatter of what is left: logarithms, ticks; integrals count double
PENALTY = 20.0
ROUNDS, TRIES_PER_ROUND, LEAST_GAIN = 10, 1000, 1e-3

# Where the search begins, and its first steps.
INDUCTION_START = {
    "U": [0.14, 1.05, -2.2, 3.6, 0.2, 3.2, 0.003, -9.0, 4.0, 0.22],
    "V": [0.13, 1.05, 2.6, 3.9, 5.2, 3.3, 0.003, -3.0, 4.0, 0.33],
}
INDUCTION_NAMES = (
    "area", "return_ratio", "at", "width", "return_at", "return_width", "foot", "foot_at", "foot_width", "share",
)  # fmt: skip
INDUCTION_STEPS = [0.01, 0.03, 0.4, 0.3, 0.4, 0.3, 0.003, 2.0, 1.0, 0.03]
COLLECTION_START = [0.165, 8.0, 2.1, 2.0, 0.7, 0.015, 3.0, 3.6, 7.0, 2.3]
COLLECTION_NAMES = (
    "area", "at", "width", "rise", "fall", "beside", "near_at", "near_width", "away_at", "away_width",
)  # fmt: skip
COLLECTION_STEPS = [0.004, 0.4, 0.2, 0.4, 0.3, 0.005, 1.0, 0.5, 1.0, 0.5]


def induction(parameters: np.ndarray) -> np.ndarray:
    """ADC (2, K) at LAGS of U or V, on the own wire and on each beside."""
    area, ratio, at, width, return_at, return_width, foot, foot_at, foot_width, share = parameters
    there, back = norm.pdf(LAGS, at, width), norm.pdf(LAGS, return_at, return_width)
    own = area * (there - ratio * back) + foot * norm.pdf(LAGS, foot_at, foot_width)
    return np.stack([own, share * own])


def collection(parameters: np.ndarray) -> np.ndarray:
    """ADC (2, K) at LAGS of X, on the own wire and on each beside.

    A Gaussian with a rising and a falling exponential, convolved in turn, is the sum of its convolutions with either, weighted by
    the times of these.
    """
    area, at, width, rise, fall, beside, near_at, near_width, away_at, away_width = parameters
    rising = exponnorm.pdf(-LAGS, rise / width, -at, width)
    falling = exponnorm.pdf(LAGS, fall / width, at, width)
    own = area * (rise * rising + fall * falling) / (rise + fall)
    return np.stack([own, beside * (norm.pdf(LAGS, near_at, near_width) - norm.pdf(LAGS, away_at, away_width))])


@dataclass(frozen=True)
class Shape:
    """A family of kernels: names of the parameters, the kernel (2, K) that they give, where to begin and with what steps."""

    names: tuple[str, ...]
    signal: Callable[[np.ndarray], np.ndarray]
    start: list[float]
    steps: list[float]


SHAPES = {
    **{name: Shape(INDUCTION_NAMES, induction, start, INDUCTION_STEPS) for name, start in INDUCTION_START.items()},
    "X": Shape(COLLECTION_NAMES, collection, COLLECTION_START, COLLECTION_STEPS),
}


@dataclass(frozen=True)
class Sample:
    """D deposits of one plane.

    `event` (D,); `stretch` (D, 4) first sample and length of its waveform in the arrays of N samples, first and last sample of
    the window for its primitive; `found` (D,) whether there is a real one, `real` (D, 5) its QUANTITIES, logarithms of the first
    two, ticks from the first sample. `own` and `beside` (N,) electrons, `noise` (DRAWS, N) ADC.
    """

    plane: int
    event: np.ndarray
    stretch: np.ndarray
    found: np.ndarray
    real: np.ndarray
    own: np.ndarray
    beside: np.ndarray
    noise: np.ndarray

    def take(self, rows: np.ndarray) -> Sample:
        """Return the deposits marked by `rows`."""
        parts = {name: getattr(self, name)[rows] for name in ("event", "stretch", "found", "real")}
        return replace(self, **parts)


def read_samples(paths: list[Path]) -> dict[str, Sample]:
    """Read the deposits of all files, by plane."""
    parts = [_read_file(path) for path in paths]
    samples = {}
    for number, name in enumerate(PLANES):
        event, stretch, found, real, own, beside = (
            np.concatenate([part[number][column] for part in parts]) for column in range(6)
        )
        stretch = np.column_stack([np.cumsum(stretch[:, 0]) - stretch[:, 0], stretch])
        white = np.random.default_rng([NOISE_SEED, number]).standard_normal((DRAWS, len(own) + N_TAPS - 1))
        noise = np.stack([np.convolve(draw, NOISE_FILTER[number], "valid") for draw in white])
        samples[name] = Sample(number, event, stretch, found, real, own, beside, noise)
    return samples


def _read_file(path: Path) -> list[tuple[np.ndarray, ...]]:
    """For each plane: event, length and window, found, real, own and beside, as in Sample."""
    charge, tps = true_charge(path), read_source(path, MIN_SOT).tps
    first, last, _ = deposits_of(charge)
    plane, wire = locate_channel(charge.channel[first]).plane, wire_number(charge)[first]
    from_tick, to_tick = charge.tick[first] - PAD_TICKS, charge.tick[last] + PAD_TICKS
    offset = np.rint(PEAK_OFFSET_TICKS[plane]).astype(int)
    begin, end = charge.tick[first] + offset - WINDOW_TICKS, charge.tick[last] + offset + WINDOW_TICKS
    row = largest_primitive(tps, wire, begin, end)
    found, primitive = row >= 0, tps.take(row)
    ticks = np.stack([primitive.start, primitive.end, primitive.start + primitive.to_peak], axis=1) - from_tick[:, None]
    real = np.column_stack([np.log(primitive.integral), np.log(primitive.peak), ticks])
    stretch = np.stack([to_tick - from_tick, begin - from_tick, end - from_tick], axis=1)
    electrons = _electrons_along(charge, wire, from_tick, to_tick)
    return [
        (
            charge.event[first[of_plane]], stretch[of_plane], found[of_plane], real[of_plane],
            *(np.concatenate([electrons[i][side] for i in of_plane]) for side in (0, 1)),
        )
        for of_plane in (np.flatnonzero(plane == number) for number in range(len(PLANES)))
    ]  # fmt: skip


def _electrons_along(charge, wire, from_tick, to_tick) -> list[tuple[np.ndarray, np.ndarray]]:
    """Electrons on each of the wires and on those beside it, tick by tick."""
    felt = felt_by_wires(charge)
    low, high = np.searchsorted(felt.wire, wire, "left"), np.searchsorted(felt.wire, wire, "right")
    result = []
    for i in range(len(wire)):
        sides = np.zeros((2, to_tick[i] - from_tick[i]))
        for k in range(low[i], high[i]):
            rows = slice(felt.first[k], felt.last[k])
            tick = charge.tick[rows] - from_tick[i]
            inside = (tick >= 0) & (tick < sides.shape[1])
            np.add.at(sides[felt.beside[k]], tick[inside], charge.electrons[rows][inside])
        result.append((sides[0], sides[1]))
    return result


@kernel
def _primitives(adc, noise, stretch, threshold, min_sot):
    """Rows (D, DRAWS, 6) of the largest primitive in each deposit's window: whether there is one, and its QUANTITIES."""
    rows = np.zeros((len(stretch), len(noise), 6))
    for i in range(len(stretch)):
        offset, length, window_begin, window_end = stretch[i]
        for draw in range(len(noise)):
            row, largest, start = rows[i, draw], 0.0, 0
            while start < length:
                stop, integral, peak, peak_tick = start, 0.0, 0.0, start
                while stop < length:
                    sample = np.rint(adc[offset + stop] + noise[draw, offset + stop])
                    if sample <= threshold:
                        break
                    integral += sample
                    if sample > peak:
                        peak, peak_tick = sample, stop
                    stop += 1
                if stop - start >= min_sot and start <= window_end and stop > window_begin and integral > largest:
                    largest = integral
                    row[0], row[1], row[2] = 1.0, np.log(integral), np.log(peak)
                    row[3], row[4], row[5] = start, stop, peak_tick
                start = stop + 1
    return rows


def predict(sample: Sample, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share (D,) of draws with a primitive, and the mean (D, 5) of its quantities over those."""
    adc = sum(
        np.convolve(electrons, taps)[-LAGS[0] :][: len(electrons)]
        for electrons, taps in zip((sample.own, sample.beside), signal, strict=True)
    )
    rows = _primitives(adc, sample.noise, sample.stretch, float(THRESHOLD_ADC[sample.plane]), MIN_SOT)
    n_found = rows[:, :, 0].sum(axis=1)
    return n_found / DRAWS, rows[:, :, 1:].sum(axis=1) / np.maximum(n_found, 1)[:, None]


def loss(sample: Sample, signal: np.ndarray) -> float:
    """Loss of a kernel: a mean over the primitives that are there, and over the deposits where they should or should not be."""
    share, mean = predict(sample, signal)
    away = np.abs((mean - sample.real) / SCALES)
    huber = np.where(away < 1, away**2 / 2, away - 0.5).sum(axis=1)
    weight = share * sample.found
    return float(np.sum(weight * huber) / np.sum(weight) + PENALTY * np.mean(np.abs(sample.found - share)))


def fit(sample: Sample, shape: Shape) -> np.ndarray:
    """Return the parameters of least loss. The simplex is spread out again until that gains nothing any more."""
    best, least = np.array(shape.start), np.inf
    for attempt in range(ROUNDS):
        spread = np.diag(shape.steps) * (-1) ** attempt * max(0.3, 0.75**attempt)
        result = minimize(
            lambda parameters: np.nan_to_num(loss(sample, shape.signal(parameters)), nan=np.inf),
            best,
            method="Nelder-Mead",
            options={
                "initial_simplex": np.vstack([best, best + spread]),
                "maxfev": TRIES_PER_ROUND,
                "xatol": 1e-4,
                "fatol": 1e-4,
                "adaptive": True,
            },
        )
        gain, best, least = least - result.fun, result.x, result.fun
        if attempt >= 2 and gain < LEAST_GAIN:
            break
    return best


def trial(sample: Sample, signal: np.ndarray) -> dict[str, object]:
    """Loss of a kernel, share of deposits where a primitive is there or not as it should, QUANTILES of what is left."""
    share, mean = predict(sample, signal)
    there = sample.found & (share > 0.5)
    left = mean[there] - sample.real[there]
    left[:, :2] = np.exp(left[:, :2])
    return {
        "loss": round(loss(sample, signal), 3),
        "agree": round(float(np.mean(1 - np.abs(sample.found - share))), 3),
        **{
            name: np.quantile(column, QUANTILES).round(3).tolist()
            for name, column in zip(QUANTITIES, left.T, strict=True)
        },
    }


def cross_check(sample: Sample, shape: Shape) -> dict[str, object]:
    """Fit to the events of odd number; try on these and on the others."""
    odd = sample.event % 2 == 1
    signal = shape.signal(fit(sample.take(odd), shape))
    return {"events fitted": trial(sample.take(odd), signal), "others": trial(sample.take(~odd), signal)}


def write_table(parameters: dict[str, np.ndarray], path: Path = KERNEL_TABLE) -> None:
    """Write the kernels, a line each, with their parameters and where they come from."""
    source = (
        "Fitted by benchmarks/fit_response.py to the simulated deposits (SimIDE electrons) of more than 1500 electrons and the "
        "trigger primitives of es_tpstream.root (10 events) and cc_tpstream.root (50 events), LArSoft dune10kt_1x2x2: integral, "
        "peak and ticks of start, end and peak of each primitive, with noise. ADC per electron at `first_lag` + i ticks of 0.5 "
        "us after the charge's arrival at the wires, on its own wire and on each wire beside. G is a unit Gaussian. U, V: "
        "area (G(at, width) - return_ratio G(return_at, return_width)) + foot G(foot_at, foot_width), beside share times that. "
        "X: area G(at, width) convolved with a rising and a falling exponential of `rise` and `fall` ticks; beside: `beside` "
        "(G(near_at, near_width) - G(away_at, away_width))."
    )
    signals = {name: SHAPES[name].signal(values) for name, values in parameters.items()}
    fields = {
        "source": source,
        "first_lag": int(LAGS[0]),
        "parameters": {
            name: dict(zip(SHAPES[name].names, _rounded(values), strict=True)) for name, values in parameters.items()
        },
        "adc_per_electron": {name: _rounded(signal[0]) for name, signal in signals.items()},
        "adc_per_electron_beside": {name: _rounded(signal[1]) for name, signal in signals.items()},
    }
    lines = []
    for key, value in fields.items():
        if isinstance(value, dict):
            rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in value.items())
            lines.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _rounded(values: np.ndarray) -> list[float]:
    """Five digits; what is below a millionth of a millionth is 0."""
    return [float(f"{value:.5g}") if abs(value) > 1e-12 else 0.0 for value in values]


def main() -> None:
    began = time.perf_counter()
    samples = read_samples(REAL_FILES)
    parameters = {name: fit(samples[name], shape) for name, shape in SHAPES.items()}
    write_table(parameters)
    response_kernels.cache_clear()
    minutes = round((time.perf_counter() - began) / 60, 1)
    checks = {name: cross_check(samples[name], shape) for name, shape in SHAPES.items()}
    save_result("fit_response", {"minutes_of_fit": minutes, "cross_check": checks, **quality()})


if __name__ == "__main__":
    main()
