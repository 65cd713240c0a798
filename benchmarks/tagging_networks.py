"""How well each network tells elastic scattering from charged current: the same training events, the same test events.

    python -m benchmarks.tagging_networks            every row that has no result yet
    python -m benchmarks.tagging_networks ROW ...    these rows, anew

A row is a training by the launcher's own code under output/benchmarks; one that was interrupted goes on. Afterwards its network
is asked about 6,000 simulated events of a supernova's spectrum, ES and CC in equal numbers, with backgrounds: those of their
matched events, so that networks of one plane and of three see the same. Each row is written to
benchmarks/results/tagging_networks.json as soon as it is there, with its own date and commit. The
network in the box is asked too.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from typing import Any, cast

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.record import ROOT, save_result
from benchmarks.simulated_sets import simulated
from benchmarks.tagging_rows import ROWS
from benchmarks.trained import trained, training_seconds
from channel_tagging.baseline import tree_scores
from channel_tagging.main import TASK
from channel_tagging.samples import channels
from channel_tagging.volume_numbers import volume_numbers
from python.data.data_origin import DataFolders
from python.data.image_set import join_image_sets, load_images
from python.data.neighbours import NAMES
from python.data.point_events import PointEvents
from python.general_purpose_libs import read_json
from python.metrics.classification import classification_metrics
from python.metrics.tagging import CC_PER_ES, CLASSES, calibration_error, tagging_metrics
from python.runs.files import HISTORY_FILE, METRICS_FILE, SPLITS_FILE
from python.runs.predictions import ClassPredictions
from python.runs.shipped import network_folder
from python.training.provenance import git_commit
from python.training.task import SampleSet
from python.training.trained import Trained

RESULT = ROOT / "benchmarks" / "results" / "tagging_networks.json"
TEST_EVENTS = 6000
ENERGY_BINS = ((2, 5), (5, 10), (10, 20), (20, 100))  # reconstructed MeV
TRUE_ENERGY_BINS = ((0, 10), (10, 20), (20, 40))
KEPT = (
    "accuracy", "auc", "es_efficiency_at_4_percent_cc_passing", "es_efficiency_at_1_percent_cc_passing",
    "es_efficiency_at_4_percent_cc", "es_efficiency_at_1_percent_cc", "expected_calibration_error",
)  # fmt: skip


def test_volumes(tagger: Trained) -> SampleSet:
    """The matched events among the test events, as the network takes them: each by its most energetic cluster."""
    volumes = tagger.read([simulated("mixed_test")])
    if isinstance(volumes, PointEvents):
        largest = volumes.neighbours[:, NAMES.index("others of more energy")] == 0
        volumes = volumes.keep("around which a volume is", largest)
    return volumes.keep("of the benchmark", test_rows(volumes.metadata))


def test_rows(table: np.ndarray) -> np.ndarray:
    """Rows of the events that every network is asked about."""
    order = np.lexsort((table["event"], table["source"]))
    matched = order[table["match_id"][order] >= 0]
    return np.sort(np.random.default_rng(1).permutation(matched)[:TEST_EVENTS])


def judged(labels: np.ndarray, scores: np.ndarray, table: np.ndarray) -> dict[str, Any]:
    """What is kept of the answers `scores` (n, 2): of all events, of those about the electron's track, and by energy."""
    energy, is_track = table["cluster_energy"], table["is_main_track"] == 1
    right = scores.argmax(axis=1) == labels
    return {
        **metrics_of(labels, scores),
        "about_the_electron": metrics_of(labels[is_track], scores[is_track]),
        "above_10_mev": metrics_of(labels[energy > 10], scores[energy > 10]),
        "half_of_es": half_of_es(labels, scores[:, 1], table["true_electron_energy"]),
        "accuracy_by_energy": {
            f"{low} to {high} MeV": round(float(right[(energy >= low) & (energy < high)].mean()), 4)
            for low, high in ENERGY_BINS
        },
    }


