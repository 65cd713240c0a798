"""The response of wires and electronics, fed with the true charge of the reference files, against their trigger primitives.

A deposit here is what lies on one channel without a gap of 80 ticks, of more than 1500 electrons. Its primitive is the largest in
which a sample near the peak of its response lies. Once without noise, as the kernels were fitted, and once with it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp

from benchmarks.record import REAL_FILES, save_result
from python.detector.geometry import LARGEST, PLANES, TICKS_PER_WINDOW, locate_channel
from python.ingest.root_reader import read_source
from python.ingest.sim_deposits import read_sim_deposits
from python.ingest.trigger_primitives import TriggerPrimitives
from python.simulation.records import Charge
from python.simulation.response import SEPARATE_TICKS, respond, response_kernels

MIN_ELECTRONS = 1500
MARGIN_TICKS = 3
QUANTILES = (0.16, 0.5, 0.84)
PULSE_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
PULSE_SAMPLES = 4


@dataclass
class Comparison:
    """D deposits of one plane: whether the files and the simulation have a primitive there.

    Of the M deposits where both have: the primitives, `real` and `made`, and `beside`, the charge on the two wires beside over
    that on its own.
    """

    found: np.ndarray
    simulated: np.ndarray
    real: TriggerPrimitives
    made: TriggerPrimitives
    beside: np.ndarray

    def ratio(self, name: str) -> np.ndarray:
        """Simulated over real `integral` or `peak`, (M,)."""
        return getattr(self.made, name) / getattr(self.real, name)

    def difference(self, name: str) -> np.ndarray:
        """Simulated minus real `start`, `end`, `sot` or `peak_tick`, (M,) ticks."""
        made, real = (
            tps.start + tps.to_peak if name == "peak_tick" else getattr(tps, name) for tps in (self.made, self.real)
        )
        return made - real


def true_charge(path: Path) -> Charge:
    """Return the true charge in a file, all of it the neutrino interaction's: the reference files hold nothing else."""
    deposits = read_sim_deposits(path)
    place = np.stack([deposits.event, deposits.channel, deposits.tick])
    first = np.flatnonzero(np.any(np.diff(place, prepend=-1), axis=0))
    electrons = np.add.reduceat(deposits.electrons, first)
    event, channel, tick = place[:, first]
    return Charge(event, channel, tick, electrons, electrons)


def compare(paths: list[Path], noise: bool, seed: int = 0) -> dict[str, Comparison]:
    """Compare the primitives of all files, by plane."""
    rng = np.random.default_rng(seed)
    parts = [_compare_file(path, noise, rng) for path in paths]
    plane, found, simulated = (np.concatenate([part[column] for part in parts]) for column in range(3))
    real, made = (_together([part[column] for part in parts]) for column in (3, 4))
    beside = np.concatenate([part[5] for part in parts])
    return {
        name: Comparison(
            found[plane == number],
            simulated[plane == number],
            real.take(real.plane == number),
            made.take(made.plane == number),
            beside[real.plane == number],
        )
        for number, name in enumerate(PLANES)
    }


def _compare_file(path: Path, noise: bool, rng: np.random.Generator) -> tuple:
    """Of each deposit plane, found, simulated; of those where both are, the two primitives and the charge beside."""
    charge, source = true_charge(path), read_source(path)
    tps, _, _ = respond(charge, len(source.events), rng, noise=noise)
    first, last, electrons = deposits_of(charge)
    wire, plane = wire_number(charge)[first], locate_channel(charge.channel[first]).plane
    high_lags = response_kernels().high_lags[:, 0]
    begin = charge.tick[first] + high_lags[plane, 0] - MARGIN_TICKS
    end = charge.tick[last] + high_lags[plane, 1] + MARGIN_TICKS
    real, made = (largest_primitive(each, wire, begin, end) for each in (source.tps, tps))
    both = (real >= 0) & (made >= 0)
    beside = sum(_charge_on(charge, wire + step, charge.tick[first], charge.tick[last]) for step in (-1, 1))
    return plane, real >= 0, made >= 0, source.tps.take(real[both]), tps.take(made[both]), (beside / electrons)[both]


