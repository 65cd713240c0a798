"""How long a direction network of points takes to read its events, and with how much memory, up to a million of them.

    python -m benchmarks.reading_points [--events N ...]

A thousand simulated ES events with all backgrounds are made, and their file of points is copied with sources of its own until
there are enough: that is what the disk would hold of so many events, as far as this network reads it. Each number is read in a
process of its own, as a training reads it: chosen, without repeated samples, divided. The result goes to
benchmarks/results/reading_points.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, save_result
from python.data.point_clouds import STORED_COLUMNS, read_point_file, write_point_file
from python.data.sources import Source
from python.simulation.production import produce
from python.simulation.settings import EVENTS_PER_FILE, SimulationSettings

CONFIGURATION = ROOT / "json" / "electron_direction" / "points_shipped.json"
EVENTS = (100_000, 300_000, 1_000_000)


def read(folder: str) -> dict[str, Any]:
    """Read the events in this process."""
    from electron_direction.main import TASK
    from python.config.load import load_config
    from python.training.preparation import configured_data, prepared

    before = _memory_mb()
    config = load_config(CONFIGURATION, TASK.schema, [f"data_directories={json.dumps([folder])}"])
    started = time.perf_counter()
    training = prepared(TASK, config, configured_data(config))
    samples = training.samples.set
    return {
        "samples": len(samples),
        "points": int(samples.clouds.counts.sum()),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mb": _memory_mb(),
        "peak_mb_before": before,
        "points_mb": round(samples.clouds.points.nbytes / 2**20),
    }


def _memory_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=EVENTS)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(read(options.read)))
        return
    rows = {}
    with tempfile.TemporaryDirectory() as home:
        settings = SimulationSettings(EVENTS_PER_FILE, channel="es", flux="gkvm", energy=(3.0, 100.0), seed=31)
        produce(settings, Path(home, "one"))
        on_disk = sum(path.stat().st_size for path in Path(home, "one").glob("*.npz")) / EVENTS_PER_FILE
        (path,) = Path(home, "one").glob("*_points.npz")
        one, folder = read_point_file(path), Path(home, "many")
        folder.mkdir()
        there = 0
        for n_events in sorted(options.events):
            for number in range(there, n_events // EVENTS_PER_FILE):
                points = one.clouds.points.copy()
                points[:, STORED_COLUMNS.index("integral")] += number  # or they would be repeated samples
                clouds = replace(one.clouds, points=points)
                source = Source(f"es_{number:05d}", f"{number:032x}")
                write_point_file(folder / f"es_{number:05d}_points.npz", replace(one, clouds=clouds, sources=[source]))
            there = n_events // EVENTS_PER_FILE
            line = [sys.executable, "-m", "benchmarks.reading_points", "--read", str(folder)]
            done = subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
            rows[str(n_events)] = json.loads(done.stdout.splitlines()[-1])
            print(n_events, rows[str(n_events)], flush=True)
    save_result("reading_points", {"bytes_an_event_of_all_files": round(on_disk), "events": rows})


if __name__ == "__main__":
    main()
