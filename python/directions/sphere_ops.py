"""What losses and heads have in common, in Keras: angles and likelihoods on the sphere that are finite everywhere."""

from __future__ import annotations

from math import log, pi
from typing import Any

import keras
from keras import ops

from python.networks.unit_vector import UnitVector, unit_vector

# Squared chord below which an angle is not resolved: the rounding of float32 unit vectors is 1e-7.
TINY_CHORD2 = 1e-12
# Added in quadrature to kappa, so that its logarithm and its gradient are smooth at 0. It shifts the log likelihood by
# EPSILON^2 / 6 = 4e-6 at most; a smaller one leaves more rounding in the gradient, 1e-7 / EPSILON.
EPSILON = 5e-3


# ---------------------------------------------------------------------------- the truth
def true_direction(y_true: Any) -> Any:
    return unit_vector(y_true[..., :3])


def true_column(y_true: Any, column: int) -> Any:
    """Column of y_true as float32 (N,); NaN, not known, where y_true holds directions alone."""
    y_true = ops.cast(y_true, "float32")
    if y_true.shape[-1] == 3:
        return ops.full_like(y_true[..., 0], float("nan"))
    return y_true[..., column]


# ---------------------------------------------------------------------------- angles
def angle_to_truth(y_true: Any, vectors: Any) -> Any:
    """Angle in radians between vectors (N, 3) of any length and the truth, from 0 to pi; pi/2 for a zero vector.

    2 atan2(|u - v|, |u + v|) keeps its precision at 0 and at pi, where the cosine is flat (W. Kahan, "How futile are
    mindless assessments of roundoff", 2006, "Mangled Angles"); its gradient in the angle is 1.
    """
    u, v = true_direction(y_true), unit_vector(vectors)
    apart = ops.sum(ops.square(u - v), axis=-1)
    together = ops.sum(ops.square(u + v), axis=-1)
    return 2.0 * ops.arctan2(ops.sqrt(apart + TINY_CHORD2), ops.sqrt(together + TINY_CHORD2))


# ---------------------------------------------------------------------------- likelihoods
def von_mises_fisher_of_ends(y_true: Any, eta: Any) -> tuple[Any, Any]:
    """Negative log likelihoods (N,) of the truth, a steradian, under eta (N, 3) = kappa mu and under its opposite.

    The density is kappa / (4 pi sinh kappa) exp(eta . v) (R. A. Fisher, Proc. R. Soc. A 217, 295, 1953). One formula serves
    all kappa: with sinh kappa = e^kappa (1 - e^(-2 kappa)) / 2 nothing overflows, and kappa (1 - cos) is computed from the
    chord, so nothing cancels: with kappa^2 = |eta|^2 + EPSILON^2 and u = eta / kappa it is
    kappa |u - v|^2 / 2 + EPSILON^2 / (2 kappa).
    """
    eta, v = ops.cast(eta, "float32"), true_direction(y_true)
    kappa = ops.sqrt(ops.sum(ops.square(eta), axis=-1, keepdims=True) + EPSILON**2)
    u = eta / kappa
    kappa = kappa[..., 0]
    rest = 0.5 * EPSILON**2 / kappa
    normalisation = log(4.0 * pi) + _log_mean_exponential(2.0 * kappa)
    towards = 0.5 * kappa * ops.sum(ops.square(u - v), axis=-1) + rest
    away = 0.5 * kappa * ops.sum(ops.square(u + v), axis=-1) + rest
    return normalisation + towards, normalisation + away


def mixed(logit: Any, first: Any, second: Any) -> Any:
    """Negative log likelihood (N,) of two, of which the first has the probability 1 / (1 + exp(-logit))."""
    logit = ops.cast(logit, "float32")
    terms = ops.stack([ops.softplus(-logit) + first, ops.softplus(logit) + second], axis=-1)
    return -ops.logsumexp(-terms, axis=-1)


def _log_mean_exponential(x: Any) -> Any:
    """log((1 - e^-x) / x) for x > 0, the logarithm of the mean of e^-t over t from 0 to x."""
    return ops.log(-ops.expm1(-x) / x)


# ---------------------------------------------------------------------------- heads
def near(start: float, n_outputs: int, name: str) -> keras.layers.Layer:
    """Dense layer whose first outputs lie close to `start`."""
    small = keras.initializers.VarianceScaling(0.01, mode="fan_in", distribution="truncated_normal")
    return keras.layers.Dense(
        n_outputs,
        kernel_initializer=small,
        bias_initializer=keras.initializers.Constant(start),
        dtype="float32",
        name=name,
    )


def beside_each_other(name: str, parts: list[Any]) -> Any:
    """The parts (N, n) of an output as one, float32."""
    return keras.layers.Concatenate(name=name, dtype="float32")(parts)


def unit_direction(features: Any) -> Any:
    """A unit vector (N, 3) from features (N, F)."""
    return UnitVector(name="direction")(keras.layers.Dense(3, dtype="float32", name="direction_vector")(features))
