"""The network on points: no order, no padding, every output layout, learning, empty events, saving, other backends."""

import functools
import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from electron_direction.models.point_network import ARCHITECTURE
from python.directions.answers.direction import angular_loss
from python.directions.answers.two_lobes import two_lobes_loss
from python.directions.find import answers, loss_parameters, losses
from tests.directions.samples import unit_vectors
from tests.point_samples import padded_points

MAX_POINTS = 12
COUNTS = (12, 9, 7, 4, 2, 1)
SIZES = {"max_points": MAX_POINTS, "n_point_units": 16, "dense_units": [16, 8]}
each_depth = pytest.mark.parametrize("n_context_rounds", [0, 1, 2])


def built(head="two_lobes", **parameters):
    keras.utils.set_random_seed(3)
    return ARCHITECTURE.build((1, 1, 1), answers()[head], ARCHITECTURE.parameters(**{**SIZES, **parameters}))


@functools.cache
def untrained(head="two_lobes", **parameters):
    """A small network that no test changes."""
    return built(head, **parameters)


def events(counts=COUNTS, size=MAX_POINTS, seed=4):
    energy = np.random.default_rng(seed).uniform(1.5, 4.0, (len(counts), 1))
    return {"points": padded_points(counts, size, seed), "energy": energy.astype(np.float32)}


def outputs_of(model, batch):
    return keras.ops.convert_to_numpy(model(batch, training=False))


def directions(n=6):
    return unit_vectors(n).astype(np.float32)


@pytest.mark.parametrize("head", answers())
def test_every_output_layout(head):
    outputs = outputs_of(untrained(head), events())
    assert outputs.shape == (len(COUNTS), len(answers()[head].columns))
    assert outputs.dtype == np.float32
    assert np.all(np.isfinite(outputs))
    assert len(np.unique(outputs, axis=0)) == len(COUNTS)
    if head == "direction":
        np.testing.assert_allclose(np.linalg.norm(outputs, axis=1), 1, rtol=1e-4)


# ---------------------------------------------------------------------------- what leaves the answer unchanged
@each_depth
def test_points_have_no_order(n_context_rounds):
    model, batch = untrained("direction", n_context_rounds=n_context_rounds), events()
    order = np.random.default_rng(1).permutation(MAX_POINTS)
    turned = {**batch, "points": batch["points"][:, order]}
    np.testing.assert_allclose(outputs_of(model, turned), outputs_of(model, batch), atol=2e-6)


@each_depth
def test_more_room_for_points_changes_nothing(n_context_rounds):
    """The weights of a network serve one that reads more points, and the zeros behind the points say nothing."""
    model = untrained("direction", n_context_rounds=n_context_rounds)
    roomy = built("direction", n_context_rounds=n_context_rounds, max_points=40)
    roomy.set_weights(model.get_weights())
    np.testing.assert_allclose(outputs_of(roomy, events(size=40)), outputs_of(model, events()), atol=2e-6)


# ---------------------------------------------------------------------------- what does not
def test_energy_planes_and_far_points_are_listened_to():
    model, batch = untrained("direction"), events()
    before = outputs_of(model, batch)

    def answer_moves(**changed):
        after = outputs_of(model, {**batch, **changed})
        return np.all(np.abs(after - before).max(axis=1) > 1e-4)

    points = batch["points"]
    swapped = points.copy()
    swapped[..., 0] = np.array([1, 0, 2])[points[..., 0].astype(int)] * points[..., -1]
    one_more = points.copy()
    one_more[:, -1] = [2, 40, -30, -29.8, -29.5, 500, 90, 0, 1]  # a photon's blip half a metre away
    assert answer_moves(energy=batch["energy"] + 1)
    assert answer_moves(points=swapped)
    assert answer_moves(points=one_more)
    assert answer_moves(points=points * np.where(np.arange(9) == 5, 2, 1))  # twice the charge


@each_depth
def test_only_in_context_is_a_point_read_in_the_light_of_the_others(n_context_rounds):
    model = untrained(n_context_rounds=n_context_rounds, drift_widths=())
    reading = keras.Model(model.input, model.get_layer("pool").input[0])
    batch = events((MAX_POINTS,))
    other = {**batch, "points": batch["points"].copy()}
    other["points"][:, -1, 5] *= 9
    change = np.abs(outputs_of(reading, other) - outputs_of(reading, batch))[0].max(axis=1)
    assert change[-1] > 1e-4
    assert np.all((change[:-1] > 1e-6) == (n_context_rounds > 0))


# ---------------------------------------------------------------------------- training
@each_depth
def test_a_few_steps_of_training_lower_the_loss_and_reach_every_kernel(n_context_rounds):
    model = built(n_context_rounds=n_context_rounds)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=two_lobes_loss, run_eagerly=True)
    batch, truth = events(), directions()
    kernels = [weight for weight in model.trainable_weights if weight.name == "kernel"]
    before = [np.array(keras.ops.convert_to_numpy(kernel)) for kernel in kernels]
    losses = [float(model.train_on_batch(batch, truth)) for _ in range(8)]
    assert losses[-1] < losses[0] - 0.1
    after = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
    still = [kernel.path for kernel, old, new in zip(kernels, before, after, strict=True) if np.array_equal(old, new)]
    assert not still


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 1, 1), (0, 1, 12)])
@pytest.mark.parametrize("loss", ["angular", "two_lobes"])
def test_events_of_one_point_or_none_are_no_danger(loss, counts):
    """Outputs are finite, and so are the weights after a step along the gradient that these events give."""
    model = built(losses()[loss].answer.name, n_context_rounds=2)
    batch = events(counts)
    assert np.all(np.isfinite(outputs_of(model, batch)))
    before = [weight.copy() for weight in model.get_weights()]
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=losses()[loss].function, run_eagerly=True)
    assert np.isfinite(model.train_on_batch(batch, directions(len(counts))))
    after = model.get_weights()
    assert all(np.all(np.isfinite(weight)) for weight in after)
    assert any(np.any(old != new) for old, new in zip(before, after, strict=True))


