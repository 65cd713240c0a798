"""How well the energy of an electron is known by its cluster and by the points around it, and what likelihood tables gain by it.

    python -m benchmarks.electron_energy NETWORK --es DIR ... [--others NAME=DIR ...]

NETWORK is a run that reads points, or the name of one that comes with the project. Of the main tracks of elastic scattering in
the folders of --es, which it was not trained on, every other one is fitted to, as a run does with its validation part; the others
judge, and so do those of each other DIR, by channel. Writes benchmarks/results/electron_energy.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.record import save_result
from electron_direction.main import TASK
from python.directions.electron_energy import CHARGE, EnergyEstimate, resolution
from python.general_purpose_libs import ConfigError
from python.pointing.angles import Angles
from python.pointing.building import LEAST_DENSITY, build_tables, in_words
from python.pointing.likelihood import TARGETS, LikelihoodTables
from python.runs.predictions import DirectionPredictions
from python.runs.shipped import network_folder
from python.training.trained import Trained

EDGES_MEV = (5.0, 10.0, 15.0, 20.0, 30.0, 50.0)
CHANNELS = {"es": 1, "cc": 0}
LEAST_EVENTS = 5
ESTIMATE = "estimate"
ASKED_MEV = (7.0, 12.0, 17.0, 25.0, 40.0)


@dataclass(frozen=True)
class Events:
    """Of N main tracks: the sums (N, 3, 3) of the points around them, energies (N,) in MeV of cluster and electron, and angles of
    the network's answers by the energies of the clusters.
    """

    sums: np.ndarray
    cluster: np.ndarray
    true: np.ndarray
    angles: Angles

    @classmethod
    def of(cls, trained: Trained, folders: Sequence[str]) -> Events:
        samples = trained.known(folders)
        answers = cast("DirectionPredictions", trained.answers_of(samples, np.arange(len(samples.set))))
        if answers.point_sums is None:
            raise ConfigError(f"{trained.run}: does not read points; name a network that does")
        energies = (answers.clusters.cluster_energy, answers.clusters.true_electron_energy)
        cluster, true = (each.astype(np.float64) for each in energies)
        return cls(answers.point_sums.astype(np.float64), cluster, true, Angles.of(answers, cluster))

    @property
    def charge(self) -> np.ndarray:
        """On X (N,), ADC tick."""
        return np.maximum(self.sums[:, :2, CHARGE].sum(axis=1), 1.0)

    @property
    def logs(self) -> np.ndarray:
        """Of all sums (N, 9)."""
        return np.log1p(self.sums.reshape(len(self.sums), -1))

    def take(self, rows: np.ndarray) -> Events:
        return Events(self.sums[rows], self.cluster[rows], self.true[rows], self.angles.take(rows))


Measure = Callable[[Events], np.ndarray]


def measures(fitted: Events) -> dict[str, Measure]:
    """Ways to measure the energy, fitted to events of known one."""
    estimate = EnergyEstimate.fit(fitted.sums, fitted.true)
    trees = HistGradientBoostingRegressor(
        loss="absolute_error", max_iter=400, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=40, random_state=0
    ).fit(fitted.logs, np.log(fitted.true / fitted.charge))

    def scaled(measure: Measure) -> Measure:
        factor = np.median(fitted.true / measure(fitted))
        return lambda events: factor * measure(events)

    return {
        "cluster, scaled": scaled(lambda events: events.cluster),
        "charge on X within half a metre, scaled": scaled(lambda events: events.charge),
        ESTIMATE: lambda events: estimate.energy(events.sums),
        "boosted trees on the same sums": lambda events: events.charge * np.exp(trees.predict(events.logs)),
    }


def resolutions(events: Events, found: dict[str, Measure]) -> dict[str, Any]:
    """Bias and half width of each measure by true energy."""
    table: dict[str, Any] = {}
    told = {name: measure(events) for name, measure in found.items()}
    for low, high in [*pairwise(EDGES_MEV), (EDGES_MEV[0], np.inf)]:
        mine = (events.true >= low) & (events.true < high)
        if mine.sum() >= LEAST_EVENTS:
            rows = {name: resolution(energy[mine], events.true[mine])._asdict() for name, energy in told.items()}
            table[in_words(low, high)] = {
                "events": int(mine.sum()),
                **{name: {key: round(value, 4) for key, value in row.items()} for name, row in rows.items()},
            }
    return table


def tables(fitted: Events, held_out: Events, estimate: Measure) -> dict[str, Any]:
    """What likelihood tables by each measure say of the same held-out events, and the angles that hold 68 % at some energies."""
    by: dict[str, Measure] = {
        "cluster": lambda events: events.cluster,
        ESTIMATE: estimate,
        "truth": lambda events: events.true,
    }
    common = np.all([measure(held_out) >= EDGES_MEV[0] for measure in by.values()], axis=0)
    told: dict[str, dict[str, np.ndarray]] = {target: {} for target in TARGETS}
    degrees: dict[str, Any] = {}
    for name, measure in by.items():
        seen, unseen = (replace(each.angles, reconstructed=measure(each)) for each in (fitted, held_out))
        built = build_tables(seen, unseen, (*EDGES_MEV, np.inf))
        made, some = LikelihoodTables(built.tables, built.thirds, {}), unseen.take(np.flatnonzero(common))
        for target in TARGETS:
            density = made.density(getattr(some, target), some.reconstructed, "es", target)
            told[target][name] = np.log(np.maximum(density, LEAST_DENSITY))
        angles = made.table("es").angle_of(0.68, np.array(ASKED_MEV))
        degrees[name] = dict(zip(map(str, ASKED_MEV), np.round(angles, 1).tolist(), strict=True))
    return {
        "events_judged": int(common.sum()),
        "angle_from_the_electron_that_holds_68_percent": degrees,
        "log_likelihood": {target: {name: mean(values) for name, values in told[target].items()} for target in TARGETS},
        "gain_over_cluster": {
            target: {name: mean(values - told[target]["cluster"]) for name, values in told[target].items()}
            for target in TARGETS
        },
    }


def mean(values: np.ndarray) -> dict[str, float]:
    return {"mean": round(float(values.mean()), 4), "error": round(float(values.std() / np.sqrt(len(values))), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="a run, or the name of a network that comes with the project")
    parser.add_argument("--es", nargs="+", required=True, metavar="DIR")
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=DIR")
    options = parser.parse_args()
    of_both = ("selection.channel=mixed",)
    trained = Trained.load(TASK, network_folder(options.network, TASK.schema.name), of_both)
    events = Events.of(trained, options.es)
    rows = np.arange(len(events.true))
    fitted, held_out = events.take(rows[::2]), events.take(rows[1::2])
    found = measures(fitted)
    sets = {"es": resolutions(held_out, found)}
    for name, folder in (each.split("=", 1) for each in options.others):
        other = Events.of(trained, [folder])
        for channel, is_es in CHANNELS.items():
            mine = np.flatnonzero(other.angles.is_es == is_es)
            if len(mine):
                sets[f"{name}, {channel}"] = resolutions(other.take(mine), found)
    save_result(
        "electron_energy",
        {
            "network": trained.run.name,
            "events_fitted": len(fitted.true),
            "resolution": sets,
            "likelihood_tables": tables(fitted, held_out, found[ESTIMATE]),
        },
    )


if __name__ == "__main__":
    main()
