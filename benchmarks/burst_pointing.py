"""How well bursts are pointed: pseudo-bursts drawn from pools of simulated events, under many circumstances.

    .venv/bin/python -m benchmarks.burst_pointing [--bursts 300] [--others 100] [--work DIR]

Pools of neutrino events of random directions, and of readout windows of a burst without neutrinos, are simulated and shown to the
networks that ship, once. A pseudo-burst takes events of them by chance, in the numbers expected, and turns what the networks said
of each so that all neutrinos come from one star. Turning neglects that the detector sees some directions better than others.
Radioactive windows are drawn several times each, and turned at random. All results are simulated.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.record import ROOT, save_result
from python.commands.simulate import main as simulate
from python.commands.tasks import load_task
from python.data.data_origin import DataFolders
from python.directions.lobes import Lobes
from python.directions.sphere import around, unit
from python.general_purpose_libs import read_json
from python.metrics.classification import binomial_interval
from python.physics.flux import FLUENCES
from python.pointing.candidate_files import CandidateFiles
from python.pointing.candidates import Candidates, Networks, find_candidates
from python.pointing.pointing import Pointing
from python.pointing.scattering import true_spectrum
from python.pointing.sky_map import angle_between
from python.runs.shipped import network_folder, read_card
from python.simulation.event_list import radiological_windows
from python.simulation.generator import expected_events
from python.training.trained import Trained

matplotlib.use("Agg")

MIN_ENERGY, LEAST_ELECTRON_MEV = 5.0, 3.0
NEUTRINO_EVENTS, RADIOLOGICAL_KT = 20_000, 10.0
POOLS = {
    "neutrinos": f"-n {NEUTRINO_EVENTS} --channel mixed --flux gkvm --energy 3 100 --seed 901",
    "radiological": f"--burst --mass {RADIOLOGICAL_KT:g} --distance 100000 --seed 902",
}
TASKS = ("mt_identifier", "channel_tagging", "electron_direction")
HIGHEST_ORDER = 7  # half a degree
CERTAIN = 20.0  # log of a likelihood ratio


@dataclass(frozen=True)
class Circumstances:
    """Of a burst, and of what is assumed of it."""

    mass_kt: float = 40.0
    distance_kpc: float = 10.0
    spectrum: str = "gkvm"
    assumed: str = "fit"
    tagging: str = "own"  # or "none", "perfect", "4 %"
    radiological: float = 1.0  # times the nominal rates


ROWS = {
    "40 kt, 10 kpc": Circumstances(),
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


@dataclass(frozen=True)
class Pool:
    """Candidates, and the first (E + 1,) row of each event that has some; `count` events were simulated."""

    candidates: Candidates
    first: np.ndarray
    count: int

    @classmethod
    def of(cls, candidates: Candidates, wanted: np.ndarray, count: int) -> Pool:
        clusters = candidates.clusters
        rows = np.flatnonzero(wanted)
        order = rows[np.lexsort((clusters.event[rows], clusters.subrun[rows]))]  # type: ignore[index]
        key = clusters.subrun[order] * 10**7 + clusters.event[order]  # type: ignore[index]
        first = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1, [len(key)]])
        return cls(candidates.take(order), first, count)

    def draw(self, expected: float, rng: np.random.Generator, weight: np.ndarray | None = None) -> np.ndarray:
        """Rows of the candidates of as many events as chance makes of the `expected` number, those without any included."""
        n_events = len(self.first) - 1
        n = rng.poisson(expected * n_events / self.count)
        p = None if weight is None else weight / weight.sum()
        events = rng.choice(n_events, n, p=p)
        return np.concatenate([np.arange(self.first[e], self.first[e + 1]) for e in events] or [np.empty(0, int)])


def turned(candidates: Candidates, flight: np.ndarray, rng: np.random.Generator) -> Candidates:
    """Each candidate turned so that its neutrino flies along `flight`, at random about it; all at random where it has none."""
    n = len(candidates)
    known = np.isfinite(candidates.truth.flight).all(axis=1)
    rotation = Rotation.random(n, random_state=rng).as_matrix() if n else np.empty((0, 3, 3))
    old = _frames(np.where(known[:, None], candidates.truth.flight, [0.0, 0.0, 1.0]), rng)
    new = _frames(np.tile(flight, (n, 1)), rng)
    rotation[known] = np.einsum("nki,nkj->nij", new, old)[known]
    eta = np.einsum("nij,nlj->nli", rotation, candidates.lobes.eta)
    truth = replace(candidates.truth, flight=np.where(known[:, None], flight, np.nan))
    return replace(
        candidates,
        lobes=Lobes(eta, candidates.lobes.probability),
        direction=np.einsum("nij,nj->ni", rotation, candidates.direction),
        truth=truth,
    )


def _frames(axis: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Right-handed frames (n, 3, 3), rows the axes, whose last is `axis` (n, 3), at random about it."""
    across = around(unit(axis), np.zeros((len(axis), 1)), rng.uniform(0, 2 * np.pi, (len(axis), 1)))[:, 0]
    return np.stack([across, np.cross(unit(axis), across), unit(axis)], axis=1)


