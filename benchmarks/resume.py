"""What checkpoints cost, and whether trainings that are killed at random moments end like one that was left alone.

The cost is that of a large network of three planes, whose epochs take 30 s and more, with a checkpoint each: its weights and
the moments of the optimizer. The kills are kill -9 of a small training with dropout,
augmentation, balancing, plateaus and early stopping, each at a random moment of it, one run a kill.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import ROOT, save_result
from python.general_purpose_libs import read_json
from python.networks.saved import load_network
from python.runs.files import (
    CHECKPOINTS,
    HISTORY_FILE,
    METRICS_FILE,
    NETWORK_FILES,
    SPLITS_FILE,
    STATUS_FILE,
    TRAINING_LOG,
    predictions_file,
)
from python.simulation.embedded import embedded_data_set

KILLS = 20
LARGE = {
    "model_name": "three_plane_cnn",
    "model_parameters.input_shape": [128, 32, 1],
    "model_parameters.build_parameters": {
        "n_conv_layers": 4,
        "n_filters": 64,
        "n_dense_layers": 2,
        "n_dense_units": 256,
    },
    "model_parameters.loss": {"name": "angular"},
    "model_parameters.batch_size": 64,
    "model_parameters.epochs": 3,
    "model_parameters.early_stopping": None,
    "dataset_parameters.aug_coefficient": 2,
}
SMALL = {
    "model_parameters.epochs": 8,
    "model_parameters.batch_size": 8,
    "model_parameters.checkpoint_steps": 20,
    "model_parameters.build_parameters.dropout_rate": 0.3,
    "model_parameters.reduce_lr": {"patience": 1, "factor": 0.5},
    "model_parameters.early_stopping": {"monitor": "val_loss", "patience": 4},
    "dataset_parameters.aug_coefficient": 2,
    "dataset_parameters.balance_data": True,
}


def start(task: str, config: Path, output: Path, settings: dict[str, Any]) -> subprocess.Popen:
    """Begin the training whose output folder this is, or go on with it."""
    statuses = list(output.glob(f"*/**/{STATUS_FILE}"))
    if statuses:
        line = [task, "--resume", statuses[0].parent]
    else:
        line = [task, "-j", config, "-d", embedded_data_set(), "-o", output, "--set"]
        line += [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "python.commands.train", *map(str, line)],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> str:
    said = process.communicate()[1]
    if process.returncode != 0:
        raise SystemExit(said)
    return said


def folder_in(output: Path) -> Path:
    (status,) = output.glob(f"*/**/{STATUS_FILE}")
    return status.parent


def cost(place: Path) -> dict[str, Any]:
    """How long the training waited for checkpoints, and how long they were written meanwhile on one of its cores."""
    config = ROOT / "json" / "electron_direction" / "quick_test.json"
    finish(start("electron_direction", config, place, LARGE))
    folder = folder_in(place)
    log = (folder / TRAINING_LOG).read_text()
    [(waited, written)] = re.findall(r"waited ([\d.]+) s for checkpoints, written in ([\d.]+) s", log)
    manifest = read_json(max((folder / CHECKPOINTS).glob("[0-9]*.json")))
    training = sum(manifest["history"]["seconds"])
    megabytes = max(path.stat().st_size for path in (folder / CHECKPOINTS).glob("*.npz")) / 1e6
    return {
        "parameters": read_json(folder / METRICS_FILE)["n_parameters"],
        "epochs": len(manifest["history"]["seconds"]),
        "seconds_per_epoch": round(training / len(manifest["history"]["seconds"]), 1),
        "checkpoint_mb": round(megabytes, 1),
        "seconds_waited": float(waited),
        "seconds_of_writing_meanwhile": float(written),
        "percent_waited": round(100 * float(waited) / training, 2),
        "percent_if_the_writing_delays_it_too": round(100 * (float(waited) + float(written)) / training, 2),
    }


def kills(place: Path) -> dict[str, Any]:
    """How many of the trainings, each killed once at a random moment, ended with the same weights and the same history."""
    config, dice = ROOT / "json" / "mt_identifier" / "quick_test.json", random.Random(1)
    begin = time.monotonic()
    finish(start("mt_identifier", config, place / "alone", SMALL))
    alone, seconds = folder_in(place / "alone"), time.monotonic() - begin
    found = []
    for number in range(KILLS):
        output = place / f"killed_{number}"
        process = start("mt_identifier", config, output, SMALL)
        while not list(output.glob(f"*/**/{SPLITS_FILE}")):  # the training begins
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.6 * seconds))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed = process.returncode == -signal.SIGKILL
        said = finish(start("mt_identifier", config, output, SMALL))
        went_on = next((line for line in said.splitlines() if line.startswith("going on")), "")
        found.append(
            {"killed": killed, "went_on": went_on.removeprefix("going on "), "same": same(alone, folder_in(output))}
        )
        print(found[-1], flush=True)
    return {
        "seconds_of_one_run": round(seconds, 1),
        "kills": sum(each["killed"] for each in found),
        "same_weights_and_history": sum(each["killed"] and each["same"] for each in found),
        "each": found,
    }


def same(one: Path, other: Path) -> bool:
    """Whether weights, history, metrics and predictions are the same to the last bit."""
    networks = [load_network(next(folder.glob(NETWORK_FILES))).get_weights() for folder in (one, other)]
    predictions = [dict(np.load(folder / predictions_file("test"))) for folder in (one, other)]
    return (
        all(np.array_equal(*pair) for pair in zip(*networks, strict=True))
        and all(predictions[0][name].tobytes() == predictions[1][name].tobytes() for name in predictions[0])
        and all(read_json(one / name) == read_json(other / name) for name in (HISTORY_FILE, METRICS_FILE))
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        costs = cost(Path(place) / "cost")
        print(costs, flush=True)
        save_result("resume", {"cost": costs, "killed": kills(Path(place))})


if __name__ == "__main__":
    main()
