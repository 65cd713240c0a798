"""The registry: listing 10,000 runs, recording one more among them, and eight processes that register runs at the same time.

Of the 10,000 runs three in four are done, the others failed, running or interrupted with run folders that are asked for their
state. The eight processes claim versions that are made up and record the start and the end of their runs; nothing may be lost.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, save_result, seconds
from python.general_purpose_libs import write_json
from python.processes.cores import processor_cores
from python.runs.facts import summary
from python.runs.files import STATUS_FILE
from python.runs.registry.registry import Registry
from python.tasks import TASKS

ENTRIES, PROCESSES, RUNS_EACH = 10_000, 8, 25
STATES = ("done", "done", "done", "failed", "done", "done", "done", "interrupted")
CONFIG = ROOT / "json" / "electron_direction" / "point_network_200k.json"
RESULTS = {"containment_68_deg": 27.3, "median_deg": 15.0, "head_tail_accuracy": 0.91}


def facts(number: int) -> dict[str, Any]:
    task, day = TASKS[number % len(TASKS)], 1 + number % 28
    return {
        "task": task,
        "version": f"version {number}",
        "model_name": "point_network",
        "folder": f"{task}/point_network/202601{day:02d}_{number:06d}",
        "configuration": summary(json.loads(CONFIG.read_text())),
        "configuration_file": f"json/{task}/some_configuration.json",
        "data_set": {"folders": ["data/simulated/es"], "files": 12, "samples": 143744},
        "rationale": "An entry among many, which says in a line or two why this training was thought to be worth its time.",
        "started": f"2026-01-{day:02d}T10:00:00+00:00",
        "ended": f"2026-01-{day:02d}T11:00:00+00:00",
        "state": STATES[number % len(STATES)],
        "epochs": 30,
        "results": RESULTS,
        "commit": "0" * 40,
        "host": "node.example.org",
    }


def fill(output: Path) -> None:
    """Write the entries, and the state of runs that are not done."""
    for number in range(ENTRIES):
        entry = facts(number)
        run = entry["folder"].replace("/", ".")
        write_json(output / "registry" / f"{run}.json", {"run": run, **entry})
        if entry["state"] != "done":
            write_json(output / entry["folder"] / STATUS_FILE, {"state": entry["state"], "started": entry["started"]})


def register_runs(output: Path, process: int) -> tuple[list[str], float]:
    """Claim versions and record runs as trainings do; return the versions and the longest time of a record."""
    versions, longest = [], 0.0
    for number in range(RUNS_EACH):
        registry, run = Registry(output), f"{TASKS[0]}.simple_cnn.{process}_{number}"
        versions.append(registry.claim(TASKS[0], None, run))
        for said in (
            {"task": TASKS[0], "folder": run.replace(".", "/"), "version": versions[-1], "state": "running"},
            {"state": "done", "results": {"accuracy": 0.9}},
        ):
            start = time.perf_counter()
            registry.record(run, **said)
            longest = max(longest, time.perf_counter() - start)
    return versions, longest


def at_once(output: Path) -> dict[str, Any]:
    """Let all processes register their runs and count what is missing afterwards."""
    start = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(register_runs, [output] * PROCESSES, range(PROCESSES)))
    wall = time.perf_counter() - start
    runs = [f"{TASKS[0]}.simple_cnn.{process}_{number}" for process in range(PROCESSES) for number in range(RUNS_EACH)]
    claimed = [version for versions, _ in told for version in versions]
    lines = [json.loads(line) for line in (output / "registry.jsonl").read_text().splitlines()]
    ended = {line["run"] for line in lines if line.get("state") == "done" and "version" in line}
    page = (output / "TRAINING_REGISTRY.md").read_text()
    return {
        "runs": len(runs),
        "seconds": round(wall, 2),
        "longest_record_s": round(max(longest for _, longest in told), 2),
        "versions_twice": sum(count - 1 for count in Counter(claimed).values()),
        "missing_in_jsonl": len(set(runs) - ended),
        "missing_in_page": sum(f"`{run.replace('.', '/')}`" not in page for run in runs),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        output, empty = Path(place, "many"), Path(place, "empty")
        fill(output)
        listing = seconds(lambda: Registry(output).entries())
        refreshing = seconds(lambda: Registry(output).refresh())
        numbers = iter(range(ENTRIES, 2 * ENTRIES))
        recording = seconds(lambda: Registry(output).record("one.more", **facts(next(numbers))))
        held = Registry(output)
        again = seconds(lambda: held.record("one.more", **facts(next(numbers))))
        save_result(
            "registry",
            {
                "entries": ENTRIES,
                "listing_s": round(listing, 2),
                "pages_s": round(refreshing, 2),
                "page_mb": round((output / "TRAINING_REGISTRY.md").stat().st_size / 1e6, 1),
                "first_record_s": round(recording, 2),
                "later_record_s": round(again, 2),
                "processes": PROCESSES,
                "at_once": at_once(empty),
                "at_once_among_entries": at_once(output),
                "load_at_the_end": round(os.getloadavg()[0] / processor_cores(), 2),
            },
        )


if __name__ == "__main__":
    main()
