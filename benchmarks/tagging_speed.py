"""Training and prediction speed of every channel tagger, in one run, beside that of the reference's network at full size."""

from __future__ import annotations

from benchmarks.network_speed import network_speed
from benchmarks.record import save_result
from benchmarks.simulated_sets import simulated
from benchmarks.tagging_rows import ROWS
from channel_tagging.main import TASK
from python.training.device import choose_device

REFERENCE = "simple_cnn"


def main() -> None:
    choose_device("cpu")
    table = {}
    for name, row in ROWS.items():
        if row["data_directories"] == ["mixed_small"]:
            table[name] = network_speed(TASK, {**row, "data_directories": [str(simulated("mixed_small"))]})
            rate = table[name]["training_events_per_second"]
            table[name]["training_speed_over_reference"] = round(
                rate / table[REFERENCE]["training_events_per_second"], 2
            )
            save_result("tagging_speed", {"networks": table})


if __name__ == "__main__":
    main()
