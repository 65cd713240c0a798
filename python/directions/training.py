"""What Keras is given to train a direction: the loss with its parameters, and the angle that is shown beside it."""

from __future__ import annotations

from math import pi
from typing import Any

import keras

from python.config.schema import Loss
from python.directions.find import answers, losses
from python.directions.sphere_ops import angle_to_truth


@keras.saving.register_keras_serializable(package="pointing")
class DirectionLoss(keras.losses.Loss):
    """The loss `loss` with its parameters, which a saved model keeps."""

    def __init__(self, loss: str, arguments: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**{"name": loss, **kwargs})
        self.loss = loss
        self.arguments = dict(arguments or {})

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return losses()[self.loss].function(y_true, y_pred, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "loss": self.loss, "arguments": self.arguments}


def direction_loss(name: str, parameters: Loss) -> DirectionLoss:
    """Return the loss that a configuration calls `name`, with the parameters that it gives."""
    return DirectionLoss(name, parameters.model_dump(mode="json", exclude={"name"}))


@keras.saving.register_keras_serializable(package="pointing")
class MeanAngle(keras.metrics.Mean):
    """Mean angle to the truth in degrees of the likeliest direction, whatever the `answer`."""

    def __init__(self, head: str, name: str = "angle", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.answer = answers()[head]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(angle_to_truth(y_true, self.answer.likeliest(y_pred)) * (180 / pi), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "head": self.answer.name}
