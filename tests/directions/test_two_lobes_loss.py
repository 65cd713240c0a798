"""The likelihood of two lobes: its limits, what leaves it unchanged, and that nothing on its domain is infinite."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from python.directions.answers.mixture import mixture_loss
from python.directions.answers.two_lobes import two_lobes_loss
from python.directions.answers.von_mises_fisher import von_mises_fisher_loss
from tests.directions.samples import rotated_by, unit_vectors

LENGTHS = [0.0, 1e-30, 1e-3, 1.0, 1e3, 1e6]
LOGITS = [0.0, 1e4, -1e4]


def two_lobes(first, logit, second):
    """One output (n, 7) from vectors (n, 3) and numbers (n,) or one for all."""
    return np.column_stack([first, np.broadcast_to(logit, len(first)), second]).astype(np.float32)


def answers(n, seed=3):
    rng = np.random.default_rng(seed)
    return two_lobes(9 * rng.normal(size=(n, 3)), 3 * rng.normal(size=n), 2 * rng.normal(size=(n, 3)))


def value_and_gradient(truth, output):
    watched = tf.constant(np.asarray(output, np.float32))
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = two_lobes_loss(tf.constant(np.asarray(truth, np.float32)), watched)
        total = tf.reduce_sum(value)
    return value.numpy(), tape.gradient(total, watched).numpy()


@pytest.mark.parametrize("kappas", [(0.0, 0.0), (0.0, 30.0), (30.0, 0.5), (5.0, 40.0), (50.0, 50.0)])
@pytest.mark.parametrize("logit", [0.0, 1.5, -30.0])
@pytest.mark.parametrize("opening", [0.0, 50.0, 150.0])
def test_the_density_integrates_to_one(kappas, logit, opening):
    cosine, weight = np.polynomial.legendre.leggauss(60)
    azimuth = 2 * np.pi * np.arange(80) / 80
    sine = np.sqrt(1 - cosine**2)
    sphere = np.stack(
        [np.outer(sine, np.cos(azimuth)), np.outer(sine, np.sin(azimuth)), np.outer(cosine, np.ones(80))], axis=-1
    )
    first = unit_vectors(1, 4)
    output = two_lobes(kappas[0] * first, logit, kappas[1] * rotated_by(first, opening))
    density = np.exp(-two_lobes_loss(sphere.reshape(-1, 3), np.repeat(output, 60 * 80, axis=0)).numpy().astype(float))
    assert 2 * np.pi * weight @ density.reshape(60, 80).mean(axis=1) == pytest.approx(1, abs=3e-5)


def test_sure_of_one_lobe_it_is_von_mises_fisher():
    truth, output = unit_vectors(200), answers(200)
    for logit, lobe in ((500.0, slice(0, 3)), (-500.0, slice(4, 7))):
        sure = two_lobes(output[:, :3], logit, output[:, 4:])
        np.testing.assert_allclose(
            two_lobes_loss(truth, sure), von_mises_fisher_loss(truth, output[:, lobe]), rtol=1e-6
        )


def test_opposite_lobes_are_the_mixture():
    truth, output = unit_vectors(200), answers(200)
    opposite = two_lobes(output[:, :3], output[:, 3], -output[:, :3])
    np.testing.assert_allclose(
        two_lobes_loss(truth, opposite), mixture_loss(truth, output[:, :4]), rtol=1e-5, atol=1e-5
    )


def test_equal_lobes_are_one_whatever_their_shares():
    truth, output = unit_vectors(200), answers(200)
    equal = two_lobes(output[:, :3], output[:, 3], output[:, :3])
    value, gradient = value_and_gradient(truth, equal)
    np.testing.assert_allclose(value, von_mises_fisher_loss(truth, output[:, :3]), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient[:, 3], 0, atol=1e-5)


def test_the_lobes_may_be_named_either_way_round():
    truth, output = unit_vectors(200), answers(200)
    value, gradient = value_and_gradient(truth, output)
    exchanged = two_lobes(output[:, 4:], -output[:, 3], output[:, :3])
    other_value, other_gradient = value_and_gradient(truth, exchanged)
    np.testing.assert_allclose(other_value, value, rtol=1e-6)
    np.testing.assert_allclose(two_lobes(other_gradient[:, 4:], -other_gradient[:, 3], other_gradient[:, :3]), gradient)


def test_the_best_share_is_how_often_the_first_lobe_is_right():
    """Seven of ten electrons go along the first lobe, the others along the second, 120 degrees away."""
    first = unit_vectors(1)
    second = rotated_by(first, 120)
    truth = np.concatenate([np.repeat(first, 7, axis=0), np.repeat(second, 3, axis=0)])
    logits = np.linspace(-3, 3, 601)
    events = len(truth) * len(logits)
    lobes = (40 * np.repeat(vector, events, axis=0) for vector in (first, second))
    output = two_lobes(next(lobes), np.repeat(logits, len(truth)), next(lobes))
    loss = np.asarray(two_lobes_loss(np.tile(truth, (len(logits), 1)), output))
    losses = loss.reshape(len(logits), len(truth)).mean(axis=1)
    assert 1 / (1 + np.exp(-logits[np.argmin(losses)])) == pytest.approx(0.7, abs=0.01)


# ---------------------------------------------------------------------------- the closed domain
def assert_tame(truth, output):
    value, gradient = value_and_gradient(truth, output)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() <= 2 + 1e-3  # of a mean cosine minus a cosine, or of a probability


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("opening", [0.0, 1e-5, 90.0, 180.0])
def test_values_and_gradients_at_the_ends_of_the_domain(logit, opening):
    """Every pair of lengths, the first lobe at `opening` degrees from the truth, the second along it, opposite and across."""
    first, second = (each.reshape(-1, 1) for each in np.meshgrid(LENGTHS, LENGTHS))
    truth = unit_vectors(len(first))
    for away in (0.0, 180.0, 90.0):
        assert_tame(truth, two_lobes(first * rotated_by(truth, opening), logit, second * rotated_by(truth, away)))


def floats(low, high):
    return st.floats(low, high, allow_subnormal=False)  # TensorFlow may have switched them off


@settings(max_examples=60)
@given(
    st.tuples(floats(0, 1e6), floats(0, 1e6)),
    st.tuples(floats(0, 180), floats(0, 180)),
    st.sampled_from(LOGITS) | floats(-100, 100),
    st.integers(0, 10**6),
)
def test_values_and_gradients_are_finite_everywhere(kappas, openings, logit, seed):
    truth = unit_vectors(1, seed)
    first, second = (kappa * rotated_by(truth, opening) for kappa, opening in zip(kappas, openings, strict=True))
    assert_tame(truth, two_lobes(first, logit, second))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_sixteen_bits_do_not_break_it(kind):
    truth = unit_vectors(50)
    output = answers(50)
    output[:4] = [[0] * 7, [6e4, -6e4, 6e4, 6e4, 0, 0, 0], [0, 0, 0, -6e4, 6e4, 0, 0], [0, 6e4, 0, 6e4, 0, -6e4, 0]]
    low_truth, low = tf.cast(truth, kind), tf.cast(output, kind)
    with tf.GradientTape() as tape:
        tape.watch(low)
        value = two_lobes_loss(low_truth, low)
        total = tf.reduce_sum(value)
    assert value.dtype == tf.float32
    assert np.isfinite(value).all()
    assert np.isfinite(tf.cast(tape.gradient(total, low), "float32")).all()
    np.testing.assert_array_equal(value, two_lobes_loss(tf.cast(low_truth, "float32"), tf.cast(low, "float32")))
