"""The networks on volumes: what they see, what they give, sizes, learning, empty volumes, saving, and what does not fit."""

import functools
import importlib
from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.networks.image_parameters import seen_shape
from python.networks.inputs import ADC_UNIT
from python.networks.volume_input import seen_volume

SHAPE = (26, 60, 1)
VOLUME = (208, 1242, 1)
SIZES = {
    "simple_cnn": {"n_conv_layers": 2, "n_filters": 4, "n_dense_units": 16},
    "deep_cnn": {"filters": [4, 5, 6], "dense_units": [16, 8], "learning_rate": 1e-3},
    "resnet": {"filters": [4, 6, 8], "stem_stride": [2, 4], "dense_units": [16], "normalization": "none"},
}
SIGHTS = {
    "full": {},
    "cropped": {"input_mode": "cropped", "crop_shape": [17, 40]},
    "resized": {"input_mode": "resized", "resize_factor": [1, 3]},
}
each_network = pytest.mark.parametrize("name", SIZES)
each_sight = pytest.mark.parametrize("sight", SIGHTS)


def architecture(name):
    return importlib.import_module(f"channel_tagging.models.{name}").ARCHITECTURE


def parameters(name, **options):
    return architecture(name).parameters(**{**SIZES[name], **options})


def built(name, classes=("cc", "es"), shape=SHAPE, **options):
    keras.utils.set_random_seed(3)
    return architecture(name).build(shape, classes, parameters(name, **options))


@functools.cache
def untrained(name, classes=("cc", "es")):
    """A small network that no test changes."""
    return built(name, classes)


def volumes(n=6, shape=SHAPE, seed=4):
    """Volumes (n, *shape) in ADC, a sixth of the pixels hit."""
    drawn = np.random.default_rng(seed).normal(size=(n, *shape))
    return np.where(drawn > 1, ADC_UNIT * drawn, 0).astype("float32")


def outputs_of(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


def seen(images, declared):
    """What a network with these parameters sees of the images."""
    entry = keras.Input(images.shape[1:])
    return outputs_of(keras.Model(entry, seen_volume(entry, declared)), images)


# ---------------------------------------------------------------------------- what they give
@each_network
@pytest.mark.parametrize(("classes", "n_outputs"), [(("cc", "es"), 1), (("cc", "es", "none"), 3)])
def test_probabilities_of_classes(name, classes, n_outputs):
    found = outputs_of(untrained(name, classes), volumes())
    assert found.shape == (6, n_outputs)
    assert found.dtype == np.float32
    assert np.all((found > 0) & (found < 1))
    assert len(np.unique(found[:, 0])) == 6
    if n_outputs == 3:
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


@each_network
def test_classes_and_losses(name):
    declared = architecture(name)
    assert declared.classes == ("cc", "es")
    assert list(declared.losses) == ["binary_crossentropy", "focal"]
    assert not declared.meant_for_search


def test_the_search_is_over_the_simple_network():
    searched, simple = architecture("hyperopt_simple_cnn"), architecture("simple_cnn")
    assert searched.meant_for_search
    assert (searched.build, searched.parameters, searched.check) == (simple.build, simple.parameters, simple.check)


@each_network
@pytest.mark.parametrize("use_batch_norm", [False, True])
def test_two_steps_of_training_lower_the_loss_and_reach_every_kernel(name, use_batch_norm):
    normal = {"simple_cnn": {"use_batch_norm": use_batch_norm}, "resnet": {"normalization": "batch"}}
    model = built(name, dropout_rate=0.0, **(normal.get(name, {}) if use_batch_norm else {}))
    model.compile(optimizer=keras.optimizers.SGD(1e-2), loss="binary_crossentropy", run_eagerly=True)
    images, truth = volumes(), np.array([[0], [1]] * 3)
    kernels = [weight for weight in model.trainable_weights if weight.name == "kernel"]
    before = [np.array(keras.ops.convert_to_numpy(kernel)) for kernel in kernels]
    losses = [float(model.train_on_batch(images, truth)) for _ in range(3)]
    assert losses[2] < losses[0]
    after = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
    assert [kernel.path for kernel, old, new in zip(kernels, before, after, strict=True) if np.all(old == new)] == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("simple_cnn", {"use_batch_norm": True}),
        ("deep_cnn", {}),
        *(("resnet", {"normalization": normalization}) for normalization in ("none", "group", "batch")),
    ],
)
def test_empty_volumes_are_no_danger(name, options):
    """Outputs are finite, and so are the weights after two steps along the gradient that these volumes give."""
    model = built(name, **options)
    empty = np.zeros((4, *SHAPE), "float32")
    assert np.all(np.isfinite(outputs_of(model, empty)))
    before = [weight.copy() for weight in model.get_weights()]
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="binary_crossentropy", run_eagerly=True)
    for _ in range(2):
        assert np.isfinite(model.train_on_batch(empty, np.ones((4, 1))))
    after = model.get_weights()
    assert all(np.all(np.isfinite(weight)) for weight in after)
    assert any(np.any(old != new) for old, new in zip(before, after, strict=True))


