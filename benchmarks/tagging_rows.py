"""The trainings that `tagging_networks` compares."""

from __future__ import annotations

from typing import Any


def _row(model_name: str, data: str, epochs: int, batch_size: int = 16, **build: Any) -> dict[str, Any]:
    return {
        "model_name": model_name,
        "data_directories": [data],
        "model_parameters": {"build_parameters": build, "epochs": epochs, "batch_size": batch_size},
        "save_outputs": {"tensorboard": False},
    }


def _long(model_name: str, epochs: int, batch_size: int, **build: Any) -> dict[str, Any]:
    """The large set; the learning rate ends at a fiftieth of its first value."""
    return _row(model_name, "mixed", epochs, batch_size, **{"decay_rate": round(0.02 ** (1 / epochs), 3), **build})


ROWS: dict[str, dict[str, Any]] = {  # simple_cnn and deep_cnn have the reference's values by default
    "simple_cnn": _row("simple_cnn", "mixed_small", 5, 32),
    "simple_cnn, cropped": _row("simple_cnn", "mixed_small", 5, 32, input_mode="cropped"),
    "simple_cnn, resized": _row("simple_cnn", "mixed_small", 5, 32, input_mode="resized"),
    "deep_cnn": _row("deep_cnn", "mixed_small", 5),
    "resnet": _row("resnet", "mixed_small", 5),
    "resnet, with numbers": _row("resnet", "mixed_small", 5, with_numbers=True),
    "three_plane_resnet": _row("three_plane_resnet", "mixed_small", 5),
    "point_network": _row("point_network", "mixed_small", 5, with_numbers=False),
    "point_network, with neighbours": _row("point_network", "mixed_small", 5),
    "point_network, all": _long("point_network", 20, 128, with_numbers=False),
    "point_network, with neighbours, all": _long("point_network", 20, 128),
    "point_network, all, balanced by energy": {
        **_long("point_network", 20, 128, with_numbers=False),
        "dataset_parameters": {"balance_data": True, "balance_method": "energy"},
    },
    "resnet, 12k": {**_long("resnet", 4, 32), "dataset_parameters": {"max_samples": 15_000}},
}
