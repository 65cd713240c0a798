"""Speed of the simulation: events a second on two cores, each stage's share of the time, and memory.

A data set is made as `simulate.sh` makes it, electrons of 2 to 60 MeV, three planes of cluster images; kernels are compiled
before. Stages are timed within such a run on one core. The compilation is timed in an empty cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, save_result
from python.ingest import product_files, products, reconstruction
from python.ingest.products import ProductSettings
from python.simulation import events
from python.simulation.backgrounds import FAINT, NOMINAL_RATES
from python.simulation.event_list import plan_events
from python.simulation.settings import EVENTS_PER_FILE, SimulationSettings

STAGES = {
    events: (
        "_neutrinos",
        "background_particles",
        "set_free",
        "near_clusters",
        "transport",
        "drift",
        "respond",
    ),
    reconstruction: ("make_clusters", "match_planes", "label_clusters"),
    products: ("cluster_images", "volume_images", "make_points"),
    product_files: ("write_image_file", "write_point_file"),
}
NO_BACKGROUND = dict.fromkeys(NOMINAL_RATES, 0.0)
NO_FAINT = {**NOMINAL_RATES, **dict.fromkeys(FAINT, 0.0)}
LARGEST_MEMORY = "import resource; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def simulate(folder: Path, n_events: int, *options: str, **environment: str) -> tuple[float, float]:
    """Run the command and return its seconds and the largest memory of a process in MB."""
    command = [sys.executable, "-m", "python.commands.simulate", "-o", str(folder), "-n", str(n_events), *options]
    code = f"import subprocess, sys; subprocess.run({command!r}, check=True, stdout=sys.stderr); {LARGEST_MEMORY}"
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE
    )
    return time.perf_counter() - start, int(done.stdout) / 1024


def rate(scratch: Path, *options: str) -> int:
    """Return events a second of a longer run, without what a run of one file takes to start."""
    few, many = 2 * EVENTS_PER_FILE, 8 * EVENTS_PER_FILE
    name = "".join(options)
    short, long = (min(simulate(scratch / f"{name}{n}{i}", n, *options)[0] for i in range(2)) for n in (few, many))
    return round((many - few) / (long - short))


def stage_shares(settings: SimulationSettings) -> dict[str, float]:
    """Return milliseconds an event that each stage takes on one core."""
    spent: dict[str, float] = defaultdict(float)

    def timed(name: str, function: Callable) -> Callable:
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **keywords)
            spent[name.strip("_")] += time.perf_counter() - start
            return result

        return wrapper

    plan = plan_events(settings)
    with tempfile.TemporaryDirectory() as scratch:
        events.simulate_file(settings, plan, Path(scratch), 0)
        originals = {(module, name): getattr(module, name) for module, names in STAGES.items() for name in names}
        for (module, name), function in originals.items():
            setattr(module, name, timed(name, function))
        start = time.perf_counter()
        events.simulate_file(settings, plan, Path(scratch), 0)
        total = time.perf_counter() - start
        for (module, name), function in originals.items():
            setattr(module, name, function)
    spent["everything else"] = total - sum(spent.values())
    return {name: round(1e3 * seconds / plan.size(0), 3) for name, seconds in spent.items()} | {
        "total": round(1e3 * total / plan.size(0), 3)
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        started = simulate(folder / "first", 1, NUMBA_CACHE_DIR=str(folder / "kernels"))[0]
        again = simulate(folder / "second", 1, NUMBA_CACHE_DIR=str(folder / "kernels"))[0]
        none, no_faint = ("--background", "none"), ("--background", *(f"{name}=0" for name in FAINT))
        rates = {
            "es": rate(folder, "--channel", "es", *none),
            "es with volumes": rate(folder, "--channel", "es", "--volumes", *none),
            "es with backgrounds but 39Ar and 85Kr": rate(folder, "--channel", "es", *no_faint),
            "es with backgrounds": rate(folder, "--channel", "es"),
            "mixed with backgrounds and volumes": rate(folder, "--volumes"),
        }
        memory = {n: round(simulate(folder / f"memory{n}", n, "--workers", "1", *none)[1]) for n in (2000, 20_000)}
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    shares = {
        name: stage_shares(
            SimulationSettings(EVENTS_PER_FILE, "es", background=rates_, products=ProductSettings(volumes=volumes))
        )
        for name, rates_, volumes in (
            ("es", NO_BACKGROUND, False),
            ("es with backgrounds but 39Ar and 85Kr", NO_FAINT, False),
            ("es with backgrounds", NOMINAL_RATES, False),
            ("es with backgrounds and volumes", NOMINAL_RATES, True),
        )
    }
    save_result(
        "simulation_speed",
        {
            "events_per_second_two_workers": rates,
            "milliseconds_per_event_one_core": shares,
            "largest_process_mb_by_events": memory,
            "seconds_first_event": {"compiling": round(started, 1), "compiled before": round(again, 1)},
        },
    )


if __name__ == "__main__":
    main()
