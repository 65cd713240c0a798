"""A search for hyperparameters: what a trial costs beside its training, two workers against one, and a search that is killed.

The trials train the main-track identifier's small network, each on one core. The search that is killed five times at random
moments, kill -9, must end with the trials of the one that was left alone, losses to the last bit.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.record import ROOT, save_result
from benchmarks.trained import training_seconds
from python.processes.cores import processor_cores
from python.runs.files import CONFIG_FILE, STATUS_FILE, TRAINING_LOG, TRIALS_FILE
from python.simulation.embedded import embedded_data_set

CONFIG = ROOT / "json" / "mt_identifier" / "quick_test.json"
ONE_CORE = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
SPACE = {"n_filters": [4, 8, 16], "learning_rate": [0.0003, 0.01], "dropout_rate": {"uniform": [0.0, 0.5]}}
TRIALS, KILLS, TRIALS_OF_TWO_WORKERS = 20, 5, 10
LONGEST_DELAY_S = 8.0  # of a kill after the trial that it waits for: a trial takes about as long
COMPARED = ("number", "values", "status", "metric", "loss", "epochs", "best_epoch", "reason", "curve")


class Search:
    """A search through the launcher's own code, with its run folder in `output`."""

    def __init__(self, output: Path, trials: int, workers: int = 1) -> None:
        self.output = output
        settings = {
            "model_parameters.hp_max_evals": trials,
            "model_parameters.space_options": SPACE,
            "model_parameters.epochs": 3,
            "search.workers": workers,
        }
        self.arguments = ["-j", str(CONFIG), "-d", str(embedded_data_set()), "-o", str(output), "--set"]
        self.arguments += [f"{name}={json.dumps(value)}" for name, value in settings.items()]

    def start(self) -> subprocess.Popen:
        """Begin, or go on."""
        arguments = ["--resume", str(self.folder)] if self.has_begun() else self.arguments
        return subprocess.Popen(
            [sys.executable, "-m", "python.commands.train", "mt_identifier", *arguments],
            cwd=ROOT,
            env={**os.environ, **ONE_CORE, "CUDA_VISIBLE_DEVICES": "-1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self) -> None:
        if code := self.start().wait():
            raise SystemExit(f"{self.folder}: the search ended with exit code {code}")

    def has_begun(self) -> bool:
        return any(self.output.glob(f"*/*/*/*/{CONFIG_FILE}"))

    @property
    def folder(self) -> Path:
        (status,) = self.output.glob(f"*/*/*/*/{STATUS_FILE}")
        return status.parent

    def trials(self) -> list[dict[str, Any]]:
        files = list(self.output.glob(f"*/*/*/*/{TRIALS_FILE}"))
        return [
            json.loads(line)
            for file in files
            for line in file.read_text().splitlines(keepends=True)
            if line[-1:] == "\n"
        ]

    def seconds(self) -> float:
        """From the beginning of the search, workers to be started included, to the end of its last trial."""
        lines = (self.folder / TRAINING_LOG).read_text().splitlines()
        rows = [match[1] for line in lines if (match := re.match(r"(\S+ \S+),\d+ INFO +(?:trial|\d+)  ", line))]
        first, last = (datetime.fromisoformat(row) for row in (rows[0], rows[-1]))
        return (last - first).total_seconds()


def overhead(search: Search) -> dict[str, float]:
    """Seconds of a trial beside its training: the best one's, which was trained again in the search's own process."""
    trials = search.trials()
    best = min((trial for trial in trials if trial["status"] == "done"), key=lambda trial: trial["loss"])
    in_trials = sum(trial["seconds"] for trial in trials)
    return {
        "best_trial_s": best["seconds"],
        "bare_training_s": round(training_seconds(search.folder), 2),
        "process_data_and_network_s": round(best["seconds"] - training_seconds(search.folder), 2),
        "between_trials_s": round((search.seconds() - in_trials) / len(trials), 2),
    }


def killed(search: Search) -> list[dict[str, Any]]:
    """Kill the search at random and let it go on, again and again, to its end; tell of each kill."""
    generator, told = random.Random(), []
    for number in sorted(generator.sample(range(TRIALS - 2), KILLS)):
        with search.start() as process:
            while process.poll() is None and (len(search.trials()) < number or not search.has_begun()):
                time.sleep(0.05)
            time.sleep(generator.uniform(0, LONGEST_DELAY_S))
            below = psutil.Process(process.pid).children(recursive=True)
            process.kill()
        _, alive = psutil.wait_procs(below, timeout=5)
        told.append({"after_trials": len(search.trials()), "processes": len(below), "left_after_5_s": len(alive)})
    search.finish()
    return told


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        alone, interrupted = (Search(Path(place, name), TRIALS) for name in ("alone", "interrupted"))
        alone.finish()
        both = Search(Path(place, "both"), TRIALS_OF_TWO_WORKERS, workers=2)
        both.finish()
        kills = killed(interrupted)
        tables = [
            [{name: trial[name] for name in COMPARED} for trial in each.trials()] for each in (alone, interrupted)
        ]
        per_trial = [each.seconds() / len(each.trials()) for each in (alone, both)]
        save_result(
            "search",
            {
                "load_at_the_end": round(os.getloadavg()[0] / processor_cores(), 2),
                "overhead": overhead(alone),
                "one_worker_s_per_trial": round(per_trial[0], 2),
                "two_workers_s_per_trial": round(per_trial[1], 2),
                "speed_up": round(per_trial[0] / per_trial[1], 2),
                "kills": kills,
                "same_trials": tables[0] == tables[1],
                "losses_alone": [trial["loss"] for trial in tables[0]],
                "losses_killed": [trial["loss"] for trial in tables[1]],
            },
        )


if __name__ == "__main__":
    main()
