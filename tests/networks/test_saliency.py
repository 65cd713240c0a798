"""Gradients of the answers by the inputs, of networks whose gradients are known."""

import keras
import numpy as np

from python.networks.saliency import gradient_norms


def test_the_gradient_of_a_linear_network_is_its_weights():
    numbers = keras.Input((3,), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(2, use_bias=False)(numbers))
    weights = np.array([[3.0, 4.0], [0.0, 0.0], [-1.0, 0.0]], np.float32)
    model.set_weights([weights])
    found = gradient_norms(model, {"numbers": np.ones((2, 3), np.float32)})
    np.testing.assert_allclose(found["numbers"], [[5, 0, 1]] * 2, rtol=1e-6)


def test_an_input_that_is_not_asked_has_none():
    taken, ignored = keras.Input((1,), name="taken"), keras.Input((2,), name="ignored")
    squared = keras.layers.Multiply()([taken, taken])
    model = keras.Model({"taken": taken, "ignored": ignored}, squared)
    given = {"taken": np.array([[3.0]], np.float32), "ignored": np.ones((1, 2), np.float32)}
    found = gradient_norms(model, given)
    np.testing.assert_allclose(found["taken"], [[6]])
    np.testing.assert_array_equal(found["ignored"], [[0, 0]])
