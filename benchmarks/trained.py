"""Trainings by the launcher's own code, kept under output/benchmarks: interrupted ones go on, those that are done stay."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT
from benchmarks.simulated_sets import simulated
from python.general_purpose_libs import read_json, write_json
from python.runs.files import CHECKPOINTS, STATUS_FILE
from python.runs.status import read_status

RUNS = ROOT / "output" / "benchmarks"


def trained(task: str, group: str, row: str, config: dict[str, Any]) -> Path:
    """Train `config`, whose data_directories name simulated sets, in output/benchmarks/`group`/`row`; return the run folder."""
    home = RUNS / group / row

    def beginning() -> list[str]:
        data = [str(simulated(name)) for name in config["data_directories"]]
        home.mkdir(parents=True, exist_ok=True)
        write_json(home / "row.json", {**config, "data_directories": data})
        return ["-j", str(home / "row.json")]

    return run_of(task, home, beginning)


def run_of(task: str, home: Path, beginning: Callable[[], Sequence[str]]) -> Path:
    """The run in `home`: the one that is there, gone on with where it was interrupted, or one of the options of `beginning`."""
    command = [sys.executable, "-m", "python.commands.train", task]
    found = sorted(home.glob(f"{task}/*/**/{STATUS_FILE}"))
    if found and read_status(found[-1].parent)["state"] == "done":
        return found[-1].parent
    command += ["--resume", str(found[-1].parent)] if found else [*beginning(), "-o", str(home)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.splitlines()[-1])


def training_seconds(folder: Path) -> float:
    """Seconds of all epochs of a run, validation included."""
    return sum(epoch_seconds(folder))


def epoch_seconds(folder: Path) -> list[float]:
    """Seconds of each epoch of a run, validation included."""
    return read_json(max((folder / CHECKPOINTS).glob("[0-9]*.json")))["history"]["seconds"]
