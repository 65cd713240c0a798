"""The trainings that `main_track_networks` compares: on events with a neutrino and on readout windows without one."""

from __future__ import annotations

from typing import Any

DATA = ["tracks", "windows"]
PART = 30_000  # of all clusters; 24,000 of them train


def _row(
    model_name: str, epochs: int, max_samples: int | None, build: dict[str, Any], columns: int = 32
) -> dict[str, Any]:
    return {
        "model_name": model_name,
        "data_directories": DATA,
        "dataset_parameters": {"max_samples": max_samples},
        "model_parameters": {
            "input_shape": [128, columns, 1],
            "build_parameters": build,
            "epochs": epochs,
            "batch_size": 128,
        },
        "save_outputs": {"tensorboard": False},
    }


def _own(epochs: int, max_samples: int | None = None, **build: Any) -> dict[str, Any]:
    """The learning rate ends at a fiftieth of its first value."""
    return _row("point_network", epochs, max_samples, {"decay_rate": round(0.02 ** (1 / epochs), 3), **build})


SMALL = {"n_conv_layers": 2, "n_filters": 32, "n_dense_layers": 2, "n_dense_units": 64, "learning_rate": 0.001}
PRODUCTION = {
    "n_conv_layers": 4, "n_filters": 64, "n_dense_layers": 2, "n_dense_units": 256, "dropout_rate": 0.3, "learning_rate": 0.001,
}  # fmt: skip
ROWS: dict[str, dict[str, Any]] = {
    "own": _own(4),
    "own, 24,000": _own(4, PART),
    "own, 24,000, without neighbours": _own(4, PART, with_neighbours=False),
    "simple_cnn, 24,000": _row("simple_cnn", 4, PART, SMALL, columns=16),
    "own, more windows": {**_own(4), "data_directories": [*DATA, "more_windows"]},
    "simple_cnn, production, 4800": _row("simple_cnn", 4, PART // 5, PRODUCTION),
}
