"""A direction and nothing else: a unit vector, and the losses that only ask how far it is from the truth."""

from __future__ import annotations

from math import pi
from typing import Annotated, Any

from pydantic import Field, Strict

from python.config.task_schema import LossParameters
from python.directions.answer import Loss, UnitAnswer

Weight = Annotated[float, Field(ge=0, le=1000)]
BinWeights = Annotated[tuple[Weight, Weight, Weight], Strict(False)]  # a JSON list becomes a tuple


class Direction(UnitAnswer):
    name = "direction"
    columns = ("x", "y", "z")

    def head(self, features: Any) -> Any:
        from python.directions.sphere_ops import unit_direction

        return unit_direction(features)


class AngularParameters(LossParameters):
    """The angle between predicted and true direction has no parameters."""


class CosineSimilarityParameters(LossParameters):
    """One minus the cosine of the angle has no parameters."""


class FocalAngularParameters(LossParameters):
    """The angle times (angle / pi)^gamma: hard examples weigh more."""

    gamma: float = Field(2.0, ge=0, le=10, description="Focus on large angles; 0 is the angular loss.")
    energy_weights: BinWeights | None = Field(
        None,
        description="Factors on the loss of electrons below 20, from 20 to 40 and above 40 MeV of true kinetic energy, "
        "taken as they are; null: no factors.",
    )


class HybridParameters(LossParameters):
    """alpha times the angle plus (1 - alpha) times the mean squared error of the components."""

    alpha: float = Field(0.7, ge=0, le=1, description="Share of the angle; the rest is the mean squared error.")


def angular_loss(y_true: Any, y_pred: Any) -> Any:
    """Angle in radians between y_pred (N, 3) and the truth, from 0 to pi; pi/2 for a zero vector."""
    from python.directions.sphere_ops import angle_to_truth

    return angle_to_truth(y_true, y_pred[..., :3])


def cosine_similarity_loss(y_true: Any, y_pred: Any) -> Any:
    """One minus the cosine of the angle between y_pred (N, 3) and the truth, from 0 to 2; 1 for a zero vector."""
    from keras import ops

    from python.directions.sphere_ops import true_direction
    from python.networks.unit_vector import unit_vector

    return 1.0 - ops.sum(true_direction(y_true) * unit_vector(y_pred[..., :3]), axis=-1)


def focal_angular_loss(
    y_true: Any, y_pred: Any, gamma: float = 2.0, energy_weights: tuple[float, float, float] | None = None
) -> Any:
    """The angle times (angle / pi)^gamma, which makes hard examples weigh more; radians.

    `energy_weights` are factors for true kinetic energies below 20, from 20 to 40 and above 40 MeV, taken as they are and not
    brought to a mean of one; an event of unknown energy has factor 1.
    """
    from keras import ops

    from python.directions.sphere_ops import true_column

    angle = angular_loss(y_true, y_pred)
    loss = pi * ops.power(angle / pi, 1.0 + gamma)  # one power: the product has an infinite factor in its gradient
    if energy_weights is None:
        return loss
    energy = true_column(y_true, 3)
    below, between, above = energy_weights
    weight = ops.where(energy < 20.0, below, ops.where(energy <= 40.0, between, above))
    return loss * ops.where(ops.isnan(energy), 1.0, weight)


def hybrid_loss(y_true: Any, y_pred: Any, alpha: float = 0.7) -> Any:
    """alpha times the angle in radians plus 1 - alpha times the mean squared error of the three components.

    The squared error takes y_pred (N, 3) as it comes, so it also draws the length of an output without UnitVector to one.
    """
    from keras import ops

    from python.directions.sphere_ops import true_direction

    vectors = ops.cast(y_pred, "float32")[..., :3]
    squared = ops.mean(ops.square(vectors - true_direction(y_true)), axis=-1)
    return alpha * angular_loss(y_true, y_pred) + (1.0 - alpha) * squared


ANSWER = Direction()
LOSSES = (
    Loss("angular", ANSWER, AngularParameters, angular_loss),
    Loss("cosine_similarity", ANSWER, CosineSimilarityParameters, cosine_similarity_loss),
    Loss("focal_angular", ANSWER, FocalAngularParameters, focal_angular_loss),
    Loss("hybrid", ANSWER, HybridParameters, hybrid_loss),
)
