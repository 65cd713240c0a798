"""How well bursts are pointed: pseudo-bursts drawn from pools of simulated events, under many circumstances.

    .venv/bin/python -m benchmarks.burst_pointing [--bursts 300] [--others 100] [--whole 30] [--work DIR]

Pools of neutrino events of random directions, and of readout windows of a burst without neutrinos, are simulated and shown to the
networks that ship, once. A pseudo-burst takes events of them by chance, in the numbers expected, and turns what the networks said
of each so that all neutrinos come from one star. Turning neglects that the detector sees some directions better than others;
a row of bursts whose neutrinos were simulated from one star each shows what that does. Radioactive windows are drawn several
times each, and turned at random. All results are simulated.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from benchmarks.record import ROOT, save_result
from benchmarks.simulated_bursts import MIN_ENERGY, POOLS, Bursts, Circumstances
from python.general_purpose_libs import Progress, read_json
from python.metrics.classification import binomial_interval
from python.pointing.pointing import Pointing
from python.pointing.sky_map import angle_between
from python.processes.cores import processor_cores

matplotlib.use("Agg")

HIGHEST_ORDER = 7  # half a degree


ROWS = {
    "40 kt, 10 kpc": Circumstances(),
    "neutrinos simulated from one star": Circumstances(whole=True),
    "no CC": Circumstances(tagging="perfect"),
    "4 % of CC let through": Circumstances(tagging="4 %"),
    "no tagging": Circumstances(tagging="none"),
    "no radioactive windows": Circumstances(radiological=0.0),
    "twice the radioactive windows": Circumstances(radiological=2.0),
    "5 kpc": Circumstances(distance_kpc=5.0),
    "20 kpc": Circumstances(distance_kpc=20.0),
    "10 kt": Circumstances(mass_kt=10.0),
    "gkvm assumed, and true": Circumstances(assumed="gkvm"),
    "gkvm assumed, livermore true": Circumstances(assumed="gkvm", spectrum="livermore"),
    "fit, livermore true": Circumstances(spectrum="livermore"),
}


class Pointed(NamedTuple):
    """How one burst was pointed; see `row`."""

    off: float
    level: float
    area: float
    searched: float
    radius: float
    consistency: float
    numbers: list[float]
    true_numbers: list[int]


bursts_of = cache(Bursts)  # in each process


def pointed(work: Path, given: Circumstances, seed: int, number: int) -> Pointed:
    bursts, rng = bursts_of(work), np.random.default_rng([seed, number])
    candidates, star = bursts.whole(given, number, rng) if given.whole else bursts.drawn(given, rng)
    found = Pointing.of(candidates, MIN_ENERGY, given.assumed, highest_order=HIGHEST_ORDER)
    electron = candidates.truth.is_main_track == 1
    return Pointed(
        float(angle_between(found.star, star)),
        float(found.sky.level_of(star)),
        float(found.sky.area(0.68)),
        float(found.sky.searched_area(star)),
        float(found.sky.radius(0.68)),
        found.consistency,
        list(found.numbers.values()),
        [int(np.sum(electron & (candidates.truth.is_es == kind))) for kind in (1, 0)],
    )


def row(all_of_them: Sequence[Pointed]) -> dict[str, Any]:
    off, level, area, searched, radius, consistency, numbers, true = zip(*all_of_them, strict=True)
    inside = {f"coverage_{p}": _share(np.array(level) <= p / 100) for p in (50, 68, 90)}
    return {
        "bursts": len(all_of_them),
        "containment_68_deg": _quantile(np.array(off), 0.68),
        "median_deg": _quantile(np.array(off), 0.5),
        **inside,
        "median_area_68_deg2": round(float(np.median(area)), 1),
        "median_radius_68_deg": round(float(np.median(radius)), 2),
        "median_searched_area_deg2": round(float(np.median(searched)), 1),
        "consistency": [round(float(np.mean(consistency)), 2), round(float(np.std(consistency)), 2)],
        "mean_numbers": dict(zip(("es", "cc", "other"), np.mean(numbers, axis=0).round(1).tolist(), strict=True)),
        "mean_true_numbers": dict(zip(("es", "cc"), np.mean(true, axis=0).round(1).tolist(), strict=True)),
        "levels": sorted(round(value, 3) for value in level),
    }


def _share(inside: np.ndarray) -> list[float]:
    low, high = binomial_interval(float(inside.sum()), len(inside))
    return [round(float(value), 3) for value in (inside.mean(), low, high)]


def _quantile(values: np.ndarray, p: float) -> list[float]:
    """With the interval of the order statistics that hold 68 %."""
    n, spread = len(values), np.sqrt(p * (1 - p) / len(values))
    at = np.clip([p, p - spread, p + spread], 0.5 / n, 1 - 0.5 / n)
    return [round(float(value), 2) for value in np.quantile(values, at)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bursts", type=int, default=300, help="of the first row")
    parser.add_argument("--others", type=int, default=100, help="of each other row")
    parser.add_argument("--whole", type=int, default=30, help="whose neutrinos are simulated from one star")
    parser.add_argument("--work", type=Path, default=Path("output/burst_pointing"), help="folder of the pools")
    parser.add_argument(
        "--rows", nargs="+", default=list(ROWS), choices=list(ROWS), help="only these; others stay as they are"
    )
    options = parser.parse_args()
    bursts_of(options.work).prepare([given for name, given in ROWS.items() if name in options.rows], options.whole)
    result = ROOT / "benchmarks" / "results" / "burst_pointing.json"
    before = read_json(result)["rows"] if result.is_file() else {}
    rows: dict[str, Any] = {name: before[name] for name in ROWS if name in before}
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of each process
    with ProcessPoolExecutor(processor_cores(), get_context("spawn")) as processes:
        for seed, name in enumerate(ROWS):
            if name not in options.rows:
                continue
            given = ROWS[name]
            n = options.whole if given.whole else options.others if seed else options.bursts
            with Progress(name, "bursts") as progress:
                found = []
                for one in processes.map(partial(pointed, options.work, given, seed), range(n)):
                    found.append(one)
                    progress(len(found), n)
            rows[name] = row(found)
            save_result("burst_pointing", {"pools": POOLS, "min_energy_mev": MIN_ENERGY, "rows": rows})
    draw(rows).savefig(ROOT / "benchmarks" / "results" / "burst_pointing.png", dpi=110)


def draw(rows: dict[str, Any]) -> Any:
    """Shares of stars within the regions of each probability, with the band that chance allows."""
    from scipy.stats import binom

    from python.plots import style

    figure = style.new_figure("Are regions true? Simulated bursts")
    axes = figure.subplots()
    style.describe(axes, "probability of the region", "share of stars within it")
    p = np.linspace(0, 1, 101)
    n = next(iter(rows.values()))["bursts"]
    axes.fill_between(
        p, binom.ppf(0.025, n, p) / n, binom.ppf(0.975, n, p) / n, color="0.85", label=f"95 % of chance, {n} bursts"
    )
    axes.plot(p, p, color="0.5", linewidth=1)
    for number, name in enumerate(("40 kt, 10 kpc", "no CC", "10 kt", "5 kpc", "gkvm assumed, livermore true")):
        if name in rows:
            levels = np.array(rows[name]["levels"])
            axes.plot(levels, (np.arange(len(levels)) + 0.5) / len(levels), color=style.colour(number), label=name)
    style.show_legend(axes, "upper left")
    return figure


if __name__ == "__main__":
    main()
