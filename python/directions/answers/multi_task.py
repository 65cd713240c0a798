"""A direction, and beside it the electron's energy and whether the event is elastic scattering: each may help the others."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
from pydantic import Field

from python.config.task_schema import LossParameters
from python.directions.answer import Loss, UnitAnswer
from python.directions.answers.direction import angular_loss

TYPICAL_ENERGY_MEV = 20.0  # of electrons in the training samples, flat from 2 to 60 MeV, in the logarithm


class MultiTask(UnitAnswer):
    """A unit vector, the natural log of the electron's kinetic energy in MeV, the logit of ES against CC."""

    name = "multi_task"
    columns = ("x", "y", "z", "log_energy", "es_logit")

    def head(self, features: Any) -> Any:
        from python.directions.sphere_ops import beside_each_other, near, unit_direction

        energy = near(log(TYPICAL_ENERGY_MEV), 1, "log_energy")(features)
        return beside_each_other(self.name, [unit_direction(features), energy, near(0.0, 1, "channel_logit")(features)])

    def beside(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        return {"electron_energy": np.exp(outputs[:, 3]), "es_logit": outputs[:, 4]}


class MultiTaskParameters(LossParameters):
    """The angle, and beside it the electron's energy and whether the event is elastic scattering."""

    energy_weight: float = Field(0.1, ge=0, le=1000, description="Weight of the error in the logarithm of the energy.")
    channel_weight: float = Field(0.1, ge=0, le=1000, description="Weight of the cross-entropy of ES against CC.")


def multi_task_loss(y_true: Any, y_pred: Any, energy_weight: float = 0.1, channel_weight: float = 0.1) -> Any:
    """Angle in radians + energy_weight log cosh(error of log energy) + channel_weight cross-entropy of ES; y_pred is (N, 5).

    log cosh is half the square of a small error and grows as a large one. Terms whose truth is not known are 0.
    """
    from keras import ops

    from python.directions.sphere_ops import true_column

    energy, is_es = true_column(y_true, 3), true_column(y_true, 4)
    outputs = ops.cast(y_pred, "float32")
    known = energy > 0.0  # false for NaN
    error = ops.where(known, outputs[..., 3] - ops.log(ops.where(known, energy, 1.0)), 0.0)
    of_energy = ops.softplus(2.0 * error) - error - log(2.0)
    tagged = ops.logical_not(ops.isnan(is_es))
    logit = outputs[..., 4]
    cross_entropy = ops.softplus(logit) - ops.where(tagged, is_es, 0.0) * logit
    of_channel = ops.where(tagged, cross_entropy, 0.0)
    return angular_loss(y_true, y_pred) + energy_weight * of_energy + channel_weight * of_channel


ANSWER = MultiTask()
LOSSES = (Loss("multi_task", ANSWER, MultiTaskParameters, multi_task_loss),)
