"""The networks on images: every output layout, learning, empty planes, saving, and what each of them takes."""

import functools
import importlib
from itertools import pairwise

import keras
import numpy as np
import pytest

from python.directions.answers.direction import angular_loss
from python.directions.answers.von_mises_fisher import von_mises_fisher_loss
from python.directions.find import answers, loss_parameters

SHAPE = (16, 8, 1)
THREE_PLANES = (
    "three_plane_cnn",
    "three_plane_attention",
    "three_plane_residual",
    "three_plane_cross_attention",
    "three_plane_multi_scale",
    "three_plane_energy",
    "three_plane_multi_task",
)
NAMES = ("single_plane_cnn", *THREE_PLANES)
SIZES = {"n_conv_layers": 2, "n_filters": 12, "n_dense_layers": 1, "n_dense_units": 32}
each_network = pytest.mark.parametrize("name", NAMES)
each_three_planes = pytest.mark.parametrize("name", THREE_PLANES)


def architecture(name):
    return importlib.import_module(f"electron_direction.models.{name}").ARCHITECTURE


@functools.cache
def untrained(name, head="direction"):
    """A small network that no test changes."""
    return built(name, head)


def built(name, head="direction", shape=SHAPE, **parameters):
    keras.utils.set_random_seed(3)
    declared = architecture(name)
    return declared.build(shape, answers()[head], declared.parameters(**{**SIZES, **parameters}))


def events(model, n=6, seed=4, empty=False):
    """Inputs for the model, tracks of a few pixels and numbers of usual size; or what an event without hits gives."""
    rng = np.random.default_rng(seed)
    batch = {}
    for name, entry in model.input.items():
        drawn = rng.normal(size=(n, *entry.shape[1:]))
        if name not in ("energy", "offsets"):
            drawn = np.where(drawn > 1, 500 * drawn, 0) * (not empty)
        batch[name] = drawn.astype("float32")
    return batch


def outputs_of(model, batch):
    return keras.ops.convert_to_numpy(model(batch, training=False))


def directions(n=6):
    vectors = np.random.default_rng(5).normal(size=(n, 3))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


@pytest.mark.parametrize(
    ("name", "head"), [*((name, "direction") for name in NAMES), *(("three_plane_cnn", each) for each in answers())]
)
def test_outputs_are_those_of_the_answer(name, head):
    model = untrained(name, head)
    outputs = outputs_of(model, events(model))
    assert outputs.shape == (6, len(answers()[head].columns))
    assert outputs.dtype == np.float32
    assert np.all(np.isfinite(outputs))
    assert len(np.unique(outputs, axis=0)) == 6
    if head == "direction":
        np.testing.assert_allclose(np.linalg.norm(outputs, axis=1), 1, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "use_batch_norm"),
    [*((name, False) for name in NAMES), ("three_plane_cnn", True), ("three_plane_residual", True)],
)
def test_a_step_of_training_lowers_the_loss_and_reaches_every_kernel(name, use_batch_norm):
    model = built(name, use_batch_norm=use_batch_norm)
    model.compile(optimizer=keras.optimizers.SGD(1e-3), loss=angular_loss, run_eagerly=True)
    batch, truth = events(model), directions()
    kernels = [weight for weight in model.trainable_weights if weight.name == "kernel"]
    before = [np.array(keras.ops.convert_to_numpy(kernel)) for kernel in kernels]
    losses = [float(model.train_on_batch(batch, truth)) for _ in range(2)]
    assert losses[1] < losses[0]
    after = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
    still = [kernel.path for kernel, old, new in zip(kernels, before, after, strict=True) if np.array_equal(old, new)]
    assert not still


@each_network
def test_events_without_hits_are_no_danger(name):
    """Outputs are finite, and so are the weights after a step along the gradient that these events give."""
    model = built(name, "von_mises_fisher")
    batch = events(model, empty=True)
    assert np.all(np.isfinite(outputs_of(model, batch)))
    before = [weight.copy() for weight in model.get_weights()]
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=von_mises_fisher_loss, run_eagerly=True)
    assert np.isfinite(model.train_on_batch(batch, directions()))
    after = model.get_weights()
    assert all(np.all(np.isfinite(weight)) for weight in after)
    assert any(np.any(old != new) for old, new in zip(before, after, strict=True))


@each_network
def test_a_saved_network_gives_the_same_outputs(name, tmp_path):
    options = {} if name == "single_plane_cnn" else {"use_offsets": True}
    model = built(name, dropout_rate=0.3, use_batch_norm=True, **options)
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
    batch = events(model)
    np.testing.assert_array_equal(outputs_of(again, batch), outputs_of(model, batch))


