"""What older configurations of the main-track identifier mean today."""

from __future__ import annotations

from typing import Any

from python.config.legacy.draft import Draft, OlderKeys
from python.config.legacy.rules import BUILD, IN_MEMORY

SIZES = {"n_conv_layers": 4, "n_filters": 64, "kernel_size": 3, "n_dense_layers": 2, "n_dense_units": 256}
PRODUCTION = {  # what the scripts of v26 and v27 trained, whose files name no size
    **{f"{BUILD}.{name}": value for name, value in SIZES.items()},
    f"{BUILD}.dropout_rate": 0.3,
    f"{BUILD}.conv_dropout_rate": 0.15,
    "dataset_parameters.train_fraction": 0.75,
    "dataset_parameters.val_fraction": 0.15,
    "dataset_parameters.test_fraction": 0.1,
}


def _complete(draft: Draft, values: dict[str, Any]) -> None:
    """Files that name no size of the network were those of the production scripts, which had sizes of their own.

    These, and those that loaded batch by batch, also dropped values after poolings, half as many as units.
    """
    named = {*SIZES, "dropout_rate", "conv_dropout_rate"}
    searched = values.get("model_parameters.space_options") or {}
    if draft.of_today:
        return
    draft.fill(values, {f"{BUILD}.learning_rate": 0.001}, "that of the older scripts")
    if draft.incremental and isinstance(dropped := values.get(f"{BUILD}.dropout_rate"), float):
        draft.fill(values, {f"{BUILD}.conv_dropout_rate": dropped / 2}, "what these scripts did")
    if not any(name in searched or f"{BUILD}.{name}" in values for name in named):
        split = [target for target in PRODUCTION if target.startswith("dataset_parameters.") and target in values]
        defaults = {
            key: value for key, value in PRODUCTION.items() if not (split and key.startswith("dataset_parameters."))
        }
        draft.fill(values, defaults, "the network of the production scripts")


OLDER = OlderKeys(
    rules=IN_MEMORY,
    complete=_complete,
    network=lambda _draft, _values, _label: ("simple_cnn", "the only one of that time"),
    retired={("dataset_parameters", "loading"): "memory"},
    classes=("background", "main_track"),
)
