"""The last layer of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def class_output(classes: Sequence[str]) -> keras.layers.Layer:
    """Layer from features (N, n) to the probability of each of `classes`, (N, C); of two, of the second alone, (N, 1)."""
    units, activation = (1, "sigmoid") if len(classes) == 2 else (len(classes), "softmax")
    return keras.layers.Dense(units, activation=activation, name="probability")


@keras.saving.register_keras_serializable(package="pointing")
class ClassProbabilities(keras.layers.Dense):
    """The same as older releases saved it: the layer that knew its classes. Kept so that their networks load."""

    def __init__(self, classes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = tuple(classes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": list(self.classes)}