@each_network
@each_sight
def test_a_saved_network_gives_the_same_outputs(name, sight, tmp_path):
    normal = {"simple_cnn": {"use_batch_norm": True}, "resnet": {"normalization": "group"}}
    model = built(name, **normal.get(name, {}), **SIGHTS[sight])
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(outputs_of(again, volumes()), outputs_of(model, volumes()))


# ---------------------------------------------------------------------------- sizes, counted by hand
def convolutions(filters, size=3):
    return sum(size**2 * below * above + above for below, above in pairwise((1, *filters)))


def dense(units):
    return sum(below * above + above for below, above in pairwise(units))


def test_parameters_of_the_reference_s_simple_network():
    """Three convolutions from 32 filters, doubling, and 128 units: nearly all weights are those of the first dense layer."""
    simple = architecture("simple_cnn")
    model = simple.build(VOLUME, ("cc", "es"), simple.parameters())
    flat = (208 // 8) * (1242 // 8) * 128
    assert model.count_params() == convolutions((32, 64, 128)) + dense((flat, 128, 1)) == 66_120_449


def test_parameters_of_the_reference_s_deep_network():
    deep = architecture("deep_cnn")
    model = deep.build(VOLUME, ("cc", "es"), deep.parameters())
    flat = (208 // 64) * (1242 // 64) * 48
    filters = (28, 28, 29, 47, 48, 48)
    assert model.count_params() == convolutions(filters) + dense((flat, 96, 32, 1)) == 334_040


def test_parameters_of_the_older_networks_that_averaged_over_the_image():
    """Eight blocks are pooled seven times, as often as 208 channels can be halved; three planes share no convolution."""
    simple = architecture("simple_cnn")
    model = simple.build(VOLUME, ("cc", "es"), simple.parameters(global_pooling=True))
    assert model.count_params() == convolutions((32, 64, 128)) + dense((128, 128, 1))
    filters = (28, 28, 48, 64, 80, 96, 112, 128)
    older = parameters("deep_cnn", filters=filters, pool_last=False, global_pooling=True, dense_units=(256, 128, 64))
    assert architecture("deep_cnn").check(VOLUME, older) is None
    model = architecture("deep_cnn").build(VOLUME, ("cc", "es"), older)
    assert model.count_params() == convolutions(filters) + dense((128, 256, 128, 64, 1))
    assert "at most 8 blocks" in architecture("deep_cnn").check(VOLUME, older.model_copy(update={"filters": (8,) * 9}))
    three = architecture("three_plane_cnn")
    model = three.build(VOLUME, ("cc", "es"), three.parameters())
    assert model.count_params() == 3 * convolutions((32, 64, 128)) + dense((3 * 128, 128, 1))


def test_an_average_over_the_image_does_not_know_where_a_thing_is():
    options = {"global_pooling": True, "n_conv_layers": 1, "kernel_size": 1}
    model, images = built("simple_cnn", **options), volumes()
    np.testing.assert_allclose(outputs_of(model, images), outputs_of(model, images[:, :, ::-1]), rtol=1e-5)
    places = built("simple_cnn", **{**options, "global_pooling": False})
    assert np.all(outputs_of(places, images) != outputs_of(places, images[:, :, ::-1]))


@pytest.mark.parametrize("shape", [SHAPE, VOLUME])
def test_parameters_of_the_residual_network_whatever_the_image(shape):
    model = built("resnet", shape=shape)
    stem = 4 * 8 * 4 + 4
    first = 2 * (9 * 4 * 4 + 4)
    second = (9 * 4 * 6 + 6) + (9 * 6 * 6 + 6) + (4 * 6 + 6)
    third = (9 * 6 * 8 + 8) + (9 * 8 * 8 + 8) + (6 * 8 + 8)
    assert model.count_params() == stem + first + second + third + dense((2 * 8, 16, 1))


def test_parameters_of_normalised_blocks():
    """A gain and an offset for each channel that enters a block; batches keep a mean and a variance too."""
    entering, none = 4 + 4 + 6, built("resnet").count_params()
    assert built("resnet", normalization="group").count_params() == none + 2 * entering
    assert built("resnet", normalization="batch").count_params() == none + 4 * entering


# ---------------------------------------------------------------------------- what they see
@given(
    mode=st.sampled_from(list(SIGHTS)),
    sides=st.tuples(st.integers(4, 30), st.integers(4, 30)),
    smaller=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    resize_by=st.sampled_from(["average", "max"]),
)
def test_the_declared_shape_is_what_is_seen(mode, sides, smaller, resize_by):
    declared = parameters("deep_cnn", input_mode=mode, crop_shape=smaller, resize_factor=smaller, resize_by=resize_by)
    entry = keras.Input((*sides, 1))
    assert seen_volume(entry, declared).shape[1:] == seen_shape((*sides, 1), declared)


def test_a_cropped_input_is_the_middle_of_the_volume():
    images = volumes()
    top, left = (26 - 17) // 2, (60 - 40) // 2
    window = images[:, top : top + 17, left : left + 40]
    np.testing.assert_allclose(seen(images, parameters("resnet", **SIGHTS["cropped"])), window / ADC_UNIT, rtol=1e-6)


def test_a_resized_input_keeps_charge_or_height():
    images = volumes()
    coarse = images.reshape(6, 26, 20, 3, 1)
    for resize_by, joined in (("average", coarse.mean(axis=3)), ("max", coarse.max(axis=3))):
        declared = parameters("resnet", **SIGHTS["resized"], resize_by=resize_by)
        np.testing.assert_allclose(seen(images, declared), joined / ADC_UNIT, rtol=1e-5)


def test_pixels_that_do_not_fill_a_coarse_one_are_not_lost():
    image = np.zeros((1, 7, 10, 1), "float32")
    image[0, -1, -1] = ADC_UNIT
    for resize_by in ("average", "max"):
        declared = parameters("resnet", input_mode="resized", resize_factor=[2, 3], resize_by=resize_by)
        found = seen(image, declared)
        assert found.shape == (1, 4, 4, 1)
        assert found[0, -1, -1, 0] > 0


@each_network
def test_a_cropped_network_is_one_of_the_window(name):
    """The same weights on the window alone give the same; what lies around the window does not matter."""
    cropped = built(name, **SIGHTS["cropped"])
    small = built(name, shape=(17, 40, 1))
    small.set_weights(cropped.get_weights())
    images = volumes()
    found = outputs_of(cropped, images)
    np.testing.assert_allclose(outputs_of(small, images[:, 4:21, 10:50]), found, rtol=1e-5)
    around = images + 9 * ADC_UNIT
    around[:, 4:21, 10:50] = images[:, 4:21, 10:50]
    np.testing.assert_array_equal(outputs_of(cropped, around), found)


def test_charge_in_the_middle_looks_the_same_in_the_window_and_in_the_whole_volume():
    """The largest of each feature is the same, and so is the mean, but for the size of the image."""
    options = {"filters": [4, 6], "stem_stride": [2, 2]}
    whole = built("resnet", shape=(64, 64, 1), **options)
    cropped = built("resnet", shape=(64, 64, 1), input_mode="cropped", crop_shape=[32, 32], **options)
    for model in (whole, cropped):
        model.set_weights([np.abs(weight) * (weight.ndim > 1) for weight in whole.get_weights()])  # no offsets
    image = np.zeros((1, 64, 64, 1), "float32")
    image[:, 30:34, 30:34] = volumes(1, (4, 4, 1))
    (mean, largest), (mean_of_window, largest_of_window) = (
        outputs_of(keras.Model(model.input, [model.get_layer(name).output for name in ("mean", "largest")]), image)
        for model in (whole, cropped)
    )
    assert np.any(largest > 0)
    np.testing.assert_allclose(largest_of_window, largest, rtol=1e-5)
    np.testing.assert_allclose(mean_of_window, 4 * mean, rtol=1e-5)


# ---------------------------------------------------------------------------- the residual network
def all_positive(model):
    """The model with positive kernels and no offsets: whatever reaches a feature makes it larger than 0."""
    model.set_weights([(np.abs(weight) + 0.01) * (weight.ndim > 1) for weight in model.get_weights()])
    return model


def lit_corners():
    """Four volumes, a pixel in one of the corners in each."""
    images = np.zeros((4, *VOLUME), "float32")
    for image, corner in zip(images, [(0, 0), (0, -1), (-1, 0), (-1, -1)], strict=True):
        image[corner] = ADC_UNIT
    return images


def corners_seen(n_stages):
    """Whether each of four corners of a volume reaches each place of the last stage, (4, rows, columns)."""
    model = all_positive(built("resnet", shape=VOLUME, filters=[1] * n_stages, stem_stride=[4, 12]))
    last = keras.Model(model.input, model.get_layer(f"stage_{n_stages}_block_1_relu").output)
    return outputs_of(last, lit_corners())[..., 0] > 0


def test_inner_features_of_the_last_stage_see_the_whole_volume():
    reached = corners_seen(6)
    assert reached.shape == (4, 2, 4)
    assert np.all(reached[:, :, 1:3])


def test_fewer_stages_would_not_do():
    reached = corners_seen(5)
    assert not np.any(np.all(reached, axis=0))


def test_the_probability_depends_on_every_corner():
    model = all_positive(built("resnet", shape=VOLUME, filters=[4] * 6, stem_stride=[4, 12]))
    assert np.all(outputs_of(model, lit_corners()) > outputs_of(model, np.zeros((1, *VOLUME), "float32")))


def test_more_blocks_change_nothing_before_the_training():
    shallow, deep = built("resnet"), built("resnet", n_blocks=3)
    for layer in shallow.layers:
        deep.get_layer(layer.name).set_weights(layer.get_weights())
    assert deep.count_params() > shallow.count_params()
    np.testing.assert_allclose(outputs_of(deep, volumes()), outputs_of(shallow, volumes()), rtol=1e-5)


@pytest.mark.parametrize("normalization", ["none", "group", "batch"])
def test_charge_passes_through_the_straight_way_as_it_is(normalization):
    model = built("resnet", normalization=normalization)
    pooled = keras.Model(model.input, model.get_layer("pooled").output)
    found = outputs_of(pooled, volumes())
    assert np.any(found > 0)
    np.testing.assert_allclose(outputs_of(pooled, 3 * volumes()), 3 * found, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------------------- what does not fit
@each_network
@pytest.mark.parametrize("input_mode", SIGHTS)
def test_defaults_fit_the_usual_volume(name, input_mode):
    declared = architecture(name)
    assert declared.check(VOLUME, declared.parameters(input_mode=input_mode)) is None


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("simple_cnn", {"n_conv_layers": 8}, "208 x 1242 can be halved 7 times, so n_conv_layers must be at most 7"),
        ("simple_cnn", {"n_conv_layers": 6, "input_mode": "resized", "resize_factor": (4, 8)}, "at most 5"),
        ("simple_cnn", {"n_conv_layers": 4, "input_mode": "cropped", "crop_shape": (15, 300)}, "at most 3"),
        (
            "deep_cnn",
            {"filters": [8] * 8},
            "208 x 1242 can be pooled by 2 7 times, so filters must name at most 7 blocks",
        ),
        ("deep_cnn", {"filters": [8] * 5, "pool_size": 3}, "at most 4 blocks"),
        ("resnet", {"filters": [8] * 8}, "52 x 104 patches of stem_stride and can be halved 6 times"),
        ("resnet", {"filters": [8] * 8}, "filters must name at most 7 stages"),
        ("resnet", {"stem_stride": (4, 2000)}, "52 x 1 patches"),
        *(
            (
                name,
                {"input_mode": "cropped", "crop_shape": (209, 600)},
                "crop_shape 209 x 600 is larger than the images",
            )
            for name in SIZES
        ),
        ("resnet", {"input_mode": "resized", "resize_factor": (300, 2)}, "resize_factor 300 x 2 is larger"),
    ],
)
def test_what_does_not_fit_the_volume_is_refused(name, options, reason):
    declared = architecture(name)
    assert reason in declared.check(VOLUME, declared.parameters(**options))


@pytest.mark.parametrize(
    ("name", "key", "most"),
    [
        ("simple_cnn", "n_conv_layers", 4),
        ("deep_cnn", "filters", [2] * 4),
        ("resnet", "filters", [2] * 5),
    ],
)
def test_the_deepest_network_that_is_allowed_can_be_built(name, key, most):
    declared = parameters(name, **{key: most})
    deeper = parameters(name, **{key: most + 1 if key == "n_conv_layers" else [*most, 2]})
    assert architecture(name).check(SHAPE, declared) is None
    assert architecture(name).check(SHAPE, deeper) is not None
    assert architecture(name).build(SHAPE, ("cc", "es"), declared).output.shape == (None, 1)