@each_three_planes
def test_offsets_between_the_planes_are_taken_when_asked_for(name):
    declared = architecture(name)
    without, using = (set(declared.inputs(declared.parameters(use_offsets=use))) for use in (False, True))
    assert without >= {"u", "v", "x"}
    assert using == without | {"offsets"}
    model = built(name, use_offsets=True)
    assert set(model.input) == using
    batch = events(model)
    moved = outputs_of(model, {**batch, "offsets": batch["offsets"] + 1})
    assert not np.allclose(moved, outputs_of(model, batch), atol=1e-4)


@each_three_planes
def test_planes_are_not_interchangeable(name):
    model = untrained(name)
    batch = events(model)
    swapped = {**batch, "u": batch["v"], "v": batch["u"]}
    assert not np.allclose(outputs_of(model, swapped), outputs_of(model, batch), atol=1e-4)


def test_the_energy_is_listened_to():
    model = untrained("three_plane_energy")
    batch = events(model)
    told_more = outputs_of(model, {**batch, "energy": batch["energy"] + 1})
    assert not np.allclose(told_more, outputs_of(model, batch), atol=1e-4)


def test_losses():
    for name in NAMES:
        if name != "three_plane_multi_task":
            assert dict(architecture(name).losses) == loss_parameters("angular")
            assert architecture(name).default_loss == "angular"
    assert list(architecture("three_plane_multi_task").losses) == ["multi_task"]


def yardstick_parameters(n_layers, n_filters, n_units, shape=(128, 32)):
    """Numbers of three branches of 3 x 3 convolutions, two dense layers and the direction, counted by hand."""
    filters = [1, *(n_filters * 2**i for i in range(n_layers))]
    branch = sum(9 * below * above + above for below, above in pairwise(filters))
    flat = 3 * (shape[0] >> n_layers) * (shape[1] >> n_layers) * filters[-1]
    return 3 * branch + (flat + 1) * n_units + (n_units + 1) * n_units + (n_units + 1) * 3


def test_the_default_three_plane_cnn_is_the_yardstick():
    declared = architecture("three_plane_cnn")
    model = declared.build((128, 32, 1), answers()["direction"], declared.parameters())
    assert model.count_params() == yardstick_parameters(4, 64, 256) == 11_007_747


def test_the_older_three_plane_cnn():
    """Three convolutions from 32 filters on images of 128 x 16, as in the reference's first runs."""
    declared = architecture("three_plane_cnn")
    parameters = declared.parameters(n_conv_layers=3, n_filters=32)
    assert declared.check((128, 16, 1), parameters) is None
    model = declared.build((128, 16, 1), answers()["direction"], parameters)
    assert model.count_params() == yardstick_parameters(3, 32, 256, (128, 16))
    assert all(model.input[plane].shape == (None, 128, 16, 1) for plane in "uvx")


@pytest.mark.parametrize(
    ("name", "shape", "parameters", "reason"),
    [
        ("single_plane_cnn", (128, 16, 1), {"n_conv_layers": 5}, "at most 4"),
        ("three_plane_cnn", (128, 32, 1), {"n_conv_layers": 6}, "at most 5"),
        ("three_plane_multi_scale", (128, 32, 1), {"n_conv_layers": 6}, "at most 5"),
        ("three_plane_attention", (128, 32, 1), {"n_conv_layers": 5}, "at most 4"),
        ("three_plane_residual", (128, 32, 1), {"n_conv_layers": 12}, "at most 10"),
        ("three_plane_residual", (128, 32, 1), {"n_conv_layers": 5}, "even, not 5"),
        ("three_plane_cross_attention", (128, 32, 1), {"n_conv_layers": 1}, "larger"),
        ("three_plane_cross_attention", (128, 32, 1), {"n_conv_layers": 6}, "at most 5"),
    ],
)
def test_what_does_not_fit_the_image_is_refused(name, shape, parameters, reason):
    declared = architecture(name)
    assert reason in declared.check(shape, declared.parameters(**parameters))


def filters_of(model, plane):
    return [layer.filters for layer in model.layers if layer.name.startswith(f"{plane}_") and "conv" in layer.name]


def test_attention_branches_differ_in_depth_and_growth():
    model = built("three_plane_attention", shape=(128, 32, 1), n_conv_layers=4, n_filters=8, max_filters=24)
    assert filters_of(model, "u") == [8, 16, 24]
    assert filters_of(model, "v") == [8, 16, 24, 24]
    assert filters_of(model, "x") == [8, 8, 8, 8, 8]


@pytest.mark.parametrize("depth", [2, 3, 4, 5, 6])
def test_attention_keeps_its_memory_however_deep(depth):
    """What the layers put out for an event stays below ten images of the first layer's filters."""
    height, width, n_filters = 128, 128, 8
    model = built("three_plane_attention", shape=(height, width, 1), n_conv_layers=depth, n_filters=n_filters)
    numbers = sum(np.prod(layer.output.shape[1:]) for layer in model.layers)
    assert numbers < 10 * height * width * n_filters
