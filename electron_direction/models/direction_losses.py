"""Losses of directions, functions of (y_true, y_pred) with one value (N,) for each event.

y_true is (N, 3), the true unit vector, or (N, 5): behind it the electron's true kinetic energy in MeV and 1 for ES, 0 for CC,
either NaN where it is not known. y_pred is the output of the head that the loss belongs to (`loss_parameters.HEAD_OF_LOSS`,
`python/networks/direction_head.py`); unit vectors in it may have any length.

Every loss is computed in float32 and finite, with a finite gradient, for outputs up to 1e15: for predictions equal or opposite
to the truth, zero vectors, kappa from 0 to far above 1e6. The usual arccos of a clipped product has no gradient at the truth.
"""

from __future__ import annotations

from math import log, pi
from typing import Any

import keras
from keras import ops

from python.config.task_schema import LossParameters
from python.networks.direction_head import unit_vector

# Squared chord below which an angle is not resolved: the rounding of float32 unit vectors is 1e-7.
TINY_CHORD2 = 1e-12
# Smallest sigma of the uncertainty-aware loss is e^-3, a mean angle of 0.14 degrees: electrons scatter by far more.
LEAST_LOG_SIGMA = -3.0
# Added in quadrature to kappa, so that its logarithm and its gradient are smooth at 0. It shifts the log likelihood by
# EPSILON^2 / 6 = 4e-6 at most; a smaller one leaves more rounding in the gradient, 1e-7 / EPSILON.
EPSILON = 5e-3

registered = keras.saving.register_keras_serializable(package="pointing")


@registered
def cosine_similarity_loss(y_true: Any, y_pred: Any) -> Any:
    """One minus the cosine of the angle between y_pred (N, 3) and the truth, from 0 to 2; 1 for a zero vector."""
    return 1.0 - ops.sum(_true_direction(y_true) * unit_vector(y_pred[..., :3]), axis=-1)


@registered
def angular_loss(y_true: Any, y_pred: Any) -> Any:
    """Angle in radians between y_pred (N, 3) and the truth, from 0 to pi; pi/2 for a zero vector.

    2 atan2(|u - v|, |u + v|) keeps its precision at 0 and at pi, where the cosine is flat (W. Kahan, "How futile are
    mindless assessments of roundoff", 2006, "Mangled Angles"); its gradient in the angle is 1.
    """
    return _angle(_true_direction(y_true), unit_vector(y_pred[..., :3]))


@registered
def focal_angular_loss(
    y_true: Any, y_pred: Any, gamma: float = 2.0, energy_weights: tuple[float, float, float] | None = None
) -> Any:
    """The angle times (angle / pi)^gamma, which makes hard examples weigh more; radians.

    `energy_weights` are factors for true kinetic energies below 20, from 20 to 40 and above 40 MeV, taken as they are and not
    brought to a mean of one; an event of unknown energy has factor 1.
    """
    angle = angular_loss(y_true, y_pred)
    loss = pi * ops.power(angle / pi, 1.0 + gamma)  # one power: the product has an infinite factor in its gradient
    if energy_weights is None:
        return loss
    energy = _column(y_true, 3)
    below, between, above = energy_weights
    weight = ops.where(energy < 20.0, below, ops.where(energy <= 40.0, between, above))
    return loss * ops.where(ops.isnan(energy), 1.0, weight)


@registered
def hybrid_loss(y_true: Any, y_pred: Any, alpha: float = 0.7) -> Any:
    """alpha times the angle in radians plus 1 - alpha times the mean squared error of the three components.

    The squared error takes y_pred (N, 3) as it comes, so it also draws the length of an output without UnitVector to one.
    """
    vectors = ops.cast(y_pred, "float32")[..., :3]
    squared = ops.mean(ops.square(vectors - _true_direction(y_true)), axis=-1)
    return alpha * angular_loss(y_true, y_pred) + (1.0 - alpha) * squared


@registered
def uncertainty_aware_loss(y_true: Any, y_pred: Any) -> Any:
    """The reference's loss of direction and log sigma, y_pred (N, 4): angle / sigma^2 + log sigma^2, angle in radians.

    It is the negative log likelihood of angles that are exponentially distributed with mean sigma^2, and is smallest where
    sigma^2 is the mean angle, whatever the distribution: **sigma^2 in radians is the expected angle**, not sigma. 68.27 % of
    exponential angles lie below 1.148 sigma^2. (With the angle squared the loss would be the likelihood of a normal distribution
    in the tangent plane; its sigma, the root mean square angle, is ruled by the few events that are reversed.)

    sigma is not less than e^-3 in the first term; below that, the second term rises again, so that an output can return.
    """
    log_sigma = ops.cast(y_pred, "float32")[..., 3]
    bounded = ops.maximum(log_sigma, LEAST_LOG_SIGMA)
    return angular_loss(y_true, y_pred) * ops.exp(-2.0 * bounded) + 2.0 * bounded + 2.0 * (bounded - log_sigma)


@registered
def von_mises_fisher_loss(y_true: Any, y_pred: Any) -> Any:
    """Negative log likelihood of the truth, per steradian, under kappa / (4 pi sinh kappa) exp(eta . v); y_pred (N, 3) is eta.

    The density is von Mises-Fisher's on the sphere (R. A. Fisher, Proc. R. Soc. A 217, 295, 1953), kappa = |eta|. One formula
    serves all kappa: with sinh kappa = e^kappa (1 - e^(-2 kappa)) / 2 nothing overflows, and kappa (1 - cos) is computed from
    the chord, so nothing cancels.
    """
    kappa, off_head, _ = _exponents(y_true, y_pred)
    return log(4.0 * pi) + _log_mean_exponential(2.0 * kappa) + off_head


