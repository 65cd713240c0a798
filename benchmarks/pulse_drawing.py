"""How pulses are redrawn where several pairs of knot heights have the same area: by the middle pair, and by the first.

On the clusters of the real files in ../shared/data: how far pulses lean (height of the rising knot minus that of the falling,
over that of the peak), how many primitives and pixels differ, how much charge moves, and how far the samples drawn are from
those of the simulated response to the true charge, without noise and brought to the integral of the primitive.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.record import REAL_FILES, save_result
from benchmarks.response_on_true_deposits import true_charge
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PLANES, THRESHOLD_ADC
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.drawing import cluster_samples, draw_samples, render
from python.ingest.root_reader import read_source
from python.ingest.trigger_primitives import TriggerPrimitives
from python.simulation.response import response_kernels

SHAPE = (256, 64)  # in which every cluster of these files is whole
GRID = np.arange(21)


def knots(tps: TriggerPrimitives) -> dict[str, np.ndarray]:
    """Heights (N, 2) of the knots above threshold, over that of the peak, by each rule; NaN without charge above threshold."""
    sot, before, threshold = tps.sot[:, None, None], tps.to_peak[:, None, None], THRESHOLD_ADC[tps.plane]
    residual, above = tps.integral - threshold * tps.sot, tps.peak - threshold
    area = (before * GRID[:, None] + (sot - before) * GRID + 10 * sot) * above[:, None, None]  # 40 to an ADC and tick
    misfit = np.abs(area - 40 * residual[:, None, None]).reshape(len(tps), -1)
    closest = misfit == misfit.min(axis=1, keepdims=True)
    pairs = np.stack(np.meshgrid(GRID, GRID, indexing="ij"), axis=-1).reshape(-1, 2) / 20
    found = {"first": pairs[closest.argmax(axis=1)], "middle": closest @ pairs / closest.sum(axis=1, keepdims=True)}
    return {rule: np.where(residual[:, None] > 0, heights, np.nan) for rule, heights in found.items()}


def samples(tps: TriggerPrimitives, heights: np.ndarray) -> np.ndarray:
    """The samples of all primitives, one after another, with knots of these heights (N, 2)."""
    drawn = []
    for sot, to_peak, start, peak, threshold, knot in zip(
        tps.sot, tps.to_peak, tps.start, tps.peak, THRESHOLD_ADC[tps.plane], np.nan_to_num(heights), strict=True
    ):
        rise, fall = round(start + to_peak / 2) - start, round(start + (to_peak + sot) / 2) - start  # half to even
        rising, falling = threshold + knot * max(peak - threshold, 0)
        ticks, values = (0, rise, to_peak, fall, sot), (threshold, rising, peak, falling, threshold)
        pulse = np.interp(np.arange(sot), ticks, values)
        pulse[to_peak : to_peak + 1] = peak
        drawn.append(pulse)
    return np.concatenate(drawn)


def pulses(path: Path, tps: TriggerPrimitives) -> np.ndarray:
    """The simulated samples of all primitives, each brought to its integral; NaN where there is no true charge."""
    charge, response = true_charge(path), response_kernels()
    found = []
    for event, channel, plane, start, sot, integral in zip(
        tps.event, tps.channel, tps.plane, tps.start, tps.sot, tps.integral, strict=True
    ):
        near = (charge.event == event) & (np.abs(charge.channel - channel) <= 1) & (np.abs(charge.tick - start) < 300)
        taps = response.taps[plane, np.abs(charge.channel[near] - channel)]
        lag = start + np.arange(sot) - charge.tick[near, None] - response.first_lag
        inside = (lag >= 0) & (lag < taps.shape[1])
        signal = np.take_along_axis(taps, np.where(inside, lag, 0), axis=1) * inside
        pulse = charge.electrons[near] @ signal
        found.append(pulse * integral / pulse.sum() if pulse.sum() > 0 else np.full(sot, np.nan))
    return np.concatenate(found)


def measure(path: Path) -> dict[str, np.ndarray]:
    """What is measured of a file, arrays over its primitives, clusters or pixels; those of a rule end with its name."""
    tps = read_source(path).tps
    clusters = make_clusters(tps, ClusterSettings(), adc_per_mev("measured"))
    owner, drawn, channel = cluster_samples(tps, clusters, np.arange(len(clusters)))
    chosen = tps.take(clusters.members)
    heights = knots(chosen)
    adc = {"first": samples(chosen, heights["first"]), "middle": draw_samples(chosen, np.arange(len(chosen))).adc}
    row = drawn.tick - clusters.start[owner]
    images = {
        rule: np.asarray(render(owner, row, channel, values, len(clusters), SHAPE)) for rule, values in adc.items()
    }
    real, difference = pulses(path, chosen), np.abs(images["middle"] - images["first"])
    of_pulse = np.cumsum(chosen.sot) - chosen.sot
    return {
        "plane": chosen.plane,
        "differs": np.any(np.abs(heights["middle"] - heights["first"]) > 1e-9, axis=1),
        "moved": difference.sum(axis=(1, 2)) / 2 / images["first"].sum(axis=(1, 2)),
        "changed": difference[np.maximum(images["middle"], images["first"]) > 0] > 1e-3,
        **{f"lean_{rule}": knot[:, 0] - knot[:, 1] for rule, knot in heights.items()},
        **{f"charge_{rule}": image.sum(axis=(1, 2)) for rule, image in images.items()},
        **{
            f"away_{rule}": np.add.reduceat(np.abs(values - real), of_pulse) / chosen.integral
            for rule, values in adc.items()
        },
    }


def main() -> None:
    parts = [measure(path) for path in REAL_FILES]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def lean(rule: str) -> dict[str, float]:
        values = {"all": found[f"lean_{rule}"]}
        values |= {name: found[f"lean_{rule}"][found["plane"] == number] for number, name in enumerate(PLANES)}
        return {name: round(float(np.nanmean(value)), 3) for name, value in values.items()}

    moved = np.round(np.quantile(found["moved"], [0.05, 0.5, 0.95]), 4).tolist()
    result = {
        "primitives": len(found["plane"]),
        "clusters": len(found["moved"]),
        "mean_lean": {rule: lean(rule) for rule in ("first", "middle")},
        "median_distance_from_simulated_pulses": {
            rule: round(float(np.nanmedian(found[f"away_{rule}"])), 4) for rule in ("first", "middle")
        },
        "primitives_that_differ": round(float(found["differs"].mean()), 3),
        "pixels_that_differ": round(float(found["changed"].mean()), 3),
        "charge_moved_in_an_image": dict(zip(("5 %", "median", "95 %"), moved, strict=True)),
        "charge_middle_over_first": round(float(found["charge_middle"].sum() / found["charge_first"].sum()), 4),
    }
    save_result("pulse_drawing", result)


if __name__ == "__main__":
    main()
