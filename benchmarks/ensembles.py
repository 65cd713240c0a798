"""What several networks bring over one, and whether it shows where they disagree: the same training events, the same test events.

    python -m benchmarks.ensembles TRAIN TEST [--max-samples N] [--epochs N] [--rows ROW ...]

TRAIN and TEST are folders of simulate.sh. The network is that which ships, with one round of context. Compared are one, as the
mean over the members of `seeds`, with the lowest and the highest; one that is trained for as many epochs as five together; five
with other seeds, five with other samples drawn with replacement, five that leave out a fold each. Every network is asked in two
views. Each is calibrated by the validation part, without the spread of members and views and with it, and judged by the test part
and by TEST. Trainings and outputs stay under output/benchmarks. The result goes to benchmarks/results/ensembles.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.stats import spearmanr

from benchmarks.direction_calibration import made_with, rounded
from benchmarks.direction_networks import numbers
from benchmarks.record import ROOT, save_result
from benchmarks.trained import RUNS, run_of
from electron_direction.main import TASK
from electron_direction.regression import DirectionRegression
from electron_direction.samples import MatchedClusters
from electron_direction.schema import DirectionConfig
from python.directions.densities import Densities, Density, judged
from python.directions.lobes import Lobes
from python.directions.recalibration import WITH_SPREAD, Recalibration
from python.general_purpose_libs import read_json, write_json
from python.metrics.coverage import DensityResults, coverage_error
from python.metrics.directions import direction_statistics
from python.runs.files import CONFIG_FILE, HISTORY_FILE
from python.runs.predictions import DirectionPredictions
from python.training.prediction import predict
from python.training.preparation import configured_data, prepared
from python.training.task import Samples
from python.training.trained import Trained

CONFIGURATION = ROOT / "json" / "electron_direction" / "points_shipped.json"
HOME = RUNS / "ensembles"
MEMBERS = 5
LAST_RATE = 0.02  # of the first learning rate, whatever the number of epochs
PARTS = {"train_fraction": 0.6, "val_fraction": 0.2, "test_fraction": 0.2}
RESAMPLING = {"seeds": "none", "bootstrap": "bootstrap", "folds": "cross_validation"}
ONE, LONG = "one", "one_long"
ROWS = (*RESAMPLING, LONG)
RAW, WITHOUT, WITH = "raw", "calibrated", "calibrated with the spread"
QUARTILES = 4


class Events(NamedTuple):
    """Events that networks are asked about."""

    samples: Samples[MatchedClusters]
    rows: np.ndarray


@dataclass(frozen=True)
class Asked:
    """The network of a row, and its `outputs` (views, members, n, C) on each of the `events`, by name."""

    problem: DirectionRegression
    events: Mapping[str, Events]
    outputs: Mapping[str, np.ndarray]

    def predictions(self, members: slice) -> dict[str, DirectionPredictions]:
        return {
            name: self.problem.predictions(np.concatenate(self.outputs[name][:, members]), events.samples, events.rows)
            for name, events in self.events.items()
        }


# ---------------------------------------------------------------------------- trainings
def trained(row: str, data: Path, max_samples: int, epochs: int) -> Path:
    """Train the five networks of a row, or one as long as they; return the run folder."""

    def beginning() -> list[str]:
        (HOME / row).mkdir(parents=True, exist_ok=True)
        write_json(HOME / row / "row.json", configuration(row, data, max_samples, epochs))
        return ["-j", str(HOME / row / "row.json")]

    return run_of("electron_direction", HOME / row, beginning)


def configuration(row: str, data: Path, max_samples: int, epochs: int) -> dict[str, Any]:
    config = read_json(CONFIGURATION)
    epochs = epochs * MEMBERS if row == LONG else epochs
    config["model_parameters"]["build_parameters"] |= {"n_context_rounds": 1, "decay_rate": LAST_RATE ** (1 / epochs)}
    config["model_parameters"] |= {"epochs": epochs, "batch_size": 128}
    config |= {
        "version": None,
        "data_directories": [str(data.resolve())],
        "dataset_parameters": {**PARTS, "max_samples": max_samples},
        "ensemble": None if row == LONG else {"members": MEMBERS, "resampling": RESAMPLING[row]},
    }
    return config


# ---------------------------------------------------------------------------- questions
def events_of(run: Path, test: Path) -> dict[str, Events]:
    """The validation and the test part of a run, and the events of `test`."""
    network = Trained.load(TASK, run)
    training = prepared(TASK, network.config, configured_data(network.config))
    others = network.known([test])
    return {
        "val": Events(training.samples, training.parts.val),
        "test part": Events(training.samples, training.parts.test),
        test.name: Events(others, np.arange(len(others.set))),
    }


def asked(run: Path, row: str, events: Mapping[str, Events]) -> Asked:
    """The answers of the run's networks; outputs are kept."""
    network = Trained.load(TASK, run)
    problem = TASK.problem_of(cast("DirectionConfig", network.config))
    outputs = {}
    for name, (samples, rows) in events.items():
        kept = HOME / row / f"{name}.npy"
        if not kept.is_file():
            np.save(kept, predict(network.network, samples.set, rows, problem.views()))
        found = np.load(kept)
        outputs[name] = found.reshape(len(problem.views()), -1, *found.shape[1:])
    return Asked(cast("DirectionRegression", problem), events, outputs)


