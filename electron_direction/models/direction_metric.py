"""What a training says of its directions besides the loss."""

from __future__ import annotations

from math import pi
from typing import Any

import keras
from keras import ops

from electron_direction.models.direction_losses import angular_loss


@keras.saving.register_keras_serializable(package="pointing")
class MeanAngle(keras.metrics.Mean):
    """Mean angle to the truth in degrees, whatever the layout of the output; of two ends or two lobes that of the likelier."""

    def __init__(self, head: str, name: str = "angle", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.head = head

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        direction = y_pred[..., :3]
        if self.head == "mixture":
            direction = ops.where(y_pred[..., 3:] >= 0, direction, -direction)
        elif self.head == "two_lobes":
            direction = ops.where(y_pred[..., 3:4] >= 0, direction, y_pred[..., 4:])
        super().update_state(angular_loss(y_true, direction) * (180 / pi), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "head": self.head}
