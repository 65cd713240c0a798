"""The response of wires and electronics, fed with the true charge of the reference files, against their trigger primitives.

A deposit here is what lies on one channel without a gap of 80 ticks, of more than 1500 electrons. Its primitive is the largest in
which a sample near the peak of its response lies. Once without noise, as the kernels were fitted, and once with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.record import REAL_FILES, save_result
from python.data.geometry import CHANNELS_PER_APA, N_APAS, PLANES, TICKS_PER_WINDOW, locate_channel
from python.ingest.root_reader import read_source
from python.ingest.sim_deposits import read_sim_deposits
from python.ingest.trigger_primitives import TriggerPrimitives
from python.simulation.records import Charge
from python.simulation.response import SEPARATE_TICKS, respond, response_kernels

MIN_ELECTRONS = 1500
MARGIN_TICKS = 3
QUANTILES = (0.16, 0.5, 0.84)


@dataclass
class Comparison:
    """D deposits of one plane: whether the files and the simulation have a primitive there.

    For the M deposits where both have: ratios simulated / real of `integral` and `peak`, differences in ticks of `sot` and
    `peak_tick`, and `beside`, the charge on the two wires beside over that on its own.
    """

    found: np.ndarray
    simulated: np.ndarray
    integral: np.ndarray
    peak: np.ndarray
    sot: np.ndarray
    peak_tick: np.ndarray
    beside: np.ndarray


def true_charge(path: Path) -> Charge:
    """Return the true charge in a file, all of it the neutrino interaction's: the reference files hold nothing else."""
    deposits = read_sim_deposits(path)
    place = np.stack([deposits.event, deposits.channel, deposits.tick])
    first = np.flatnonzero(np.any(np.diff(place, prepend=-1), axis=0))
    electrons = np.add.reduceat(deposits.electrons, first)
    return Charge(*place[:, first], electrons, electrons)


def compare(paths: list[Path], noise: bool, seed: int = 0) -> dict[str, Comparison]:
    """Compare the primitives of all files, by plane."""
    rng = np.random.default_rng(seed)
    parts = [_compare_file(path, noise, rng) for path in paths]
    result = {}
    for number, name in enumerate(PLANES):
        columns = [part[:, part[0] == number] for part in parts]
        _, found, simulated, *differences = np.concatenate(columns, axis=1)
        both = (found > 0) & (simulated > 0)
        result[name] = Comparison(found > 0, simulated > 0, *(column[both] for column in differences))
    return result


def _compare_file(path: Path, noise: bool, rng: np.random.Generator) -> np.ndarray:
    """Rows: plane, found, simulated, the four differences and the charge beside, a column for each deposit."""
    charge, source = true_charge(path), read_source(path)
    tps, _, _ = respond(charge, len(source.events), rng, noise=noise)
    wire = _wire(charge)
    first = np.flatnonzero((np.diff(wire, prepend=-1) != 0) | (np.diff(charge.tick, prepend=0) > SEPARATE_TICKS))
    last = np.append(first[1:], len(charge)) - 1
    electrons = np.add.reduceat(charge.electrons, first)
    large = electrons > MIN_ELECTRONS
    first, last, electrons = first[large], last[large], electrons[large]
    plane = locate_channel(charge.channel[first]).plane
    high_lags = response_kernels().high_lags
    begin = charge.tick[first] + high_lags[plane, 0] - MARGIN_TICKS
    end = charge.tick[last] + high_lags[plane, 1] + MARGIN_TICKS
    real, made = (_largest(each, wire[first], begin, end) for each in (source.tps, tps))
    a, b = source.tps.take(real), tps.take(made)
    peak_tick = b.start + b.to_peak - a.start - a.to_peak
    beside = (
        sum(_charge_on(charge, wire[first] + step, charge.tick[first], charge.tick[last]) for step in (-1, 1))
        / electrons
    )
    ratios = b.integral / a.integral, b.peak / a.peak
    return np.stack([plane, real >= 0, made >= 0, *ratios, b.sot - a.sot, peak_tick, beside])


def _wire(records: Charge | TriggerPrimitives) -> np.ndarray:
    return records.event * (N_APAS * CHANNELS_PER_APA) + records.channel


def _charge_on(charge: Charge, wire: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Electrons on each of the wires from `begin` to `end`, give or take some ticks."""
    place = _wire(charge) * TICKS_PER_WINDOW + charge.tick
    low = np.searchsorted(place, wire * TICKS_PER_WINDOW + begin - MARGIN_TICKS)
    high = np.searchsorted(place, wire * TICKS_PER_WINDOW + end + MARGIN_TICKS, side="right")
    total = np.append(0, np.cumsum(charge.electrons))
    return total[high] - total[low]


def _largest(tps: TriggerPrimitives, wire: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Row of the largest primitive on each wire that overlaps begin to end, inclusive; -1 without."""
    order = np.argsort(_wire(tps), kind="stable")
    low, high = (np.searchsorted(_wire(tps)[order], wire, side=side) for side in ("left", "right"))
    rows = np.full(len(wire), -1)
    for i in range(len(wire)):
        candidates = order[low[i] : high[i]]
        candidates = candidates[(tps.start[candidates] <= end[i]) & (tps.end[candidates] > begin[i])]
        if len(candidates):
            rows[i] = candidates[np.argmax(tps.integral[candidates])]
    return rows


def summary(comparison: Comparison) -> dict[str, object]:
    """Count [found and simulated, found only, simulated only, neither]; QUANTILES of the differences where both are."""
    found, simulated = comparison.found, comparison.simulated
    counts = [found & simulated, found & ~simulated, ~found & simulated, ~found & ~simulated]
    names = {
        "integral_ratio": "integral",
        "peak_ratio": "peak",
        "sot_difference": "sot",
        "peak_tick_difference": "peak_tick",
    }
    return {
        "deposits": len(found),
        "both_real_simulated_neither": [int(count.sum()) for count in counts],
        "agree": round(float(np.mean(found == simulated)), 3),
        **{key: np.quantile(getattr(comparison, name), QUANTILES).round(3).tolist() for key, name in names.items()},
        "integral_ratio_by_charge_beside": {
            key: round(ratio, 3) for key, ratio in by_charge_beside(comparison).items()
        },
    }


def by_charge_beside(comparison: Comparison) -> dict[str, float]:
    """Median ratio of integrals for deposits with little, as much, and much charge on the wires beside."""
    classes = {"below 0.3": (0, 0.3), "0.3 to 2.5": (0.3, 2.5), "above 2.5": (2.5, np.inf)}
    of_class = {key: (comparison.beside >= low) & (comparison.beside < high) for key, (low, high) in classes.items()}
    return {key: float(np.median(comparison.integral[members])) for key, members in of_class.items()}


def main() -> None:
    result = {
        name: {plane: summary(comparison) for plane, comparison in compare(REAL_FILES, noise).items()}
        for name, noise in {"without noise": False, "with noise": True}.items()
    }
    save_result("response_on_true_deposits", {"quantiles": QUANTILES, **result})


if __name__ == "__main__":
    main()
