"""Training and prediction speed of every direction network, in one run, beside that of the reference's 4Lx64F.

Each network has its default sizes and loss and takes batches from the same simulated events, augmented as in a training.
"""

from __future__ import annotations

from typing import Any

from benchmarks.direction_rows import YARDSTICK
from benchmarks.network_speed import network_speed
from benchmarks.record import save_result
from benchmarks.simulated_sets import simulated
from electron_direction.main import TASK
from python.training.device import choose_device

EVENTS = 16_384
REFERENCE = "4Lx64F"


def speed(model_name: str, build: dict[str, Any]) -> dict[str, float]:
    raw = {
        "model_name": model_name,
        "data_directories": [str(simulated("test"))],
        "dataset_parameters": {"max_samples": EVENTS},
        "model_parameters": {"build_parameters": build, "batch_size": 128 if model_name == "point_network" else 32},
    }
    return network_speed(TASK, raw)


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