@registered
def mixture_loss(y_true: Any, y_pred: Any) -> Any:
    """Negative log likelihood of the truth, per steradian, for "this axis, but I am not sure which end".

    y_pred (N, 4) holds eta = kappa mu and the logit of w; the density is w vMF(mu, kappa) + (1 - w) vMF(-mu, kappa).
    """
    kappa, off_head, off_tail = _exponents(y_true, y_pred)
    logit = ops.cast(y_pred, "float32")[..., 3]
    head, tail = -ops.softplus(-logit) - off_head, -ops.softplus(logit) - off_tail  # logarithms of w and of 1 - w
    both = ops.logsumexp(ops.stack([head, tail], axis=-1), axis=-1)
    return log(4.0 * pi) + _log_mean_exponential(2.0 * kappa) - both


@registered
def two_lobes_loss(y_true: Any, y_pred: Any) -> Any:
    """Negative log likelihood of the truth, per steradian, for two lobes of any direction and width; y_pred is (N, 7).

    The columns are eta_1, the logit of w, and eta_2; the density is w vMF(eta_1) + (1 - w) vMF(eta_2). Where an electron begins
    at the far end of its track, its first direction is not that of the near end turned round, since it has scattered between:
    the second lobe is not opposite to the first, and is wider or narrower.
    """
    outputs = ops.cast(y_pred, "float32")
    first = von_mises_fisher_loss(y_true, outputs[..., :3])
    second = von_mises_fisher_loss(y_true, outputs[..., 4:])
    logit = outputs[..., 3]
    terms = ops.stack([ops.softplus(-logit) + first, ops.softplus(logit) + second], axis=-1)
    return -ops.logsumexp(-terms, axis=-1)


@registered
def multi_task_loss(y_true: Any, y_pred: Any, energy_weight: float = 0.1, channel_weight: float = 0.1) -> Any:
    """Angle in radians + energy_weight log cosh(error of log energy) + channel_weight cross-entropy of ES; y_pred is (N, 5).

    log cosh is half the square of a small error and grows as a large one. Terms whose truth is not known are 0.
    """
    energy, is_es = _column(y_true, 3), _column(y_true, 4)
    outputs = ops.cast(y_pred, "float32")
    known = energy > 0.0  # false for NaN
    error = ops.where(known, outputs[..., 3] - ops.log(ops.where(known, energy, 1.0)), 0.0)
    of_energy = ops.softplus(2.0 * error) - error - log(2.0)
    tagged = ops.logical_not(ops.isnan(is_es))
    logit = outputs[..., 4]
    cross_entropy = ops.softplus(logit) - ops.where(tagged, is_es, 0.0) * logit
    of_channel = ops.where(tagged, cross_entropy, 0.0)
    return angular_loss(y_true, y_pred) + energy_weight * of_energy + channel_weight * of_channel


LOSSES = {
    "angular": angular_loss,
    "cosine_similarity": cosine_similarity_loss,
    "focal_angular": focal_angular_loss,
    "hybrid": hybrid_loss,
    "uncertainty_aware": uncertainty_aware_loss,
    "von_mises_fisher": von_mises_fisher_loss,
    "mixture": mixture_loss,
    "two_lobes": two_lobes_loss,
    "multi_task": multi_task_loss,
}


@registered
class DirectionLoss(keras.losses.Loss):
    """A loss of LOSSES with its parameters, which a saved model keeps."""

    def __init__(self, loss: str, arguments: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**{"name": loss, **kwargs})
        self.loss = loss
        self.arguments = dict(arguments or {})

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return LOSSES[self.loss](y_true, y_pred, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "loss": self.loss, "arguments": self.arguments}


def direction_loss(name: str, parameters: LossParameters) -> DirectionLoss:
    """Return the loss that a configuration calls `name`, with the parameters that it gives."""
    return DirectionLoss(name, parameters.model_dump(mode="json", exclude={"name"}))


def _true_direction(y_true: Any) -> Any:
    return unit_vector(y_true[..., :3])


def _column(y_true: Any, column: int) -> Any:
    """Column of y_true as float32 (N,); NaN, not known, where y_true holds directions alone."""
    y_true = ops.cast(y_true, "float32")
    if y_true.shape[-1] == 3:
        return ops.full_like(y_true[..., 0], float("nan"))
    return y_true[..., column]


def _angle(u: Any, v: Any) -> Any:
    apart = ops.sum(ops.square(u - v), axis=-1)
    together = ops.sum(ops.square(u + v), axis=-1)
    return 2.0 * ops.arctan2(ops.sqrt(apart + TINY_CHORD2), ops.sqrt(together + TINY_CHORD2))


def _exponents(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """kappa (N,), kappa (1 - cos) and kappa (1 + cos), cos to the truth v, from y_pred whose first three columns are eta.

    With kappa^2 = |eta|^2 + EPSILON^2 and u = eta / kappa the last two are kappa |u -+ v|^2 / 2 + EPSILON^2 / (2 kappa).
    """
    eta, v = ops.cast(y_pred, "float32")[..., :3], _true_direction(y_true)
    kappa = ops.sqrt(ops.sum(ops.square(eta), axis=-1, keepdims=True) + EPSILON**2)
    u = eta / kappa
    kappa = kappa[..., 0]
    rest = 0.5 * EPSILON**2 / kappa
    off_head = 0.5 * kappa * ops.sum(ops.square(u - v), axis=-1) + rest
    off_tail = 0.5 * kappa * ops.sum(ops.square(u + v), axis=-1) + rest
    return kappa, off_head, off_tail


def _log_mean_exponential(x: Any) -> Any:
    """log((1 - e^-x) / x) for x > 0, the logarithm of the mean of e^-t over t from 0 to x."""
    return ops.log(-ops.expm1(-x) / x)
