"""Losses agree with closed forms, and are finite with finite gradients on the closed domain, in float32 and below."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import special_ortho_group, vonmises_fisher

from python.directions.answers.direction import angular_loss, cosine_similarity_loss, focal_angular_loss, hybrid_loss
from python.directions.answers.mixture import mixture_loss
from python.directions.answers.multi_task import multi_task_loss
from python.directions.answers.uncertainty import uncertainty_aware_loss
from python.directions.answers.von_mises_fisher import von_mises_fisher_loss
from python.directions.find import losses

LOSSES = {name: loss.function for name, loss in losses().items()}
ALL = pytest.mark.parametrize("name", LOSSES)


def directions(n, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def targets(n, seed=0):
    """Directions, kinetic energies and ES flags, every third of which is not known."""
    rng = np.random.default_rng(seed)
    energy, is_es = rng.uniform(3, 60, n), rng.integers(0, 2, n).astype(float)
    energy[::3], is_es[1::3] = np.nan, np.nan
    return np.column_stack([directions(n, seed), energy, is_es]).astype(np.float32)


def outputs(name, n, seed=1):
    return np.random.default_rng(seed).normal(size=(n, len(losses()[name].answer.columns))).astype(np.float32)


def value_and_gradient(loss, truth, output, **arguments):
    watched = tf.constant(np.asarray(output, np.float32))
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = loss(tf.constant(np.asarray(truth, np.float32)), watched, **arguments)
        total = tf.reduce_sum(value)
    return value.numpy(), tape.gradient(total, watched).numpy()


def angle(u, v):
    """In float64, from vectors of any length."""
    u, v = (np.asarray(each, np.float64) for each in (u, v))
    u, v = (each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (u, v))
    return 2 * np.arctan2(np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1))


def log_density(kappa, cosine):
    """Of von Mises and Fisher, for kappa > 0, in float64."""
    return np.log(kappa / (2 * np.pi * -np.expm1(-2 * kappa))) - kappa * (1 - cosine)


def at_angle(truth, opening, seed=10**9):
    """Unit vectors `opening` radians away from the directions `truth`."""
    across = np.cross(truth, directions(len(truth), seed))  # a seed of which no truth is drawn
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.cos(opening) * truth + np.sin(opening) * across


def expected(name, truth, output):
    """The losses by their textbook formulas, with the default parameters."""
    truth, output = truth.astype(np.float64), output.astype(np.float64)
    theta = angle(truth[:, :3], output[:, :3])
    kappa = np.linalg.norm(output[:, :3], axis=1)
    if name == "angular":
        return theta
    if name == "cosine_similarity":
        return 1 - np.cos(theta)
    if name == "focal_angular":
        return (theta / np.pi) ** 2 * theta
    if name == "hybrid":
        return 0.7 * theta + 0.3 * np.mean((output - truth[:, :3]) ** 2, axis=1)
    if name == "uncertainty_aware":
        variance = np.exp(output[:, 3]) ** 2
        return theta / variance + np.log(variance)
    if name == "von_mises_fisher":
        return -log_density(kappa, np.cos(theta))
    if name == "mixture":
        w = 1 / (1 + np.exp(-output[:, 3]))
        both = w * np.exp(log_density(kappa, np.cos(theta))) + (1 - w) * np.exp(log_density(kappa, -np.cos(theta)))
        return -np.log(both)
    if name == "two_lobes":
        w = 1 / (1 + np.exp(-output[:, 3]))
        cosine = np.cos(angle(truth[:, :3], output[:, 4:]))
        second = np.exp(log_density(np.linalg.norm(output[:, 4:], axis=1), cosine))
        return -np.log(w * np.exp(log_density(kappa, np.cos(theta))) + (1 - w) * second)
    p = 1 / (1 + np.exp(-output[:, 4]))
    energy = np.log(np.cosh(output[:, 3] - np.log(truth[:, 3])))
    channel = -truth[:, 4] * np.log(p) - (1 - truth[:, 4]) * np.log(1 - p)
    return theta + 0.1 * np.nan_to_num(energy) + 0.1 * np.nan_to_num(channel)


@ALL
def test_losses_are_their_formulas(name):
    truth, output = targets(500), outputs(name, 500)
    value = LOSSES[name](truth, output).numpy()
    assert value.shape == (500,)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, expected(name, truth, output), rtol=1e-5, atol=1e-5)


@ALL
def test_directions_alone_are_targets_too(name):
    truth, output = targets(50), outputs(name, 50)
    alone = LOSSES[name](truth[:, :3], output).numpy()
    truth[:, 3:] = np.nan
    np.testing.assert_array_equal(alone, LOSSES[name](truth, output).numpy())


@pytest.mark.parametrize("opening", [1e-4, 1e-3, 0.1, 1.5, np.pi - 1e-3, np.pi - 1e-4])
def test_angles_are_right_down_to_a_tenth_of_a_milliradian(opening):
    truth = directions(2000)
    predicted = at_angle(truth, opening).astype(np.float32)
    truth = truth.astype(np.float32)
    value, gradient = value_and_gradient(angular_loss, truth, predicted)
    exact = angle(truth, predicted)
    np.testing.assert_allclose(value, exact, rtol=1e-3)
    np.testing.assert_allclose(np.pi - value, np.pi - exact, rtol=1e-2, atol=3e-7)
    np.testing.assert_allclose(np.linalg.norm(gradient, axis=1), 1, rtol=1e-3)  # the angle changes by the angle


@pytest.mark.parametrize("opening", [0.0, 1e-8, 1e-7, 1e-6, 1e-5, np.pi])
def test_the_gradient_of_the_angle_stays_below_one_at_the_ends(opening):
    truth = directions(2000)
    value, gradient = value_and_gradient(angular_loss, truth, at_angle(truth, opening))
    np.testing.assert_allclose(value, opening, atol=2e-6)
    assert np.linalg.norm(gradient, axis=1).max() <= 1 + 1e-5


@pytest.mark.parametrize("length", [1e-6, 0.01, 1.0, 1e8])
def test_only_the_direction_of_a_vector_counts(length):
    truth, output = targets(100), outputs("angular", 100)
    for loss in (angular_loss, cosine_similarity_loss, focal_angular_loss):
        np.testing.assert_allclose(loss(truth, length * output), loss(truth, output), rtol=1e-5, atol=1e-6)


def test_a_zero_vector_is_as_far_from_the_truth_as_from_its_opposite_and_is_drawn_to_it():
    truth = directions(20)
    value, gradient = value_and_gradient(angular_loss, truth, np.zeros((20, 3)))
    np.testing.assert_allclose(value, np.pi / 2, rtol=1e-6)
    np.testing.assert_allclose(gradient / np.linalg.norm(gradient, axis=1, keepdims=True), -truth, atol=1e-5)
    assert np.linalg.norm(gradient, axis=1).max() < 10


@ALL
def test_losses_do_not_change_when_truth_and_prediction_are_rotated(name):
    truth, output = targets(200), 3 * outputs(name, 200)
    rotation = special_ortho_group.rvs(3, random_state=1)
    turned_truth, turned_output = truth.copy(), output.copy()
    turned_truth[:, :3] = truth[:, :3] @ rotation.T
    vectors = [slice(start, start + 3) for start in losses()[name].answer.vectors]
    for three in vectors:
        turned_output[:, three] = output[:, three] @ rotation.T
    value, gradient = value_and_gradient(LOSSES[name], truth, output)
    turned_value, turned_gradient = value_and_gradient(LOSSES[name], turned_truth, turned_output)
    np.testing.assert_allclose(turned_value, value, rtol=1e-5, atol=2e-5)
    for three in vectors:
        np.testing.assert_allclose(turned_gradient[:, three], gradient[:, three] @ rotation.T, rtol=1e-4, atol=1e-4)


def floats(low, high):
    return st.floats(low, high, allow_subnormal=False)  # TensorFlow may have switched them off


lengths = st.sampled_from([0.0, 1e-30, 1e-8, 1e-4, 1e-3, 0.1, 1.0, 1e3, 1e6, 1e8]) | floats(0, 1e8)
openings = st.sampled_from([0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, np.pi - 1e-4, np.pi]) | floats(0, np.pi)
others = st.sampled_from([0.0, 1e8, -1e8, 1e4, -1e4]) | floats(-100, 100)
energies = st.sampled_from([np.nan, 0.0, 1e-3, 20.0, 40.0, 1e5]) | floats(0.1, 100)


events = st.tuples(
    st.integers(0, 10**6), lengths, openings, others, others, energies, st.sampled_from([np.nan, 0.0, 0.3, 1.0])
)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "two_lobes"])  # which has a file of its own
@settings(max_examples=6)
@given(st.lists(events, min_size=12, max_size=24))
def test_values_and_gradients_are_finite_everywhere(name, drawn):
    seeds, length, opening, third, fourth, energy, is_es = (
        np.array(each)[:, None] for each in zip(*drawn, strict=True)
    )
    truth = np.concatenate([directions(1, seed) for seed in seeds[:, 0]])
    output = np.column_stack([length * at_angle(truth, opening), third, fourth])
    output = output[:, : len(losses()[name].answer.columns)]
    value, gradient = value_and_gradient(LOSSES[name], np.column_stack([truth, energy, is_es]), output)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    if name != "hybrid":  # its squared error grows with the length of the output
        assert np.abs(gradient).max() <= 4000


@ALL
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_sixteen_bits_do_not_break_them(name, kind):
    truth, output = targets(100), outputs(name, 100)
    output[0, :3], output[1, :3], output[2, :3] = truth[0, :3], -truth[1, :3], 0
    output[3, :3] = 6e4, -6e4, 6e4
    low_truth, low = tf.cast(truth, kind), tf.cast(output, kind)
    with tf.GradientTape() as tape:
        tape.watch(low)
        value = LOSSES[name](low_truth, low)
        total = tf.reduce_sum(value)
    gradient = tape.gradient(total, low)
    assert value.dtype == tf.float32
    assert np.isfinite(value).all()
    assert np.isfinite(tf.cast(gradient, "float32")).all()
    exact = LOSSES[name](tf.cast(low_truth, "float32"), tf.cast(low, "float32"))
    np.testing.assert_array_equal(value, exact)


def test_focal_weights_follow_the_true_energy():
    truth = np.column_stack([np.tile(directions(1), (5, 1)), [5, 20, 40, 41, np.nan], np.ones(5)])
    output = np.tile(directions(1, 9), (5, 1))
    plain = focal_angular_loss(truth, output, gamma=1.0).numpy()
    weighted = focal_angular_loss(truth, output, gamma=1.0, energy_weights=(3.0, 2.0, 0.5)).numpy()
    np.testing.assert_allclose(weighted / plain, [3, 2, 2, 0.5, 1], rtol=1e-6)
    np.testing.assert_allclose(focal_angular_loss(truth, output, gamma=0.0), angular_loss(truth, output), rtol=1e-6)


def test_hybrid_is_the_angle_at_one_end_and_the_squared_error_at_the_other():
    truth, output = targets(50)[:, :3], outputs("hybrid", 50)
    np.testing.assert_allclose(hybrid_loss(truth, output, alpha=1.0), angular_loss(truth, output), rtol=1e-6)
    squared = np.mean((truth - output) ** 2, axis=1)
    np.testing.assert_allclose(hybrid_loss(truth, output, alpha=0.0), squared, rtol=1e-5)


def test_the_best_sigma_squared_is_the_mean_angle_whatever_the_distribution():
    truth, predicted = directions(2000), directions(2000, 2)
    log_sigma = np.linspace(-0.5, 0.5, 51)
    trials = [np.column_stack([predicted, np.full(2000, each)]) for each in log_sigma]
    best = np.argmin([np.mean(uncertainty_aware_loss(truth, trial)) for trial in trials])
    assert np.exp(2 * log_sigma[best]) == pytest.approx(angle(truth, predicted).mean(), rel=0.03)


@pytest.mark.parametrize("log_sigma", [-1e8, -50.0, -3.1])
def test_a_sigma_below_its_bound_can_return(log_sigma):
    truth = directions(1)
    _, gradient = value_and_gradient(uncertainty_aware_loss, truth, np.column_stack([truth, [[log_sigma]]]))
    assert gradient[0, 3] == pytest.approx(-2)


@pytest.mark.parametrize("kappa", [0.1, 1.0, 30.0, 1e4])
def test_von_mises_fisher_is_that_of_scipy(kappa):
    mu, truth = directions(1)[0], np.concatenate([directions(50), at_angle(directions(1), 0.02)])
    value = von_mises_fisher_loss(truth, np.tile(kappa * mu, (51, 1))).numpy()
    np.testing.assert_allclose(value, -vonmises_fisher(mu, kappa).logpdf(truth), rtol=2e-6, atol=2e-5)


@pytest.mark.parametrize("kappa", [0.0, 1e-3, 0.01, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize("logit", [None, 0.0, 2.0, -30.0])
def test_densities_integrate_to_one(kappa, logit):
    cosine, weight = np.polynomial.legendre.leggauss(300)
    mu = np.tile(directions(1), (len(cosine), 1))
    eta, truth = kappa * mu, at_angle(mu, np.arccos(cosine)[:, None])
    if logit is None:
        loss = von_mises_fisher_loss(truth, eta)
    else:
        loss = mixture_loss(truth, np.column_stack([eta, np.full(len(mu), logit)]))
    assert 2 * np.pi * np.sum(weight * np.exp(-loss.numpy().astype(float))) == pytest.approx(1, abs=2e-5)


@pytest.mark.parametrize("opening", [0.0, 1e-5, 1e-3, 0.3, 3.0, np.pi])
def test_the_gradient_of_von_mises_fisher_is_exact_for_every_kappa(opening):
    kappa = np.concatenate([[0.0], np.geomspace(1e-10, 1e6, 3000)])
    truth = directions(len(kappa)).astype(np.float32)
    mu = at_angle(truth.astype(np.float64), opening)
    _, gradient = value_and_gradient(von_mises_fisher_loss, truth, kappa[:, None] * mu)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_cosine = np.where(kappa > 1e-3, 1 / np.tanh(kappa) - 1 / kappa, kappa / 3)
    np.testing.assert_allclose(gradient, mean_cosine[:, None] * mu - truth, atol=3e-5)


def test_von_mises_fisher_keeps_its_precision_at_large_kappa():
    kappa, truth = np.geomspace(1e2, 1e6, 500), directions(500)
    mu = at_angle(truth, 1 / np.sqrt(kappa)[:, None])
    value = von_mises_fisher_loss(truth, kappa[:, None] * mu).numpy()
    cosine = np.cos(1 / np.sqrt(kappa))
    np.testing.assert_allclose(value, -log_density(kappa, cosine), atol=3e-4)


def test_a_mixture_that_is_sure_of_the_head_is_von_mises_fisher():
    truth, eta = directions(100), 20 * outputs("von_mises_fisher", 100)
    one = von_mises_fisher_loss(truth, eta).numpy()
    np.testing.assert_allclose(mixture_loss(truth, np.column_stack([eta, np.full(100, 500.0)])), one, rtol=1e-6)
    np.testing.assert_allclose(mixture_loss(truth, np.column_stack([-eta, np.full(100, -500.0)])), one, rtol=1e-6)


def test_a_mixture_pays_little_for_the_wrong_end_of_a_sure_axis():
    truth = directions(1)
    unsure = mixture_loss(truth, np.column_stack([-1e3 * truth, [[0.0]]])).numpy()
    assert unsure == pytest.approx(von_mises_fisher_loss(truth, 1e3 * truth).numpy() + np.log(2), rel=1e-5)


def test_unknown_truth_has_no_gradient():
    truth, output = targets(300), outputs("multi_task", 300)
    _, gradient = value_and_gradient(multi_task_loss, truth, output, energy_weight=2.0, channel_weight=3.0)
    np.testing.assert_array_equal(gradient[:, 3] == 0, np.isnan(truth[:, 3]))
    np.testing.assert_array_equal(gradient[:, 4] == 0, np.isnan(truth[:, 4]))


def test_declaring_the_losses_loads_no_keras():
    code = "import sys, python.directions.find as find; find.losses(); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
