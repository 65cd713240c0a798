"""Trainings by the launcher's own code, kept under output/benchmarks: interrupted ones go on, those that are done stay."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT
from benchmarks.simulated_sets import simulated
from python.general_purpose_libs import read_json
from python.runs.files import CHECKPOINTS, STATUS_FILE
from python.runs.status import read_status

RUNS = ROOT / "output" / "benchmarks"


def trained(task: str, group: str, row: str, config: dict[str, Any]) -> Path:
    """Train `config`, whose data_directories name simulated sets, in output/benchmarks/`group`/`row`; return the run folder."""
    home = RUNS / group / row
    command = [sys.executable, "-m", "python.commands.train", task]
    found = sorted(home.glob(f"{task}/*/**/{STATUS_FILE}"))
    if found:
        folder = found[-1].parent
        if read_status(folder)["state"] == "done":
            return folder
        command += ["--resume", str(folder)]
    else:
        config = {**config, "data_directories": [str(simulated(name)) for name in config["data_directories"]]}
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(config, file)
        command += ["-j", file.name, "-o", str(home)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.splitlines()[-1])


def training_seconds(folder: Path) -> float:
    """Seconds of all epochs of a run, validation included."""
    return sum(epoch_seconds(folder))


def epoch_seconds(folder: Path) -> list[float]:
    """Seconds of each epoch of a run, validation included."""
    return read_json(max((folder / CHECKPOINTS).glob("[0-9]*.json")))["history"]["seconds"]
