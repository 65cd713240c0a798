"""Cluster images a second that the main-track identifier answers, with everything that feeds it, beside the network alone.

The images are those of simulated events with backgrounds. The first answers, in which TensorFlow compiles, are not counted.
"""

from __future__ import annotations

import time
from typing import cast

import numpy as np

from benchmarks.record import ROOT, save_result, seconds
from benchmarks.simulated_sets import simulated
from mt_identifier.main import TASK
from python.config.classification import ClassifierConfig
from python.config.load import load_config
from python.config.overrides import Options
from python.training.device import choose_device
from python.training.preparation import configured_data

CONFIG = ROOT / "json" / "mt_identifier" / "quick_test.json"
NETWORKS = {  # layers x filters
    "1x16 128x16": (1, 16, (128, 16, 1)),  # the smallest in the search of hyperopt_training.json
    "2x16 128x16": (2, 16, (128, 16, 1)),
    "2x32 128x16": (2, 32, (128, 16, 1)),  # quick_test.json
    "3x64 128x32": (3, 64, (128, 32, 1)),
}
IMAGES = 20_480


def speed(n_layers: int, n_filters: int, shape: tuple[int, int, int]) -> dict[str, float]:
    """Images a second: predicted as a run does it; of the network on one batch, of dense batches, and of reading, each alone."""
    from python.training.fitting import build_model
    from python.training.prediction import predict, prediction_batch

    config = load_config(
        CONFIG,
        TASK.schema,
        [
            f"model_parameters.input_shape={list(shape)}",
            f"model_parameters.build_parameters.n_conv_layers={n_layers}",
            f"model_parameters.build_parameters.n_filters={n_filters}",
        ],
        Options(data_directories=[str(simulated("test"))]),
    )
    started = time.perf_counter()
    samples = TASK.read(cast("ClassifierConfig", config), TASK.architecture(config), configured_data(config))
    reading = time.perf_counter() - started
    model = build_model(TASK, config)
    rows = np.arange(min(IMAGES, len(samples)))
    first = rows[: prediction_batch(samples)]
    batch = samples.network_inputs(first)
    model.predict_on_batch(batch)
    return {
        "parameters": model.count_params(),
        "images_per_second": round(len(rows) / seconds(lambda: predict(model, samples, rows))),
        "network_alone": round(len(first) / seconds(lambda: model.predict_on_batch(batch), repeats=10)),
        "dense_batches_alone": round(len(first) / seconds(lambda: samples.network_inputs(first), repeats=10)),
        "read_from_disk": round(len(samples) / reading),
    }


def main() -> None:
    device = choose_device("cpu")
    networks = {name: speed(*parameters) for name, parameters in NETWORKS.items()}
    save_result("prediction_speed", {"device": device, "networks": networks})


if __name__ == "__main__":
    main()
