"""The losses of a classifier by the names that a configuration knows, with their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from python.config.schema import Loss
from python.config.task_schema import LossParameters

if TYPE_CHECKING:
    import keras


class CrossEntropyParameters(LossParameters):
    """Cross-entropy, of two classes or of several, has no parameters."""


class FocalParameters(LossParameters):
    """Focal loss (Lin et al., arXiv:1708.02002): -alpha (1 - p)^gamma log p of the true class's probability p."""

    gamma: float = Field(2.0, ge=0, le=10, description="Focus on hard examples; 0 is cross-entropy.")
    alpha: float | None = Field(
        0.25, gt=0, lt=1, description="Weight of class 1, 1 - alpha of class 0; null: no weights."
    )


class MulticlassFocalParameters(LossParameters):
    """Focal loss of several classes, which has no class weights."""

    gamma: float = Field(2.0, ge=0, le=10, description="Focus on hard examples; 0 is cross-entropy.")


def classification_loss(name: str, parameters: Loss) -> keras.losses.Loss:
    """Return the Keras loss `name`; outputs are probabilities, targets (N, 1) for two classes, one-hot for more."""
    import keras  # validating a configuration must not load TensorFlow

    if isinstance(parameters, CrossEntropyParameters):
        return keras.losses.get(name)
    if isinstance(parameters, FocalParameters):
        balanced = parameters.alpha is not None
        return keras.losses.BinaryFocalCrossentropy(
            apply_class_balancing=balanced, alpha=parameters.alpha if balanced else 0.25, gamma=parameters.gamma
        )
    if isinstance(parameters, MulticlassFocalParameters):
        return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=parameters.gamma)
    raise TypeError(f"{type(parameters).__name__} are no parameters of a classifier's loss")
