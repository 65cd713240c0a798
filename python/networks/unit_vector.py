"""Vectors brought to length one, with a gradient that is bounded where a vector vanishes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# A vector shorter than this turns no faster than one of this length. Outputs are of order one, so few are ever so short.
SHORTEST = 0.3


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
