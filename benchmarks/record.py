"""How a measurement is kept: with its date, commit and machine, in benchmarks/results."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from python.general_purpose_libs import write_json
from python.training.device import cpu_name
from python.training.provenance import git_commit

ROOT = Path(__file__).resolve().parents[1]
REAL_FILES = [ROOT.parent / "shared" / "data" / f"{kind}_tpstream.root" for kind in ("es", "cc")]


def seconds(action: Callable[[], object], repeats: int = 3) -> float:
    """Shortest of some runs: the machine is shared."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def save_result(name: str, result: dict[str, Any]) -> None:
    """Write benchmarks/results/NAME.json and print it."""
    machine = {"processor": cpu_name(), "cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    write_json(path, {"date": date.today().isoformat(), "commit": git_commit(), "machine": machine, **result})
    print(path.read_text())
