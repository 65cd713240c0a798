"""Whether the uncertainty of a direction network is true, as it says it and calibrated, on events like its own and on others.

    python -m benchmarks.direction_calibration RUN [NAME=DIR ...] [--tracks-alone NAME=DIR]

The calibration is that of RUN, fitted to its validation part. It is judged by the test part, and by each DIR of events of
simulate.sh that the run was not trained on, which are chosen as for a training, charged-current ones too where there are any; of
those of --tracks-alone the network is shown no point but those of the track's clusters. The figures of all go to
benchmarks/results/direction_calibration.json; what the test part shows is drawn beside it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.record import ROOT, save_result
from benchmarks.trained import RUNS
from electron_direction.main import TASK
from electron_direction.regression import DirectionRegression
from electron_direction.schema import DirectionConfig
from python.data.point_clouds import PointClouds
from python.general_purpose_libs import read_json
from python.metrics.coverage import LEVELS, coverage, density_metrics
from python.metrics.directions import calibration, direction_statistics, uncertainty_metrics
from python.plots.direction_coverage import plot_coverage
from python.plots.directions import plot_uncertainty_calibration
from python.plots.report import save_figures
from python.runs.files import predictions_file
from python.runs.predictions import DirectionPredictions, read_predictions, write_predictions
from python.training.trained import Trained

TEST_PART = "test part"
MADE_WITH = ("channel", "events", "seed", "flux", "energy", "direction", "background")


def calibrated(run: Path) -> Trained:
    """The network of the run with the calibration that its validation part gives."""
    trained = Trained.load(TASK, run, ("selection.channel=mixed",))
    found = problem_of(trained).calibration(read_predictions(run / predictions_file("val"), DirectionPredictions))
    return replace(trained, calibration=found)


def problem_of(trained: Trained) -> DirectionRegression:
    return cast("DirectionRegression", TASK.problem_of(cast("DirectionConfig", trained.config)))


def asked(trained: Trained, name: str, data: Path, tracks_alone: bool = False) -> DirectionPredictions:
    """What the network answers on all events of `data` whose truth is known; kept under output/benchmarks."""
    kept = RUNS / "direction_calibration" / trained.run.name / f"{name}.npz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_predictions(kept, answered(trained, data, tracks_alone))
    return problem_of(trained).calibrated(read_predictions(kept, DirectionPredictions), trained.calibration or {})


def answered(trained: Trained, data: Path, tracks_alone: bool) -> DirectionPredictions:
    samples = trained.known([data])
    if tracks_alone:
        clouds = samples.set.clouds
        inside = clouds.column("in_cluster") == 1
        counts = np.bincount(clouds.owner[inside], minlength=len(clouds))
        samples.set.clouds = PointClouds(np.concatenate([[0], np.cumsum(counts)]), clouds.points[inside])
    return cast("DirectionPredictions", trained.answers_of(samples, np.arange(len(samples.set))))


def made_with(data: Path) -> dict[str, Any]:
    settings = read_json(next(iter(data.glob("*.json"))))
    return {key: settings[key] for key in MADE_WITH}


def measured(problem: DirectionRegression, predictions: DirectionPredictions) -> dict[str, Any]:
    """Figures of one set of events, before and after."""
    table: dict[str, Any] = {
        "n": len(predictions),
        "head_tail_accuracy": rounded(direction_statistics(predictions.results())["head_tail_accuracy"]),
        "mean_calibrated_head_probability": rounded(np.mean(np.asarray(predictions.calibrated_head_probability))),
    }
    for when, found in problem.judged(predictions).items():
        results = predictions.results(calibrated=when == "calibrated")
        groups = calibration(results)
        table[when] = {
            **{key: rounded(value) for key, value in density_metrics(found).items()},
            **{key: rounded(value) for key, value in uncertainty_metrics(results).items()},
            "predicted_over_true_68_deg": rounded(groups.predicted / groups.actual.value),
            "coverage_by_level": dict(
                zip(map(str, LEVELS.tolist()), rounded(coverage(found.level, LEVELS)), strict=True)
            ),
            "events_by_energy": {energy: len(some) for energy, some in found.by_energy().items()},
        }
    return table


def draw(problem: DirectionRegression, predictions: DirectionPredictions) -> None:
    results = predictions.results(calibrated=True)
    figures = {
        "direction_coverage": plot_coverage(problem.judged(predictions)),
        "direction_calibrated": plot_uncertainty_calibration(results, calibrated=True),
    }
    save_figures(figures, ROOT / "benchmarks" / "results")


def rounded(values: Any) -> Any:
    if values is None:
        return None
    return np.round(np.asarray(values, float), 4).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run of electron_direction")
    parser.add_argument("data", nargs="*", metavar="NAME=DIR", help="events that it was not trained on")
    parser.add_argument(
        "--tracks-alone", metavar="NAME=DIR", help="events of which only the track's clusters are shown"
    )
    options = parser.parse_args()
    trained = calibrated(options.run)
    problem = problem_of(trained)
    part = read_predictions(options.run / predictions_file("test"), DirectionPredictions)
    tested = problem.calibrated(part, trained.calibration or {})
    draw(problem, tested)
    table = {TEST_PART: measured(problem, tested)}
    for name, folder in (each.split("=", 1) for each in options.data):
        table[name] = {"made_with": made_with(Path(folder)), **measured(problem, asked(trained, name, Path(folder)))}
    if options.tracks_alone:
        name, folder = options.tracks_alone.split("=", 1)
        found = asked(trained, name, Path(folder), tracks_alone=True)
        table[name] = {"made_with": made_with(Path(folder)), "tracks_alone": True, **measured(problem, found)}
    events = len(read_predictions(options.run / predictions_file("val"), DirectionPredictions))
    save_result("direction_calibration", {"run": options.run.name, "fitted_to": events, "sets": table})


if __name__ == "__main__":
    main()
