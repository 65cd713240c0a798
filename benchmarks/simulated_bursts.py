"""Simulated bursts for `burst_pointing`: drawn from pools of events that are turned to one star, and whole ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from python.commands.simulate import main as simulate
from python.commands.tasks import load_task
from python.data.data_origin import DataFolders
from python.directions.lobes import Lobes
from python.directions.sphere import around, unit
from python.physics.flux import FLUENCES
from python.pointing.candidate_files import CandidateFiles
from python.pointing.candidates import Candidates, Networks, find_candidates
from python.pointing.judging import true_star
from python.pointing.scattering import es_share_in_training
from python.pointing.sharpness import ratio_with_sharpness
from python.runs.shipped import network_folder, read_card
from python.simulation.event_list import radiological_windows
from python.simulation.generator import expected_events
from python.tasks import TASKS
from python.training.trained import Trained

MIN_ENERGY, LEAST_ELECTRON_MEV = 5.0, 3.0
NEUTRINO_EVENTS, RADIOLOGICAL_KT = {"gkvm": 60_000, "livermore": 20_000}, 10.0
RADIOLOGICAL = "radiological"
POOLS = {
    **{
        flux: f"-n {events} --channel mixed --flux {flux} --energy 3 100 --seed {seed}"
        for (flux, events), seed in zip(NEUTRINO_EVENTS.items(), (901, 906), strict=True)
    },
    RADIOLOGICAL: f"--burst --mass {RADIOLOGICAL_KT:g} --distance 100000 --seed 902",
}
WHOLE_KT = 1.0  # which at a smaller distance has as many neutrinos as more, and few radioactive windows
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
    whole: bool = False  # neutrinos simulated from one star, not turned to it


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

    def draw(self, expected: float, rng: np.random.Generator) -> np.ndarray:
        """Rows of the candidates of as many events as chance makes of the `expected` number, those without any included."""
        n_events = len(self.first) - 1
        n = rng.poisson(expected * n_events / self.count)
        events = rng.integers(n_events, size=n)
        return np.concatenate([np.arange(self.first[e], self.first[e + 1]) for e in events] or [np.empty(0, int)])


class Bursts:
    """Bursts from what lies in the folder `work`, or is simulated there and shown to the networks that ship, once."""

    def __init__(self, work: Path) -> None:
        self.work, self._pools = work, dict[str, dict[str, Pool]]()
        made = {task: (read_card(network_folder(None, task)) or {}).get("made") for task in TASKS}
        sharpness = ratio_with_sharpness(*(network_folder(None, task) for task in TASKS[1:]))
        known = {"cards": made, "sharpness": sharpness and sharpness.described()}
        self.kept = CandidateFiles(work, {"min_energy": MIN_ENERGY, **known, "pools": POOLS})

    def drawn(self, given: Circumstances, rng: np.random.Generator) -> tuple[Candidates, np.ndarray]:
        """A pseudo-burst, and the unit vector (3,) to its star."""
        star = unit(rng.normal(size=(1, 3)))[0]
        fluences = FLUENCES[given.spectrum]
        expected = expected_events(fluences, given.mass_kt, given.distance_kpc, LEAST_ELECTRON_MEV)
        parts = [self._radioactive(given.radiological * given.mass_kt, rng)]
        for name, pool in self._neutrinos(given.spectrum).items():
            mean = sum(expected[name].values())
            if name == "cc" and given.tagging in ("perfect", "4 %"):
                mean *= 0.0 if given.tagging == "perfect" else 0.04
            parts.append(pool.candidates.take(pool.draw(mean, rng)))
        candidates = turned(Candidates.concatenate(parts), -star, rng)
        if given.tagging == "perfect":
            return replace(candidates, es_ratio=perfect_tags(candidates, rng)), star
        if given.tagging != "own":
            return replace(candidates, es_ratio=np.zeros(len(candidates))), star
        return candidates, star

    def whole(self, given: Circumstances, number: int, rng: np.random.Generator) -> tuple[Candidates, np.ndarray]:
        """A burst whose neutrinos were simulated from one star, with radioactive windows of the pool, and the star."""
        distance = given.distance_kpc * np.sqrt(WHOLE_KT / given.mass_kt)
        words = f"--burst --mass {WHOLE_KT:g} --distance {distance:.6g} --seed {1000 + number}"
        found = self._found(f"whole_{number}", words)
        star = true_star(found.truth)
        if star is None:
            raise RuntimeError(f"the burst of simulate.sh {words} has no neutrino among its candidates")
        rest = self._radioactive(given.radiological * (given.mass_kt - WHOLE_KT), rng)
        return Candidates.concatenate([found, turned(rest, -star, rng)]), star

    def prepare(self, wanted: Sequence[Circumstances], whole: int) -> None:
        """Simulate and ask what bursts of all `wanted` circumstances need, so many whole ones."""
        _ = self._radiological
        for given in wanted:
            self._neutrinos(given.spectrum)
            for number in range(whole if given.whole else 0):
                self.whole(given, number, np.random.default_rng())

    def _neutrinos(self, spectrum: str) -> dict[str, Pool]:
        """Of each channel."""
        if spectrum not in self._pools:
            found = self._found(spectrum, POOLS[spectrum])
            kinds = (("es", 1), ("cc", 0))
            self._pools[spectrum] = {
                name: Pool.of(found, found.truth.is_es == kind, NEUTRINO_EVENTS[spectrum] // 2) for name, kind in kinds
            }
        return self._pools[spectrum]

    @cached_property
    def _radiological(self) -> Pool:
        found = self._found(RADIOLOGICAL, POOLS[RADIOLOGICAL])
        return Pool.of(found, found.truth.is_es < 0, radiological_windows(RADIOLOGICAL_KT))

    def _radioactive(self, mass_kt: float, rng: np.random.Generator) -> Candidates:
        pool = self._radiological
        return pool.candidates.take(pool.draw(radiological_windows(1.0) * mass_kt, rng))

    def _found(self, name: str, words: str) -> Candidates:
        """The candidates among events of simulate.sh."""
        if name not in self.kept.names():
            simulate(["-o", str(self.work / name), *words.split()])
            folders = DataFolders((str(self.work / name),), None)
            self.kept.keep(name, find_candidates(networks_that_ship(), lambda _: folders, MIN_ENERGY, lambda *_: None))
        return self.kept.read(name)


@cache
def networks_that_ship() -> Networks:
    return Networks.of(*(Trained.load(load_task(task), network_folder(None, task)) for task in TASKS))


def perfect_tags(candidates: Candidates, rng: np.random.Generator) -> np.ndarray:
    """What a tagger says (N,) that is always right about neutrinos. Of other clusters it has nothing to be right about: it takes
    them for one channel or the other as often as main tracks of their energy are."""
    at_random = rng.random(len(candidates)) < es_share_in_training(candidates.energy)
    is_es = np.where(candidates.truth.is_es < 0, at_random, candidates.truth.is_es == 1)
    return np.where(is_es, CERTAIN, -CERTAIN)


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
