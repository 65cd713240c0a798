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


def own(max_samples: int | None, epochs: int, loss: str = "two_lobes", **build: Any) -> dict[str, Any]:
    """The own network; the learning rate ends at a fiftieth of its first value."""
    return {
        "model_name": "point_network",
        "data_directories": ["gkvm", "flat"],
        "dataset_parameters": {"max_samples": max_samples},
        "model_parameters": {
            "build_parameters": {"decay_rate": round(0.02 ** (1 / epochs), 3), **build},
            "loss": {"name": loss},
            "optimizer": {"clipnorm": 1.0},
            "epochs": epochs,
            "batch_size": 128,
        },
        "save_outputs": {"tensorboard": False},
    }


def _rival(model_name: str, loss: str = "angular", build: dict | None = None) -> dict[str, Any]:
    return _image_row(model_name, loss, {"decay_rate": 1.0, **(build or {})})


OLD_FRAME: dict[str, Any] = {"frame": "old", "augmentation": {"symmetries": []}}
LOSSES = (
    "angular", "cosine_similarity", "focal_angular", "hybrid", "uncertainty_aware", "von_mises_fisher", "mixture", "two_lobes",
)  # fmt: skip
ROWS: dict[str, dict[str, Any]] = {
    "4Lx64F": _image_row("three_plane_cnn", build=YARDSTICK),
    "4Lx64F, normalised": _image_row("three_plane_cnn", build={**YARDSTICK, "use_batch_norm": True, "dropout_rate": 0.3}),
    "own, 200k": own(None, 30),
    "4Lx64F, old frame": {
        **_image_row("three_plane_cnn", build=YARDSTICK, **OLD_FRAME),
        "prediction": {"average_over": []},
    },
    "own, 20k": own(20_000, 30),
    "own, 4000": {**own(SMALL_SET, 60), "data_directories": ["gkvm"]},
    **{f"own, 20k, {loss}": own(20_000, 30, loss) for loss in LOSSES if loss != "two_lobes"},
    **{
        name: _rival(name)
        for name in (
            "single_plane_cnn", "three_plane_attention", "three_plane_cross_attention", "three_plane_multi_scale",
            "three_plane_residual", "three_plane_energy",
        )
    },
    "three_plane_multi_task": _rival("three_plane_multi_task", "multi_task"),
    "point_network": _rival("point_network"),
}  # fmt: skip
