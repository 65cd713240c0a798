"""A direction and how far the truth may be from it: the reference's proposal."""

from __future__ import annotations

from typing import Any

import numpy as np

from python.config.task_schema import LossParameters
from python.directions.answer import Answer, Estimates, Loss
from python.directions.answers.direction import angular_loss
from python.directions.lobes import Lobes
from python.directions.sphere import ONE_SIGMA, around, concentration, cosines, unit

# Smallest sigma of the loss is e^-3, a mean angle of 0.14 degrees: electrons scatter by far more.
LEAST_LOG_SIGMA = -3.0
# Half a degree: the density has poles where the angle is 0 and 180 degrees, and is spread evenly within caps of this radius.
CAP = np.radians(0.5)


class Uncertainty(Answer):
    """A unit vector and log sigma: angles to the truth are distributed as exp(-angle / sigma^2), in radians."""

    name = "uncertainty"
    columns = ("x", "y", "z", "log_sigma")

    def head(self, features: Any) -> Any:
        from python.directions.sphere_ops import beside_each_other, near, unit_direction

        return beside_each_other(self.name, [unit_direction(features), near(0.0, 1, "log_sigma")(features)])

    def estimates(self, outputs: np.ndarray) -> Estimates:
        angle = -np.log(1 - ONE_SIGMA) * np.exp(2 * outputs[:, 3])
        return Estimates(unit(outputs[:, :3]), np.minimum(np.degrees(angle), 180.0))

    def log_density(self, outputs: np.ndarray, at: np.ndarray) -> np.ndarray:
        """exp(-angle / s) / (s (1 - exp(-pi / s))) is the density of the angle, s = sigma^2; a ring of that angle has
        2 pi sin(angle) steradians a radian.
        """
        mean = np.exp(2 * np.asarray(outputs[:, 3:4], np.float64))
        angle = np.arccos(np.clip(cosines(outputs[:, :3], at), -1, 1))
        ring = np.log(2 * np.pi * mean * np.sin(np.clip(angle, CAP, np.pi - CAP)))
        cap = np.log(2 * np.pi * (1 - np.cos(CAP))) - np.log(-np.expm1(-CAP / mean))
        begin = np.where(angle > np.pi - CAP, np.pi - CAP, 0.0)  # of a cap: the angle at its nearer edge
        inside = (angle < CAP) | (angle > np.pi - CAP)
        return np.where(inside, -begin / mean - cap, -angle / mean - ring) - np.log(-np.expm1(-np.pi / mean))

    def lobes(self, outputs: np.ndarray) -> Lobes:
        """The mean cosine of exponential angles, m = sigma^2, is coth(pi / 2 m) / (1 + m^2)."""
        mean = np.exp(2 * np.asarray(outputs[:, 3], np.float64))
        length = 1 / (np.tanh(np.pi / (2 * mean)) * (1 + mean**2))
        return Lobes.single(concentration(length)[:, None] * unit(outputs[:, :3]))

    def draw(self, outputs: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        mean = np.exp(2 * np.asarray(outputs[:, 3:4], np.float64))
        angle = -mean * np.log1p(rng.random((len(outputs), size)) * np.expm1(-np.pi / mean))
        spread = np.arccos(rng.uniform(np.cos(CAP), 1, angle.shape))  # evenly over a cap
        angle = np.where(angle < CAP, spread, np.where(angle > np.pi - CAP, np.pi - spread, angle))
        return around(unit(outputs[:, :3]), np.cos(angle), rng.uniform(0, 2 * np.pi, angle.shape))


class UncertaintyAwareParameters(LossParameters):
    """The reference's loss of a direction and its uncertainty has no parameters."""


def uncertainty_aware_loss(y_true: Any, y_pred: Any) -> Any:
    """The reference's loss of direction and log sigma, y_pred (N, 4): angle / sigma^2 + log sigma^2, angle in radians.

    It is the negative log likelihood of angles that are exponentially distributed with mean sigma^2, and is smallest where
    sigma^2 is the mean angle, whatever the distribution: **sigma^2 in radians is the expected angle**, not sigma. 68.27 % of
    exponential angles lie below 1.148 sigma^2. (With the angle squared the loss would be the likelihood of a normal distribution
    in the tangent plane; its sigma, the root mean square angle, is ruled by the few events that are reversed.)

    sigma is not less than e^-3 in the first term; below that, the second term rises again, so that an output can return.
    """
    from keras import ops

    log_sigma = ops.cast(y_pred, "float32")[..., 3]
    bounded = ops.maximum(log_sigma, LEAST_LOG_SIGMA)
    return angular_loss(y_true, y_pred) * ops.exp(-2.0 * bounded) + 2.0 * bounded + 2.0 * (bounded - log_sigma)


ANSWER = Uncertainty()
LOSSES = (Loss("uncertainty_aware", ANSWER, UncertaintyAwareParameters, uncertainty_aware_loss),)
