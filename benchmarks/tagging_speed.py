"""Training and prediction speed and memory of every channel tagger, beside those of the reference's network at full size.

Each network has a process of its own, one after the other.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from benchmarks.network_speed import network_speed
from benchmarks.record import save_result
from benchmarks.simulated_sets import simulated
from benchmarks.tagging_rows import ROWS
from channel_tagging.main import TASK
from python.training.device import choose_device

REFERENCE = "simple_cnn"


def speed(row: str) -> dict[str, float]:
    choose_device("cpu")
    return network_speed(TASK, {**ROWS[row], "data_directories": [str(simulated("mixed_small"))]})


def main() -> None:
    table = {}
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as process:
        for row, config in ROWS.items():
            if config["data_directories"] == ["mixed_small"]:
                table[row] = process.submit(speed, row).result()
                rate = table[row]["training_events_per_second"]
                over = rate / table[REFERENCE]["training_events_per_second"]
                table[row]["training_speed_over_reference"] = round(over, 2)
                save_result("tagging_speed", {"networks": table})


if __name__ == "__main__":
    main()