def half_of_es(labels: np.ndarray, score: np.ndarray, electron: np.ndarray) -> dict[str, Any]:
    """The cut that keeps half of the ES: CC among what passes, and the ES kept by true energy of the electron (MeV)."""
    cut = np.median(score[labels == 1])
    cc = CC_PER_ES * np.mean(score[labels == 0] > cut)
    kept = {
        f"{low} to {high} MeV": round(
            float(np.mean(score[(labels == 1) & (electron > low) & (electron <= high)] > cut)), 3
        )
        for low, high in TRUE_ENERGY_BINS
    }
    return {"cc_contamination": round(float(cc / (cc + 0.5)), 3), "es_kept": kept}


def metrics_of(labels: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Each metric with its interval."""
    found = {**classification_metrics(labels, scores, CLASSES), **tagging_metrics(labels, scores)}
    ends = ("", "_low", "_high")
    kept = {name: [round(value, 4) for end in ends if (value := found.get(name + end)) is not None] for name in KEPT}
    return {"test_events": len(labels), **kept}


def in_the_box() -> dict[str, Any]:
    tagger = Trained.load(TASK, network_folder("points", TASK.schema.name))
    volumes = test_volumes(tagger)
    answers = cast("ClassPredictions", tagger.answers(volumes))
    return judged(answers.labels, answers.scores, volumes.metadata)


def measured(row: str) -> dict[str, Any]:
    folder = trained("channel_tagging", "tagging", row, ROWS[row])
    metrics, epochs = read_json(folder / METRICS_FILE), len(read_json(folder / HISTORY_FILE)["loss"])
    tagger = Trained.load(TASK, folder)
    volumes = test_volumes(tagger)
    started = time.perf_counter()
    answers = cast("ClassPredictions", tagger.answers(volumes))
    seconds = time.perf_counter() - started
    error = calibration_error(answers.labels, cast("np.ndarray", answers.calibrated_scores))
    train_volumes = int(np.sum(np.load(folder / SPLITS_FILE)["part"] == 0))
    return {
        "date": date.today().isoformat(),
        "commit": git_commit(),
        "parameters": metrics["n_parameters"],
        "training_volumes": train_volumes,
        "epochs": epochs,
        "training_seconds": round(training_seconds(folder)),
        "training_volumes_per_second": round(train_volumes * epochs / training_seconds(folder), 1),
        "prediction_volumes_per_second": round(len(answers) / seconds, 1),
        "calibrated_error": round(error, 4) if error is not None else None,
        **judged(answers.labels, answers.scores, volumes.metadata),
    }


def yardsticks() -> dict[str, Any]:
    """Boosted trees on reconstructed numbers, and on the energy of the main cluster alone, trained as the networks are."""
    test = load_images(DataFolders([simulated("mixed_test")]), "X", kind="volumes")
    table = {}
    for data in ("mixed_small", "mixed"):
        train = load_images(DataFolders([simulated(data)]), "X", kind="volumes")
        both = join_image_sets([train, test])
        labels, train_rows, rows = channels(both), np.arange(len(train)), len(train) + test_rows(test.metadata)
        energy = both.metadata["cluster_energy"]
        found = {"trees on reconstructed numbers": tree_scores(volume_numbers(both), labels, train_rows, rows, seed=1)}
        alone = HistGradientBoostingClassifier(learning_rate=0.05, min_samples_leaf=50, random_state=1)
        alone.fit(energy[train_rows, None], labels[train_rows])
        found["trees on the energy alone"] = alone.predict_proba(energy[rows, None])
        for name, scores in found.items():
            judgement = judged(labels[rows], scores, both.metadata[rows])
            table[f"{name}, {data}"] = {"training_volumes": len(train), **judgement}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"rows: {', '.join(ROWS)}")
    wanted = parser.parse_args().rows
    known = read_json(RESULT) if RESULT.exists() else {}
    table = known.get("rows", {})
    found = {"yardsticks": known.get("yardsticks") or yardsticks(), "in_the_box": in_the_box(), "rows": table}
    save_result("tagging_networks", found)
    for row in wanted or [row for row in ROWS if row not in table]:
        table[row] = measured(row)
        save_result("tagging_networks", found)


if __name__ == "__main__":
    main()
