"""The trainings that `direction_networks` compares."""

from __future__ import annotations

from typing import Any

YARDSTICK = {"n_conv_layers": 4, "n_filters": 64, "n_dense_layers": 2, "n_dense_units": 256, "decay_rate": 1.0}
SMALL_SET = 5000  # 4000 of them train


def _image_row(model_name: str, loss: str = "angular", build: dict | None = None, **dataset: Any) -> dict[str, Any]:
    """8 epochs on 4000 triples of the supernova's spectrum."""
    return {
        "model_name": model_name,
        "data_directories": ["gkvm"],
        "dataset_parameters": {"max_samples": SMALL_SET, **dataset},
        "model_parameters": {
            "build_parameters": build or {},
            "loss": {"name": loss},
            "optimizer": {"clipnorm": 1.0},
            "epochs": 8,
        },
        "save_outputs": {"tensorboard": False},
    }


def _own(max_samples: int | None, epochs: int, loss: str = "mixture", **dataset: Any) -> dict[str, Any]:
    return {
        "model_name": "point_network",
        "data_directories": ["gkvm", "flat"],
        "dataset_parameters": {"max_samples": max_samples, **dataset},
        "model_parameters": {"loss": {"name": loss}, "epochs": epochs},
        "save_outputs": {"tensorboard": False},
    }


OLD_FRAME = {"frame": "old", "augmentation": {"symmetries": []}}
ROWS: dict[str, dict[str, Any]] = {
    "4Lx64F": _image_row("three_plane_cnn", build=YARDSTICK),
    "4Lx64F, old frame": {
        **_image_row("three_plane_cnn", build=YARDSTICK, **OLD_FRAME),
        "prediction": {"average_over": []},
    },
}
