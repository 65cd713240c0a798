"""The last layers of a network that predicts directions, one output layout for each way to say how sure it is.

All layouts are one float32 tensor (N, n), vectors in the drift frame:

| kind | n | columns |
|---|---|---|
| direction | 3 | unit vector |
| uncertainty | 4 | unit vector, log sigma; the mean angle to the truth is sigma^2 radians |
| von_mises_fisher | 3 | eta = kappa mu, any length |
| mixture | 4 | eta, logit of the probability that +mu, not -mu, points along the electron |
| two_lobes | 7 | eta_1, logit of the probability of the first lobe, eta_2 |
| multi_task | 5 | unit vector, natural log of the electron's kinetic energy in MeV, logit of ES against CC |
"""

from __future__ import annotations

from math import log
from typing import Any

import keras
from keras import ops

HEADS = {"direction": 3, "uncertainty": 4, "von_mises_fisher": 3, "mixture": 4, "two_lobes": 7, "multi_task": 5}

# A vector shorter than this turns no faster than one of this length. Outputs are of order one, so few are ever so short.
SHORTEST = 0.3
TYPICAL_ENERGY_MEV = 20.0  # of electrons in the training samples, flat from 2 to 60 MeV, in the logarithm


def unit_vector(vectors: Any) -> Any:
    """Vectors (N, 3) brought to length one, as float32; a zero vector stays zero. Lengths from 1e-15 to 1e15 are safe.

    The gradient of a direction is 1 / length: infinite where an empty image makes the vector zero. A constant under the root
    tames it only in so far as it spoils the length. Here the value is exact, and the gradient is that of the direction,
    (1 - u u^T) / length, with a length not less than SHORTEST: its norm is at most 1 / SHORTEST everywhere.
    """
    vectors = ops.cast(vectors, "float32")
    constant = ops.stop_gradient(vectors)
    length = ops.sqrt(ops.sum(ops.square(constant), axis=-1, keepdims=True))
    unit = constant / ops.maximum(length, 1e-15)
    steps = vectors / ops.maximum(length, SHORTEST)
    turns = steps - unit * ops.sum(unit * steps, axis=-1, keepdims=True)
    return unit + (turns - ops.stop_gradient(turns))


@keras.saving.register_keras_serializable(package="pointing")
class UnitVector(keras.layers.Layer):
    """Brings vectors (N, 3) to length one; see unit_vector. Computes in float32 whatever the network's precision."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, inputs: Any) -> Any:
        return unit_vector(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def direction_head(features: Any, kind: str) -> Any:
    """Turn features (N, F) into the output (N, HEADS[kind]) of the layout `kind`.

    Before training, kappa is near 0, the two ends of an axis are equally likely, sigma is near 1 and energies near 20 MeV: a
    network that starts sure of itself first has to unlearn that. The logit of a mixture may take either sign, so that mu can
    stay on one half of the sphere while the head changes ends; starting from a positive logit made a worse fit.
    Raises ValueError for an unknown kind.
    """
    if kind not in HEADS:
        raise ValueError(f"the layout of the output is one of {', '.join(HEADS)}. Received: {kind!r}")
    if kind == "von_mises_fisher":
        return _near(0.0, 3, "eta")(features)
    if kind == "mixture":
        return keras.layers.Concatenate(name=kind, dtype="float32")(
            [_near(0.0, 3, "eta")(features), _near(0.0, 1, "head_logit")(features)]
        )
    if kind == "two_lobes":
        return _near(0.0, 7, kind)(features)
    direction = UnitVector(name="direction")(keras.layers.Dense(3, dtype="float32", name="direction_vector")(features))
    if kind == "direction":
        return direction
    if kind == "uncertainty":
        beside = [_near(0.0, 1, "log_sigma")(features)]
    else:
        beside = [_near(log(TYPICAL_ENERGY_MEV), 1, "log_energy")(features), _near(0.0, 1, "channel_logit")(features)]
    return keras.layers.Concatenate(name=kind, dtype="float32")([direction, *beside])


def _near(start: float, n_outputs: int, name: str) -> keras.layers.Layer:
    """Dense layer whose first outputs lie close to `start`."""
    small = keras.initializers.VarianceScaling(0.01, mode="fan_in", distribution="truncated_normal")
    return keras.layers.Dense(
        n_outputs,
        kernel_initializer=small,
        bias_initializer=keras.initializers.Constant(start),
        dtype="float32",
        name=name,
    )
