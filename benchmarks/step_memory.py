"""What it costs TensorFlow to give the memory of each training step back and ask for it again.

    python -m benchmarks.step_memory

The direction network of points trains on made-up events in processes that alternate: with the allocator that the launchers choose
(TF_CPU_ALLOCATOR_USE_BFC, see scripts/init.sh), and with the system's. Reported are events a second of the processors' own time,
and how much of that the system took. The result goes to benchmarks/results/step_memory.json.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from statistics import median
from typing import Any

import numpy as np

from benchmarks.record import ROOT, save_result

SETTINGS = {"kept": "true", "given back": "false"}
BATCH, BATCHES, EPOCHS, REPEATS = 256, 24, 2, 3


def trained_here() -> None:
    """Train in this process, and tell the seconds that it took of the processors, and of these the system's."""
    import keras

    from electron_direction.models.point_network import ARCHITECTURE
    from python.data.point_clouds import POINT_COLUMNS
    from python.directions.find import losses
    from python.networks.point_parameters import PointNetworkParameters

    parameters, loss = PointNetworkParameters(), losses()["two_lobes"]
    model = ARCHITECTURE.build((128, 32, 1), loss.answer, parameters)
    model.compile(optimizer="adam", loss=loss.function)
    rng = np.random.default_rng(0)
    points = np.abs(rng.normal(size=(BATCH, parameters.max_points, len(POINT_COLUMNS) + 1))).astype(np.float32)
    points[..., 0] = rng.integers(0, 3, points.shape[:2])
    batch = {"points": points, "energy": np.ones((BATCH, 1), np.float32)}
    truth = rng.normal(size=(BATCH, 5)).astype(np.float32)

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return BATCHES

        def __getitem__(self, _index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
            return batch, truth

    batches = Batches()
    model.fit(batches, verbose=0)  # in which it is traced
    before = resource.getrusage(resource.RUSAGE_SELF)
    model.fit(batches, epochs=EPOCHS, verbose=0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    print(json.dumps({"user": user, "system": system, "peak_mb": after.ru_maxrss // 1024}))


def main() -> None:
    told: dict[str, list[dict[str, float]]] = {name: [] for name in SETTINGS}
    for _ in range(REPEATS):
        for name, value in SETTINGS.items():
            environment = {**os.environ, "TF_CPU_ALLOCATOR_USE_BFC": value}
            line = [sys.executable, "-m", "benchmarks.step_memory", "--here"]
            done = subprocess.run(line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            told[name].append(json.loads(done.stdout.splitlines()[-1]))
    events = BATCH * BATCHES * EPOCHS
    result: dict[str, Any] = {
        name: {
            "events_a_processor_second": round(median(events / (run["user"] + run["system"]) for run in runs)),
            "share_of_the_system": round(median(run["system"] / (run["user"] + run["system"]) for run in runs), 3),
            "peak_mb": max(run["peak_mb"] for run in runs),
        }
        for name, runs in told.items()
    }
    kept, given = (result[name]["events_a_processor_second"] for name in SETTINGS)
    save_result("step_memory", {**result, "kept_over_given_back": round(kept / given, 2)})


if __name__ == "__main__":
    trained_here() if "--here" in sys.argv else main()
