"""Outputs have their layout, start unsure, stay float32 and give bounded gradients even where the features vanish."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from python.directions.answers.direction import angular_loss
from python.directions.answers.multi_task import TYPICAL_ENERGY_MEV
from python.directions.find import answers
from python.networks.unit_vector import SHORTEST, UnitVector, unit_vector

ANSWERS = answers()
WITH_UNIT_VECTOR = ("direction", "uncertainty", "multi_task")


def head_on_features(kind, n_features=64):
    keras.utils.set_random_seed(3)
    features = keras.Input((n_features,))
    return keras.Model(features, ANSWERS[kind].head(features))


def features(n=200, n_features=64):
    return np.random.default_rng(0).normal(size=(n, n_features)).astype(np.float32)


def vectors_of_length(length, n=50):
    vectors = np.random.default_rng(1).normal(size=(n, 3))
    return (length * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("kind", ANSWERS)
def test_outputs_have_their_layout(kind):
    output = head_on_features(kind).predict_on_batch(features())
    assert output.shape == (200, len(ANSWERS[kind].columns))
    if kind in WITH_UNIT_VECTOR:
        np.testing.assert_allclose(np.linalg.norm(output[:, :3], axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_network_starts_unsure(kind):
    output = head_on_features(kind).predict_on_batch(features())
    if kind not in WITH_UNIT_VECTOR:
        assert np.linalg.norm(output[:, :3], axis=1).max() < 1
    start = {"multi_task": [np.log(TYPICAL_ENERGY_MEV), 0]}.get(kind, [0] * (len(ANSWERS[kind].columns) - 3))
    assert np.all(np.abs(output[:, 3:] - start) < 0.6)


@pytest.mark.parametrize("kind", ANSWERS)
def test_outputs_stay_float32_in_a_network_of_half_precision(kind):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = head_on_features(kind)
    finally:
        keras.config.set_dtype_policy(policy)
    output = model(features().astype(np.float16))
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    if kind in WITH_UNIT_VECTOR:
        np.testing.assert_allclose(np.linalg.norm(output[:, :3], axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_saved_head_gives_the_same_outputs(kind, tmp_path):
    model = head_on_features(kind)
    model.save(tmp_path / "head.keras")
    loaded = keras.models.load_model(tmp_path / "head.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded.predict_on_batch(features()), model.predict_on_batch(features()))


@pytest.mark.parametrize("length", [1e-12, 1e-3, 0.5, 1.0, 30.0, 1e12])
def test_vectors_of_any_length_become_exact_unit_vectors(length):
    vectors = vectors_of_length(length)
    expected = vectors / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(UnitVector()(vectors)), expected, atol=2e-7)


@pytest.mark.parametrize("length", [1.0, 5.0, 1e6])
def test_the_gradient_of_a_unit_vector_is_the_exact_one(length):
    vectors, along = vectors_of_length(length), vectors_of_length(1.0)[::-1].copy()
    watched = tf.constant(vectors)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        projected = tf.reduce_sum(unit_vector(watched) * along)
    gradient = tape.gradient(projected, watched).numpy()
    unit = vectors / length
    exact = (along - unit * np.sum(unit * along, axis=1, keepdims=True)) / length
    np.testing.assert_allclose(gradient * length, exact * length, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-12, 1e-6, 1e-3, 0.1])
def test_gradients_through_head_and_loss_are_bounded_where_features_vanish(scale):
    model = head_on_features("direction")
    watched = tf.constant(scale * features())
    truth = vectors_of_length(1.0, 200)
    dense = model.get_layer("direction_vector")
    with tf.GradientTape() as tape:
        vector = dense(watched)
        tape.watch(vector)
        loss = tf.reduce_sum(angular_loss(truth, model.get_layer("direction")(vector)))
    gradient = np.linalg.norm(tape.gradient(loss, vector).numpy(), axis=1)
    # two in a row, head and loss, and a zero vector lies at the centre of the sphere, where the angle changes by 2
    limit = 2 / SHORTEST**2 if scale < 1e-15 else 1 / SHORTEST
    assert np.all(gradient <= limit * (1 + 1e-5))
    assert np.all(gradient > 0)
