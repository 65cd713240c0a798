"""Cluster images a second that the main-track identifier answers: the network alone, and with everything that feeds it.

The images are those of simulated events, all planes' worth of file reading left out; the first answers, in which TensorFlow
compiles, are not counted.
"""

from __future__ import annotations

import numpy as np

from benchmarks.record import ROOT, save_result, seconds
from benchmarks.simulated_sets import simulated
from mt_identifier.main import TASK
from python.config.load import load_config
from python.training.device import choose_device

CONFIG = ROOT / "json" / "mt_identifier" / "quick_test.json"
NETWORKS = {  # layers x filters; the first is the smallest that a shipped configuration names
    "2x32 128x16": (2, 32, (128, 16, 1)),
    "3x64 128x32": (3, 64, (128, 32, 1)),
}
IMAGES = 20_480


def speed(n_layers: int, n_filters: int, shape: tuple[int, int, int]) -> dict[str, float]:
    """Images a second: of the network on one batch, of making dense batches, and of both together as a prediction does it."""
    from python.training.fitting import PREDICTION_BATCH, build_model, predict

    config = load_config(
        CONFIG,
        TASK.schema,
        [
            f"model_parameters.input_shape={list(shape)}",
            f"model_parameters.build_parameters.n_conv_layers={n_layers}",
            f"model_parameters.build_parameters.n_filters={n_filters}",
        ],
        data_directories=[str(simulated("test"))],
    )
    samples = TASK.read(config, TASK.architecture(config), skip_bad_files=False)
    model = build_model(TASK, config)
    rows = np.arange(min(IMAGES, len(samples)))
    batch = samples.network_inputs(rows[:PREDICTION_BATCH])
    model.predict_on_batch(batch)
    return {
        "parameters": model.count_params(),
        "images_per_second": round(len(rows) / seconds(lambda: predict(model, samples, rows))),
        "network_alone": round(len(batch) / seconds(lambda: model.predict_on_batch(batch), repeats=10)),
        "dense_batches_alone": round(
            len(batch) / seconds(lambda: samples.network_inputs(rows[: len(batch)]), repeats=10)
        ),
    }


def main() -> None:
    device = choose_device("cpu")
    networks = {name: speed(*parameters) for name, parameters in NETWORKS.items()}
    save_result("prediction_speed", {"device": device, "networks": networks})


if __name__ == "__main__":
    main()