# ---------------------------------------------------------------------------- figures
def measured(problem: DirectionRegression, predictions: Mapping[str, DirectionPredictions]) -> dict[str, Any]:
    """Figures of each set but the validation part, by which they are calibrated."""
    val = predictions["val"]
    given = (lobes_of(problem, val), val.clusters.cluster_energy, val.true_direction_drift_frame)
    without, with_spread = Recalibration.fit(*given), Recalibration.fit(*given, val.spread_deg)
    table = {}
    for name, found in predictions.items():
        if name == "val":
            continue
        lobes, energy = lobes_of(problem, found), found.clusters.cluster_energy
        densities: dict[str, Density] = {
            RAW: Densities(problem.read_as, found.outputs.astype(np.float64)),
            WITHOUT: without.lobes(lobes, energy),
            WITH: with_spread.lobes(lobes, energy, found.spread_deg),
        }
        results = {when: judged(each, found.true_direction_drift_frame, energy) for when, each in densities.items()}
        gain = results[WITH].log_density - results[WITHOUT].log_density
        table[name] = {
            "pointing": numbers(found.results()),
            **{when: of_densities(each) for when, each in results.items()},
            "spread_taken": float(with_spread.layout == WITH_SPREAD),
            "gain_by_spread": rounded([gain.mean(), gain.std() / np.sqrt(len(gain))]),
            "spread": of_spread(found),
        }
    return table


def lobes_of(problem: DirectionRegression, predictions: DirectionPredictions) -> Lobes:
    return problem.read_as.lobes(predictions.outputs.astype(np.float64))


def of_densities(results: DensityResults) -> dict[str, Any]:
    by_energy = [coverage_error(some.level) for some in results.by_energy().values()]
    return {
        "log_likelihood": rounded(results.log_density.mean()),
        "coverage_error": rounded(coverage_error(results.level)),
        "coverage_error_worst_bin": rounded(np.nanmax(by_energy)),
    }


def of_spread(predictions: DirectionPredictions) -> dict[str, Any]:
    """Rank correlation of spread and error, that of predicted 68 % angle and error beside it; the quarters by spread."""
    results, spread = predictions.results(), np.asarray(predictions.spread_deg)
    order = np.array_split(np.argsort(spread, kind="stable"), QUARTILES)
    quarters = [
        {
            "median_spread_deg": rounded(np.median(spread[rows])),
            "containment_68_deg": rounded(direction_statistics(results.select(rows))["containment_68_deg"].value),
            "median_deg": rounded(np.median(results.angle[rows])),
        }
        for rows in order
    ]
    return {
        "rank_correlation_with_error": rounded(spearmanr(spread, results.angle).statistic),
        "rank_correlation_of_predicted_68_with_error": rounded(
            spearmanr(np.asarray(predictions.predicted_68_deg), results.angle).statistic
        ),
        "quarters": quarters,
    }


def merged(tables: Sequence[Any], by: Callable[[Any], Any]) -> Any:
    """One table of several alike, each number `by` those of all."""
    if isinstance(tables[0], dict):
        return {key: merged([table[key] for table in tables], by) for key in tables[0]}
    if isinstance(tables[0], list):
        return [merged(each, by) for each in zip(*tables, strict=True)]
    return rounded(by(tables))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="folder of the events to train on")
    parser.add_argument("test", type=Path, help="folder of the events to be asked about")
    parser.add_argument("--max-samples", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=6, help="of each of the five networks")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    options = parser.parse_args()
    runs = {row: trained(row, options.train, options.max_samples, options.epochs) for row in options.rows}
    events = events_of(next(iter(runs.values())), options.test.resolve())
    table, epochs = {}, {}
    for row, run in runs.items():
        found = asked(run, row, events)
        if row == "seeds":
            each = [measured(found.problem, found.predictions(slice(k, k + 1))) for k in range(MEMBERS)]
            table[ONE] = merged(each, np.mean)
            table[f"{ONE}, lowest"], table[f"{ONE}, highest"] = merged(each, np.min), merged(each, np.max)
        table[row] = measured(found.problem, found.predictions(slice(None)))
        epochs[row] = len(read_json(run / HISTORY_FILE)["loss"])
    config = read_json(next(iter(runs.values())) / CONFIG_FILE)
    save_result(
        "ensembles",
        {
            "trained_on": made_with(options.train),
            "asked_about": made_with(options.test),
            "events": {name: len(each.rows) for name, each in events.items()},
            "model_parameters": config["model_parameters"],
            "epochs": epochs,
            "rows": table,
        },
    )


if __name__ == "__main__":
    main()
