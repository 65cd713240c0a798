"""How well each network finds the main track of an event: trained on simulated events, asked about the same test events.

    python -m benchmarks.main_track_networks            every row that has no result yet
    python -m benchmarks.main_track_networks ROW ...    these rows, anew

A row is a training by the launcher's own code under output/benchmarks; one that was interrupted goes on. Afterwards its network
is asked about clusters on X: of 10,000 simulated events of a supernova's spectrum, ES and CC in equal numbers with backgrounds,
of 40,000 readout windows without a neutrino, of windows with 42K alone, and of the real events beside simulated ones without
backgrounds, as these are. Each row is written to benchmarks/results/main_track_networks.json as soon as it is there, with its
own date and commit. The network in the box is asked too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from benchmarks.record import ROOT, save_result
from benchmarks.simulated_sets import SETS, real, simulated
from benchmarks.track_judgement import (
    Scored,
    background_left,
    by_energy,
    es_electrons,
    from_potassium,
    of_clusters,
    right_cluster,
)
from benchmarks.track_rows import DATA, ROWS
from benchmarks.trained import trained, training_seconds
from mt_identifier.main import TASK
from mt_identifier.schema import SCHEMA
from python.config.classification import ClassifierConfig
from python.config.load import parse_config
from python.data.data_origin import DataFolders
from python.data.image_set import ImageSet, random_rows
from python.data.neighbours import NAMES
from python.data.point_events import PointEvents
from python.general_purpose_libs import read_json
from python.runs.files import HISTORY_FILE, METRICS_FILE, SPLITS_FILE
from python.runs.predictions import ClassPredictions
from python.runs.shipped import network_folder
from python.training.baseline import cluster_numbers
from python.training.provenance import git_commit
from python.training.trained import Trained

RESULT = ROOT / "benchmarks" / "results" / "main_track_networks.json"
LEAST_MEV = 3.0  # of the clusters of windows that are asked about
FOREST_CLUSTERS = 48_000  # that the forests are trained on
Clusters = ImageSet | PointEvents
Read = Callable[[Path], Clusters]
Scores = Callable[[Clusters], np.ndarray]


@dataclass(frozen=True)
class Judge:
    """What is asked: how clusters on X are read from a folder, and the score that each gets for being a main track."""

    read: Read
    scores: Scores

    def scored(self, folder: Path, least_mev: float = 0.0) -> Scored:
        clusters = self.read(folder)
        clusters = clusters.keep("of this energy and more", clusters.metadata["cluster_energy"] >= least_mev)
        return Scored(clusters.metadata, self.scores(clusters))


def judged(judge: Judge) -> dict[str, Any]:
    """All that is kept of one judge's scores."""
    tracks, windows = judge.scored(simulated("tracks_test")), judge.scored(simulated("windows_test"), LEAST_MEV)
    above_5 = tracks.table["true_electron_energy"] > 5
    cc = {"real": judge.scored(real()), "simulated without backgrounds": judge.scored(simulated("quiet_cc"))}
    return {
        "clusters": of_clusters(tracks),
        "clusters_above_5_mev": of_clusters(tracks.above(5.0)),
        "right_cluster_es_above_5_mev": right_cluster(tracks, es_electrons(tracks.table)),
        "right_cluster_all_above_5_mev": right_cluster(tracks, above_5),
        "background_left": background_left(tracks, windows, int(SETS["windows_test"].events or 0)),
        "es_by_energy": by_energy(tracks, windows),
        "es_from_42k": from_potassium(tracks, judge.scored(simulated("k42"))),
        "cc_by_origin": {name: _of_cc(found) for name, found in cc.items()},
    }


def _of_cc(found: Scored) -> dict[str, Any]:
    found = found.only(found.table["is_es_interaction"] == 0)
    return {**of_clusters(found), "right_cluster": right_cluster(found, np.ones(len(found.score), bool))}


def measured(row: str) -> dict[str, Any]:
    folder = trained("mt_identifier", "main_track", row, ROWS[row])
    asked = _Asked(Trained.load(TASK, folder))
    judgement = judged(asked.judge())
    epochs = len(read_json(folder / HISTORY_FILE)["loss"])
    return {
        "date": date.today().isoformat(),
        "commit": git_commit(),
        "parameters": read_json(folder / METRICS_FILE)["n_parameters"],
        "training_clusters": int(np.sum(np.load(folder / SPLITS_FILE)["part"] == 0)),
        "epochs": epochs,
        "training_seconds": round(training_seconds(folder)),
        "prediction_clusters_per_second": round(asked.clusters / asked.seconds),
        **judgement,
    }


@dataclass
class _Asked:
    """A network, and how many clusters it was asked about in how many seconds."""

    network: Trained
    clusters: int = 0
    seconds: float = 0.0

    def judge(self) -> Judge:
        return Judge(lambda data: cast("Clusters", self.network.read([data])), self.scores)

    def scores(self, clusters: Clusters) -> np.ndarray:
        started = time.perf_counter()
        answers = cast("ClassPredictions", self.network.answers(clusters))
        self.seconds += time.perf_counter() - started
        self.clusters += len(answers)
        return answers.scores[:, 1].astype(np.float64)


def with_neighbours(*folders: Path) -> PointEvents:
    """The clusters in the folders as the own network takes them, with the numbers of their events."""
    raw = {"task": SCHEMA.name, "model_name": "point_network"}
    config = cast("ClassifierConfig", parse_config(raw, SCHEMA))
    return cast("PointEvents", TASK.read(config, TASK.architecture(config), DataFolders(tuple(map(str, folders)))))


def yardsticks() -> dict[str, Any]:
    """The most energetic cluster of each event, and forests on the six numbers of clusters, without and with their neighbours."""
    train = with_neighbours(*map(simulated, DATA))
    train = train.keep("trained on", random_rows(len(train), FOREST_CLUSTERS, 1))
    is_main = train.metadata["is_main_track"] == 1

    def forest(numbers: Scores) -> Scores:
        trees = RandomForestClassifier(n_estimators=200, min_samples_leaf=3, random_state=1, n_jobs=2)
        trees.fit(numbers(train), is_main)
        return lambda clusters: trees.predict_proba(numbers(clusters))[:, 1]

    def all_numbers(clusters: Clusters) -> np.ndarray:
        return np.column_stack([cluster_numbers(clusters), cast("PointEvents", clusters).neighbours])

    found = {
        "most energetic cluster of its event": _energy,
        "forest on six numbers": forest(cluster_numbers),
        "forest on six numbers and those of the neighbours": forest(all_numbers),
    }
    return {name: judged(Judge(with_neighbours, scores)) for name, scores in found.items()}


def _energy(clusters: Clusters) -> np.ndarray:
    """Grows with the energy, from one half on for the most energetic cluster of an event."""
    energy = clusters.metadata["cluster_energy"].astype(np.float64)
    first = cast("PointEvents", clusters).neighbours[:, NAMES.index("others of more energy")] == 0
    return 0.5 * (first + energy / (1 + energy))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"rows: {', '.join(ROWS)}")
    wanted = parser.parse_args().rows
    known = read_json(RESULT) if RESULT.exists() else {}
    table = known.get("rows", {})
    found = {
        "yardsticks": known.get("yardsticks") or yardsticks(),
        "in_the_box": judged(_Asked(Trained.load(TASK, network_folder("points", SCHEMA.name))).judge()),
        "rows": table,
    }
    save_result("main_track_networks", found)
    for row in wanted or [row for row in ROWS if row not in table]:
        table[row] = measured(row)
        save_result("main_track_networks", found)


if __name__ == "__main__":
    main()
