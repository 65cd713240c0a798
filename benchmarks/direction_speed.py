"""Training and prediction speed of every direction network, in one run, beside that of the reference's 4Lx64F.

Each network has its default sizes and loss and takes batches from the same simulated events, augmented as in a training; the
first steps, in which TensorFlow compiles, are not counted.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.direction_rows import YARDSTICK
from benchmarks.record import save_result
from benchmarks.simulated_sets import simulated
from electron_direction.main import TASK
from electron_direction.samples import prepare
from python.config.load import parse_config
from python.training.device import choose_device

EVENTS = 16_384
SECONDS = 15.0  # of all measurements of a network together, about
REPEATS = 4
REFERENCE = "4Lx64F"


def speed(model_name: str, build: dict[str, Any]) -> dict[str, float]:
    """Events a second in training, with everything that feeds it, and in prediction."""
    from python.training.fitting import Feed, build_model
    from python.training.preparation import batches

    raw = {
        "model_name": model_name,
        "data_directories": [str(simulated("test"))],
        "dataset_parameters": {"max_samples": EVENTS},
        "model_parameters": {"build_parameters": build, "batch_size": 128 if model_name == "point_network" else 32},
    }
    config = parse_config(raw, TASK.schema)
    samples = prepare(config, TASK.architecture(config), skip_bad_files=False)
    rows = np.arange(len(samples.set))
    training, _ = batches(TASK, config, samples, rows, rows[:1])
    model, feed = build_model(TASK, config), Feed(training)

    def seconds(steps: int) -> float:
        started = time.perf_counter()
        model.fit(feed, steps_per_epoch=steps, verbose=0, shuffle=False)
        return time.perf_counter() - started

    steps = 2
    while seconds(steps) < SECONDS / 4 and steps < len(feed):
        steps = min(2 * steps, len(feed))
    runs = [seconds(steps) for _ in range(REPEATS)]
    training_rate = steps * config.model_parameters.batch_size / min(runs)
    inputs = samples.set.network_inputs(rows[:512])
    model.predict_on_batch(inputs)
    predicted, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS / 2:
        model.predict_on_batch(inputs)
        predicted += 512
    return {
        "parameters": model.count_params(),
        "training_events_per_second": round(training_rate),
        "predicted_events_per_second": round(predicted / (time.perf_counter() - started)),
    }


def main() -> None:
    choose_device("cpu")
    table = {REFERENCE: speed("three_plane_cnn", YARDSTICK)}
    own_first = sorted(TASK.schema.architectures, key=lambda name: name != "point_network")
    for name in own_first:
        table[name] = speed(name, {})
        rate = table[name]["training_events_per_second"]
        table[name]["training_speed_over_reference"] = round(rate / table[REFERENCE]["training_events_per_second"], 2)
        save_result("direction_speed", {"networks": table})


if __name__ == "__main__":
    main()
