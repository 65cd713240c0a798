"""Saliency: how much the answers of a network change with each number of its inputs (K. Simonyan et al., arXiv:1312.6034)."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np


def has_gradients() -> bool:
    """Whether gradients by inputs can be had: with the TensorFlow backend of Keras."""
    return keras.backend.backend() == "tensorflow"


def gradient_norms(model: keras.Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The root of the summed squares of the gradients of all outputs by each input, of the shapes of the `inputs` (n, ...).

    Units are those of the outputs by those of the input. ValueError without `has_gradients`.
    """
    if not has_gradients():
        raise ValueError(f"the backend {keras.backend.backend()} of Keras gives no gradients by inputs here")
    import tensorflow as tf

    tensors = {name: tf.convert_to_tensor(values, tf.float32) for name, values in inputs.items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(tensors)
        given = tensors if len(tensors) > 1 else next(iter(tensors.values()))
        outputs = model(given, training=False)
        outputs = tf.unstack(tf.reshape(outputs, (len(outputs), -1)), axis=1)
    squares = {name: np.zeros(values.shape) for name, values in inputs.items()}
    for output in outputs:
        for name, gradient in tape.gradient(output, tensors).items():
            if gradient is not None:  # an input that the answer does not ask
                squares[name] += np.square(gradient.numpy())
    return {name: np.sqrt(values) for name, values in squares.items()}