def test_dropout_is_for_training_alone():
    without, batch = untrained("von_mises_fisher"), events()
    model = built("von_mises_fisher", dropout_rate=0.5)
    model.set_weights(without.get_weights())
    np.testing.assert_array_equal(outputs_of(model, batch), outputs_of(without, batch))
    dropped = keras.ops.convert_to_numpy(model(batch, training=True))
    assert not np.allclose(dropped, outputs_of(model, batch))


def test_half_precision_gives_nearly_the_same():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = built("direction")
    finally:
        keras.config.set_dtype_policy(policy)
    batch = events()
    batch["points"][:, 0, 5] = 1e5  # charge above the largest number of 16 bits
    np.testing.assert_allclose(outputs_of(model, batch), outputs_of(untrained("direction"), batch), atol=0.02)


# ---------------------------------------------------------------------------- saving
@each_depth
def test_a_saved_network_gives_the_same_outputs(n_context_rounds, tmp_path):
    model, batch = built(n_context_rounds=n_context_rounds, dropout_rate=0.3), events()
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(outputs_of(loaded, batch), outputs_of(model, batch))


ELSEWHERE = """
import sys, keras, numpy as np
import electron_direction.models.point_network, python.networks.point_layers, python.networks.unit_vector
from python.directions.answers.two_lobes import two_lobes_loss
assert keras.backend.backend() == "jax"
model = keras.models.load_model(sys.argv[1] + "/network.keras", safe_mode=True, compile=False)
batch = dict(np.load(sys.argv[1] + "/batch.npz"))
truth = batch.pop("truth")
outputs = model.predict_on_batch(batch)
model.compile(optimizer=keras.optimizers.SGD(0.1), loss=two_lobes_loss)
loss = [float(model.train_on_batch(batch, truth)) for _ in range(3)]
np.savez(sys.argv[1] + "/found.npz", outputs=outputs, loss=loss)
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_jax_gives_and_learns_the_same(tmp_path):
    model, batch, truth = built(), events((12, 5, 1, 0)), directions(4)
    model.save(tmp_path / "network.keras")
    np.savez(tmp_path / "batch.npz", truth=truth, **batch)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(tmp_path)], check=True, env=environment)
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_allclose(found["outputs"], outputs_of(model, batch), rtol=1e-4, atol=1e-5)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=two_lobes_loss, run_eagerly=True)
    losses = [float(model.train_on_batch(batch, truth)) for _ in range(3)]
    assert losses[2] < losses[0] - 0.01
    np.testing.assert_allclose(found["loss"], losses, rtol=1e-4)


# ---------------------------------------------------------------------------- the declaration
def test_the_declared_inputs_are_those_of_the_network():
    assert set(untrained().input) == set(ARCHITECTURE.inputs(ARCHITECTURE.parameters())) == {"points", "energy"}
    assert untrained().input["points"].shape == (None, MAX_POINTS, 9)


def test_two_lobes_are_the_default_among_all_losses():
    assert ARCHITECTURE.default_loss == "two_lobes"
    assert dict(ARCHITECTURE.losses) == loss_parameters("two_lobes")


def test_the_default_network_builds_and_every_part_is_counted():
    """Layers of 144 features, 128 units for each point and 32 for the energy, counted by hand."""
    model = ARCHITECTURE.build((1, 1, 1), answers()["two_lobes"], ARCHITECTURE.parameters())
    units, pooled = 128, 2 * 128 + 32
    points = (144 + 1) * units + (units + 1) * units
    context = (pooled + 1) * units + 3 * (units + 1) * units
    assert model.count_params() == points + context + 2 * 32 + (pooled + 1) * 256 + 257 * 128 + 129 * 7


@pytest.mark.parametrize(
    "parameters",
    [{"max_points": 0}, {"n_context_rounds": -1}, {"drift_widths": [0.0]}, {"dense_units": [64, 0]}, {"n_filters": 8}],
)
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(ValidationError, match=next(iter(parameters))):
        ARCHITECTURE.parameters(**parameters)


@pytest.mark.parametrize("parameters", [{"dense_units": []}, {"drift_widths": []}, {"drift_widths": [0.1, 1, 9.5]}])
def test_lists_have_any_length(parameters):
    assert outputs_of(built("direction", **parameters), events()).shape == (len(COUNTS), 3)


def test_learning_tells_the_head_by_the_points_ahead():
    """Toy electrons along the drift, each with a faint deposit ahead of it: the network learns to point there."""
    rng = np.random.default_rng(0)
    sign = rng.choice([-1.0, 1.0], 64)
    points = np.zeros((64, MAX_POINTS, 9), np.float32)
    along = np.concatenate([np.linspace(-2, 2, MAX_POINTS - 1), [20]])
    points[..., 0], points[..., -1] = 2, 1
    points[..., 2:5] = (sign[:, None] * along)[..., None] + np.array([-0.2, 0, 0.2])
    points[..., 5], points[..., 6] = 2000, 300
    batch = {"points": points, "energy": np.full((64, 1), 3, np.float32)}
    truth = (sign[:, None] * [[1.0, 0.0, 0.0]]).astype(np.float32)
    model = built("direction")
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=angular_loss)
    model.fit(batch, truth, epochs=50, batch_size=64, verbose=0)
    assert np.degrees(np.mean(angular_loss(truth, outputs_of(model, batch)))) < 20
