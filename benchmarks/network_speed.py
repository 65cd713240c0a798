"""Training and prediction speed of one network, fed as in a training by the launcher's own code."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from python.config.load import parse_config
from python.samples.splits import Split
from python.training.task import Task

SECONDS = 15.0  # of all measurements of a network together, about
REPEATS = 4


def network_speed(task: Task, raw: dict[str, Any]) -> dict[str, float]:
    """Events a second in training, with everything that feeds it, and in prediction, of the configuration `raw`; and memory.

    The first steps, in which TensorFlow compiles, are not counted; of several stretches the fastest is taken.
    """
    from python.training.fitting import Feed, build_model
    from python.training.prediction import predict, prediction_batch
    from python.training.preparation import batches, configured_data
    from python.training.training import Training

    config = parse_config(raw, task.schema)
    data = configured_data(config)
    samples = task.prepare(config, task.architecture(config), data)
    rows = np.arange(len(samples.set))
    parts = Split(train=rows, val=rows[:1], test=rows[:0], group=rows)
    shown = batches(Training(task, config, data, samples, parts, rows)).training
    model, feed = build_model(task, config), Feed(shown)

    def seconds(steps: int) -> float:
        started = time.perf_counter()
        model.fit(feed, steps_per_epoch=steps, verbose=0, shuffle=False)
        return time.perf_counter() - started

    steps = 2
    while seconds(steps) < SECONDS / 4 and steps < len(feed):
        steps = min(2 * steps, len(feed))
    runs = [seconds(steps) for _ in range(REPEATS)]
    asked = rows[: prediction_batch(samples.set)]
    predict(model, samples.set, asked)
    predicted, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS / 2:
        predict(model, samples.set, asked)
        predicted += len(asked)
    return {
        "parameters": model.count_params(),
        "training_events_per_second": round(steps * config.model_parameters.batch_size / min(runs), 1),
        "predicted_events_per_second": round(predicted / (time.perf_counter() - started), 1),
        "largest_memory_mb": largest_memory_mb(),
    }


def largest_memory_mb() -> int:
    """The largest resident memory that this process has had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