def pools(work: Path) -> dict[str, Pool]:
    networks = Networks(*(Trained.load(load_task(task), network_folder(None, task)) for task in TASKS))
    cards = {task: (read_card(network_folder(None, task)) or {}).get("made") for task in TASKS}
    kept = CandidateFiles(work, {"min_energy": MIN_ENERGY, "cards": cards, "pools": POOLS})
    for name, words in POOLS.items():
        if name in kept.names():
            continue
        simulate(["-o", str(work / name), *words.split()])
        folders = DataFolders((str(work / name),), None)
        kept.keep(name, find_candidates(networks, lambda _, of=folders: of, MIN_ENERGY, lambda *_: None))  # type: ignore[misc]
    neutrinos, radiological = kept.read("neutrinos"), kept.read("radiological")
    of_event = neutrinos.truth.is_es
    return {
        "es": Pool.of(neutrinos, of_event == 1, NEUTRINO_EVENTS // 2),
        "cc": Pool.of(neutrinos, of_event == 0, NEUTRINO_EVENTS // 2),
        "radiological": Pool.of(radiological, radiological.truth.is_es < 0, radiological_windows(RADIOLOGICAL_KT)),
    }


def burst(pool: dict[str, Pool], given: Circumstances, rng: np.random.Generator) -> tuple[Candidates, np.ndarray]:
    """A pseudo-burst, and the unit vector (3,) to its star."""
    star = unit(rng.normal(size=(1, 3)))[0]
    fluences = FLUENCES[given.spectrum]
    expected = expected_events(fluences, given.mass_kt, given.distance_kpc, LEAST_ELECTRON_MEV)
    numbers = {name: sum(expected[name].values()) for name in ("es", "cc")}
    numbers["radiological"] = given.radiological * radiological_windows(given.mass_kt)
    parts = []
    for name, mean in numbers.items():
        mine = pool[name]
        if name == "cc" and given.tagging in ("perfect", "4 %"):
            mean *= 0.0 if given.tagging == "perfect" else 0.04
        weight = None if name == "radiological" else weights(mine, name, given.spectrum)
        parts.append(mine.candidates.take(mine.draw(mean, rng, weight)))
    candidates = turned(Candidates.concatenate(parts), -star, rng)
    if given.tagging != "own":
        known = CERTAIN if given.tagging == "perfect" else 0.0
        candidates = replace(candidates, es_ratio=np.full(len(candidates), known))
    return candidates, star


def weights(pool: Pool, channel: str, flux: str) -> np.ndarray | None:
    """How much more often the events of a pool happen under another spectrum than that which they were drawn from."""
    if flux == "gkvm":
        return None
    energy = pool.candidates.clusters.true_electron_energy[pool.first[:-1]].astype(float)
    return true_spectrum(channel, energy, flux) / true_spectrum(channel, energy, "gkvm")


def row(pool: dict[str, Pool], given: Circumstances, n_bursts: int, seed: int) -> dict[str, Any]:
    off, level, area, searched, radius, consistency, numbers, true = ([] for _ in range(8))
    for number in range(n_bursts):
        candidates, star = burst(pool, given, np.random.default_rng([seed, number]))
        found = Pointing.of(candidates, MIN_ENERGY, given.assumed, highest_order=HIGHEST_ORDER)
        off.append(float(angle_between(found.star, star)))
        level.append(float(found.sky.level_of(star)))
        area.append(float(found.sky.area(0.68)))
        searched.append(float(found.sky.searched_area(star)))
        radius.append(float(found.sky.radius(0.68)))
        consistency.append(found.consistency)
        numbers.append(list(found.numbers.values()))
        electron = candidates.truth.is_main_track == 1
        true.append([int(np.sum(electron & (candidates.truth.is_es == kind))) for kind in (1, 0)])
    inside = {f"coverage_{p}": _share(np.array(level) <= p / 100) for p in (50, 68, 90)}
    return {
        "bursts": n_bursts,
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
    parser.add_argument("--work", type=Path, default=Path("output/burst_pointing"), help="folder of the pools")
    parser.add_argument(
        "--rows", nargs="+", default=list(ROWS), choices=list(ROWS), help="only these; others stay as they are"
    )
    options = parser.parse_args()
    pool = pools(options.work)
    result = ROOT / "benchmarks" / "results" / "burst_pointing.json"
    before = read_json(result)["rows"] if result.is_file() else {}
    rows: dict[str, Any] = {name: before[name] for name in ROWS if name in before}
    for number, (name, given) in enumerate(ROWS.items()):
        if name not in options.rows:
            continue
        rows[name] = row(pool, given, options.bursts if number == 0 else options.others, number)
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