def _together(parts: list[TriggerPrimitives]) -> TriggerPrimitives:
    columns = [field.name for field in fields(TriggerPrimitives)]
    return TriggerPrimitives(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


def deposits_of(charge: Charge) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last row of each deposit, and its electrons."""
    apart = (np.diff(wire_number(charge), prepend=-1) != 0) | (np.diff(charge.tick, prepend=0) > SEPARATE_TICKS)
    first = np.flatnonzero(apart)
    last = np.append(first[1:], len(charge)) - 1
    electrons = np.add.reduceat(charge.electrons, first)
    large = electrons > MIN_ELECTRONS
    return first[large], last[large], electrons[large]


def wire_number(records: Charge | TriggerPrimitives) -> np.ndarray:
    """Number the wires of all events."""
    return records.event * LARGEST.n_channels + records.channel


def _charge_on(charge: Charge, wire: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Electrons on each of the wires from `begin` to `end`, give or take some ticks."""
    place = wire_number(charge) * TICKS_PER_WINDOW + charge.tick
    low = np.searchsorted(place, wire * TICKS_PER_WINDOW + begin - MARGIN_TICKS)
    high = np.searchsorted(place, wire * TICKS_PER_WINDOW + end + MARGIN_TICKS, side="right")
    total = np.append(0, np.cumsum(charge.electrons))
    return total[high] - total[low]


def largest_primitive(tps: TriggerPrimitives, wire: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Row of the largest primitive on each wire that overlaps begin to end, inclusive; -1 without."""
    order = np.argsort(wire_number(tps), kind="stable")
    low, high = (np.searchsorted(wire_number(tps)[order], wire, side=side) for side in ("left", "right"))
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
    ratios = {f"{name}_ratio": comparison.ratio(name) for name in ("integral", "peak")}
    differences = {f"{name}_difference": comparison.difference(name) for name in ("start", "end", "sot", "peak_tick")}
    return {
        "deposits": len(found),
        "both_real_simulated_neither": [int(count.sum()) for count in counts],
        "agree": round(float(np.mean(found == simulated)), 3),
        **{key: np.quantile(values, QUANTILES).round(3).tolist() for key, values in (ratios | differences).items()},
        "integral_ratio_by_charge_beside": {
            key: round(ratio, 3) for key, ratio in by_charge_beside(comparison).items()
        },
        "real_and_simulated_pulses": pulses(comparison),
    }


def pulses(comparison: Comparison) -> dict[str, dict[str, object]]:
    """PULSE_QUANTILES of real and simulated samples to the peak over samples, and of samples, and the distance of the two.

    The distance is that of Kolmogorov and Smirnov; primitives of at least PULSE_SAMPLES samples.
    """
    result: dict[str, dict[str, object]] = {}
    for name in ("to_peak_over_sot", "sot"):
        real, made = (_pulse(tps.take(tps.sot >= PULSE_SAMPLES), name) for tps in (comparison.real, comparison.made))
        quantiles = [np.quantile(values, PULSE_QUANTILES).round(3).tolist() for values in (real, made)]
        result[name] = {"quantiles": quantiles, "distance": round(float(ks_2samp(real, made).statistic), 3)}
    return result


def _pulse(tps: TriggerPrimitives, name: str) -> np.ndarray:
    return tps.sot if name == "sot" else tps.to_peak / tps.sot


def by_charge_beside(comparison: Comparison) -> dict[str, float]:
    """Median ratio of integrals for deposits with little, as much, and much charge on the wires beside."""
    classes = {"below 0.3": (0, 0.3), "0.3 to 2.5": (0.3, 2.5), "above 2.5": (2.5, np.inf)}
    of_class = {key: (comparison.beside >= low) & (comparison.beside < high) for key, (low, high) in classes.items()}
    return {key: float(np.median(comparison.ratio("integral")[members])) for key, members in of_class.items()}


def quality() -> dict[str, object]:
    """Summaries by plane, without and with noise."""
    result = {
        name: {plane: summary(comparison) for plane, comparison in compare(REAL_FILES, noise).items()}
        for name, noise in {"without noise": False, "with noise": True}.items()
    }
    return {"quantiles": QUANTILES, "pulse_quantiles": PULSE_QUANTILES, **result}


def main() -> None:
    save_result("response_on_true_deposits", quality())


if __name__ == "__main__":
    main()
