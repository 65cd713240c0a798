"""Simulated bursts for `burst_pointing`: drawn from pools of events that are turned to one star, and whole ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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
from python.pointing.scattering import true_spectrum
from python.runs.shipped import network_folder, read_card
from python.simulation.event_list import radiological_windows
from python.simulation.generator import expected_events
from python.tasks import TASKS
from python.training.trained import Trained

MIN_ENERGY, LEAST_ELECTRON_MEV = 5.0, 3.0
NEUTRINO_EVENTS, RADIOLOGICAL_KT = 20_000, 10.0
NEUTRINOS, RADIOLOGICAL = "neutrinos", "radiological"
POOLS = {
    NEUTRINOS: f"-n {NEUTRINO_EVENTS} --channel mixed --flux gkvm --energy 3 100 --seed 901",
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

    def draw(self, expected: float, rng: np.random.Generator, weight: np.ndarray | None = None) -> np.ndarray:
        """Rows of the candidates of as many events as chance makes of the `expected` number, those without any included."""
        n_events = len(self.first) - 1
        n = rng.poisson(expected * n_events / self.count)
        p = None if weight is None else weight / weight.sum()
        events = rng.choice(n_events, n, p=p)
        return np.concatenate([np.arange(self.first[e], self.first[e + 1]) for e in events] or [np.empty(0, int)])


class Bursts:
    """Bursts from what lies in the folder `work`, or is simulated there and shown to the networks that ship, once."""

    def __init__(self, work: Path) -> None:
        self.work = work
        made = {task: (read_card(network_folder(None, task)) or {}).get("made") for task in TASKS}
        self.kept = CandidateFiles(work, {"min_energy": MIN_ENERGY, "cards": made, "pools": POOLS})

    def drawn(self, given: Circumstances, rng: np.random.Generator) -> tuple[Candidates, np.ndarray]:
        """A pseudo-burst, and the unit vector (3,) to its star."""
        star = unit(rng.normal(size=(1, 3)))[0]
        fluences = FLUENCES[given.spectrum]
        expected = expected_events(fluences, given.mass_kt, given.distance_kpc, LEAST_ELECTRON_MEV)
        parts = [self._radioactive(given.radiological * given.mass_kt, rng)]
        for name, pool in self.neutrinos.items():
            mean = sum(expected[name].values())
            if name == "cc" and given.tagging in ("perfect", "4 %"):
                mean *= 0.0 if given.tagging == "perfect" else 0.04
            parts.append(pool.candidates.take(pool.draw(mean, rng, weights(pool, name, given.spectrum))))
        candidates = turned(Candidates.concatenate(parts), -star, rng)
        if given.tagging != "own":
            known = CERTAIN if given.tagging == "perfect" else 0.0
            candidates = replace(candidates, es_ratio=np.full(len(candidates), known))
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
        _ = self.neutrinos, self.radiological
        for given in wanted:
            for number in range(whole if given.whole else 0):
                self.whole(given, number, np.random.default_rng())

    @cached_property
    def neutrinos(self) -> dict[str, Pool]:
        found = self._found(NEUTRINOS, POOLS[NEUTRINOS])
        kinds = (("es", 1), ("cc", 0))
        return {name: Pool.of(found, found.truth.is_es == kind, NEUTRINO_EVENTS // 2) for name, kind in kinds}

    @cached_property
    def radiological(self) -> Pool:
        found = self._found(RADIOLOGICAL, POOLS[RADIOLOGICAL])
        return Pool.of(found, found.truth.is_es < 0, radiological_windows(RADIOLOGICAL_KT))

    def _radioactive(self, mass_kt: float, rng: np.random.Generator) -> Candidates:
        pool = self.radiological
        return pool.candidates.take(pool.draw(radiological_windows(1.0) * mass_kt, rng))

    def _found(self, name: str, words: str) -> Candidates:
        """The candidates among events of simulate.sh."""
        if name not in self.kept.names():
            simulate(["-o", str(self.work / name), *words.split()])
            folders = DataFolders((str(self.work / name),), None)
            self.kept.keep(name, find_candidates(self._networks, lambda _: folders, MIN_ENERGY, lambda *_: None))
        return self.kept.read(name)

    @cached_property
    def _networks(self) -> Networks:
        return Networks(*(Trained.load(load_task(task), network_folder(None, task)) for task in TASKS))


def weights(pool: Pool, channel: str, flux: str) -> np.ndarray | None:
    """How much more often the events of a pool happen under another spectrum than that which they were drawn from."""
    if flux == "gkvm":
        return None
    energy = pool.candidates.clusters.true_electron_energy[pool.first[:-1]].astype(float)
    return true_spectrum(channel, energy, flux) / true_spectrum(channel, energy, "gkvm")


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
