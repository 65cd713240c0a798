"""The losses of a classifier by the names that a configuration knows."""

from __future__ import annotations

import keras

from python.config.classification_losses import CrossEntropyParameters, FocalParameters
from python.config.task_schema import LossParameters


def classification_loss(name: str, parameters: LossParameters) -> keras.losses.Loss:
    """Return the Keras loss `name`; outputs are probabilities, targets (N, 1) for two classes, one-hot for more."""
    if isinstance(parameters, CrossEntropyParameters):
        return keras.losses.get(name)
    if isinstance(parameters, FocalParameters):
        balanced = parameters.alpha is not None
        return keras.losses.BinaryFocalCrossentropy(
            apply_class_balancing=balanced, alpha=parameters.alpha if balanced else 0.25, gamma=parameters.gamma
        )
    return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=parameters.gamma)
