"""How well each network and each loss points: the same training events, the same test events.

    python -m benchmarks.direction_networks            every row that has no result yet
    python -m benchmarks.direction_networks ROW ...    these rows, anew

A row is a training by the launcher's own code under output/benchmarks; one that was interrupted goes on. Afterwards its network
is asked about 20,000 simulated electrons of a supernova's spectrum and about the 60 real events. Each row is written to
benchmarks/results/direction_networks.json as soon as it is there, with its own date and commit.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.direction_rows import ROWS
from benchmarks.record import ROOT, save_result
from benchmarks.simulated_sets import real, simulated
from benchmarks.trained import trained, training_seconds
from electron_direction.main import TASK
from electron_direction.yardsticks import limit_metrics, principal_axis_results
from python.general_purpose_libs import read_json
from python.metrics.directions import DirectionResults, direction_statistics
from python.plots.directions import plot_angle_distribution, plot_uncertainty_calibration
from python.plots.directions_by_energy import plot_containment_vs_energy
from python.plots.report import save_figures
from python.runs.files import CONFIG_FILE, CUTS_FILE, HISTORY_FILE, METRICS_FILE
from python.runs.predictions import DirectionPredictions
from python.training.provenance import git_commit
from python.training.trained import Trained

RESULT = ROOT / "benchmarks" / "results" / "direction_networks.json"
ENERGIES = (5, 10)
SHOWN = "own, 200k"  # the row whose plots are kept beside the table


def train(row: str) -> Path:
    """Train the row's configuration, or go on where it stopped, and return its run folder."""
    return trained("electron_direction", "direction", row, ROWS[row])


def asked(folder: Path, data: Path, changes: tuple[str, ...] = ()) -> tuple[DirectionResults, Any, float]:
    """What the network of a run answers on all samples of `data`; the samples too, and seconds of prediction."""
    trained_run = Trained.load(TASK, folder, changes)
    samples = trained_run.known([data])
    rows = np.arange(len(samples.set))
    trained_run.answers_of(samples, rows[:512])  # in which it is compiled
    started = time.perf_counter()
    predictions = cast("DirectionPredictions", trained_run.answers_of(samples, rows))
    seconds = time.perf_counter() - started
    return predictions.results(), samples, seconds


def numbers(results: DirectionResults) -> dict[str, Any]:
    """68 % and median angle, right heads and axis, with intervals, of electrons above each energy."""
    table = {}
    for energy in ENERGIES:
        found = direction_statistics(results.select(results.true_energy > energy))
        table[f"above_{energy}_mev"] = {
            "n": int(np.sum(results.true_energy > energy)),
            **{
                name: [round(float(value), 3) for value in found[name]]
                for name in ("containment_68_deg", "median_deg", "head_tail_accuracy", "axis_68_deg")
            },
        }
    return table


def measured(row: str) -> dict[str, Any]:
    folder = train(row)
    history = read_json(folder / HISTORY_FILE)
    metrics = read_json(folder / METRICS_FILE)
    results, _, seconds = asked(folder, simulated("test"))
    if row == SHOWN:
        figures = {
            "direction_calibration": plot_uncertainty_calibration(results),
            "direction_vs_energy": plot_containment_vs_energy(results),
            "direction_angles": plot_angle_distribution(results),
        }
        save_figures(figures, RESULT.parent)
    old = read_json(folder / CONFIG_FILE)["dataset_parameters"]["frame"] == "old"
    real_results, samples, _ = asked(folder, real(), ("selection.channel=mixed",))
    is_es = samples.labels == 1
    return {
        "date": date.today().isoformat(),
        "commit": git_commit(),
        "network": ROWS[row]["model_name"],
        "loss": ROWS[row]["model_parameters"]["loss"]["name"],
        "frame": "old" if old else "drift",
        "parameters": metrics["n_parameters"],
        "training_events": read_json(folder / CUTS_FILE)[-1]["step"],
        "epochs": len(history["loss"]),
        "training_seconds": round(training_seconds(folder)),
        "inference_events_per_second": round(len(results) / seconds),
        "simulated": numbers(results),
        "real_es": numbers(real_results.select(is_es)),
        "real_cc": numbers(real_results.select(~is_es)),
    }


def yardsticks(folder: Path) -> dict[str, Any]:
    """The principal axis of the points, and the limit, on the events of any row."""
    results, samples, _ = asked(folder, simulated("test"))
    rows = np.arange(len(samples.set))
    table = {name: numbers(axis) for name, axis in principal_axis_results(samples.set.clouds, rows, results).items()}
    limits = {f"above_{energy}_mev": limit_metrics(results.true_energy, results.weight, energy) for energy in ENERGIES}
    return {"principal_axis": table, "intrinsic_limit": limits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"rows: {', '.join(ROWS)}")
    wanted = parser.parse_args().rows
    known = read_json(RESULT) if RESULT.exists() else {}
    table = known.get("rows", {})
    for row in wanted or [row for row in ROWS if row not in table]:
        table[row] = measured(row)
        known["yardsticks"] = known.get("yardsticks") or yardsticks(train(row))
        save_result("direction_networks", {"yardsticks": known["yardsticks"], "rows": table})


if __name__ == "__main__":
    main()
