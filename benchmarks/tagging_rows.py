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


ROWS: dict[str, dict[str, Any]] = {  # simple_cnn and deep_cnn have the reference's values by default
    "simple_cnn": _row("simple_cnn", "mixed_small", 5, 32),
    "simple_cnn, cropped": _row("simple_cnn", "mixed_small", 5, 32, input_mode="cropped"),
    "simple_cnn, resized": _row("simple_cnn", "mixed_small", 5, 32, input_mode="resized"),
    "deep_cnn": _row("deep_cnn", "mixed_small", 5),
    "resnet": _row("resnet", "mixed_small", 5),
}
