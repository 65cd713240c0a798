"""The networks on more than the volume of one plane: what they listen to, numbers beside images, sizes, saving."""

import importlib

import keras
import numpy as np
import pytest

from channel_tagging.volume_numbers import NAMES
from python.data import neighbours
from python.networks.inputs import ADC_UNIT
from python.networks.saved import load_network
from tests.point_samples import padded_points

SHAPE = (26, 60, 1)
CLASSES = ("cc", "es")
RESNET = {"filters": [4, 6, 8], "stem_stride": [2, 4], "dense_units": [16], "normalization": "none"}
SIZES = {
    "simple_cnn": {"n_conv_layers": 2, "n_filters": 4, "n_dense_units": 16},
    "deep_cnn": {"filters": [4, 5, 6], "dense_units": [16, 8]},
    "resnet": RESNET,
    "three_plane_resnet": RESNET,
    "point_network": {"max_points": 12, "n_point_units": 16, "dense_units": [16]},
}
PLANES = ("u", "v", "x")
each_network = pytest.mark.parametrize("name", SIZES)


def architecture(name):
    return importlib.import_module(f"channel_tagging.models.{name}").ARCHITECTURE


def built(name, **options):
    keras.utils.set_random_seed(3)
    declared = architecture(name)
    return declared.build(SHAPE, CLASSES, declared.parameters(**{**SIZES[name], **options}))


def samples(names, n=5, seed=4):
    """Inputs of n events, by name."""
    rng = np.random.default_rng(seed)

    def images():
        drawn = rng.normal(size=(n, *SHAPE))
        return np.where(drawn > 1, ADC_UNIT * drawn, 0).astype("float32")

    made = {name: images() for name in ("image", *PLANES)}
    made["points"] = padded_points([12, 9, 5, 3, 1][:n], 12, seed)
    made["energy"] = rng.uniform(1, 4, (n, 1)).astype("float32")
    n_numbers = len(neighbours.NAMES if "points" in names else NAMES)
    made["numbers"] = rng.normal(size=(n, n_numbers)).astype("float32")
    return {name: made[name] for name in names}


def outputs_of(model, batch):
    return keras.ops.convert_to_numpy(model(batch, training=False))


@each_network
def test_the_declared_inputs_are_those_of_the_network(name):
    declared = architecture(name)
    for with_numbers in (False, True):
        model = built(name, with_numbers=with_numbers)
        names = declared.inputs(declared.parameters(with_numbers=with_numbers))
        assert set(names) == ({"image"} if not isinstance(model.input, dict) else set(model.input))
        assert ("numbers" in names) == with_numbers


@each_network
def test_numbers_are_listened_to(name):
    model = built(name, with_numbers=True)
    batch = samples(model.input)
    before = outputs_of(model, batch)
    assert before.shape == (5, 1)
    assert np.all((before > 0) & (before < 1))
    assert np.all(outputs_of(model, {**batch, "numbers": batch["numbers"] + 1}) != before)


@pytest.mark.parametrize("plane", PLANES)
def test_every_plane_is_listened_to_with_weights_of_its_own(plane):
    model = built("three_plane_resnet")
    batch = samples(PLANES)
    before = outputs_of(model, batch)
    assert np.all(outputs_of(model, {**batch, plane: 2 * batch[plane]}) != before)
    alone = built("resnet").count_params()
    last = 16 * 1 + 1
    first_dense_of_one, first_dense_of_three = 2 * 8 * 16 + 16, 3 * 2 * 8 * 16 + 16
    trunk = alone - first_dense_of_one - last
    assert model.count_params() == 3 * trunk + first_dense_of_three + last


def test_three_planes_see_what_one_plane_sees():
    """Each branch is the network of one plane: with the same weights it gives the same features."""
    one = built("resnet", input_mode="cropped", crop_shape=[17, 40])
    three = built("three_plane_resnet", input_mode="cropped", crop_shape=[17, 40])
    batch = samples(PLANES)
    for layer in one.layers:
        if layer.weights and not layer.name.startswith(("dense", "probability")):
            three.get_layer(f"v_{layer.name}").set_weights(layer.get_weights())
    features = keras.Model(one.input, one.get_layer("pooled").output)
    branch = keras.Model(three.input, three.get_layer("v_pooled").output)
    np.testing.assert_allclose(outputs_of(branch, batch), outputs_of(features, batch["v"]), rtol=1e-5, atol=1e-6)


def test_points_have_no_order_and_the_main_cluster_is_marked():
    model = built("point_network")
    batch = samples(model.input)
    before = outputs_of(model, batch)
    np.testing.assert_allclose(outputs_of(model, {**batch, "points": batch["points"][:, ::-1]}), before, rtol=1e-4)
    unmarked = batch["points"].copy()
    unmarked[..., 7] = 0
    marked = np.any(batch["points"][..., 7] > 0, axis=1)
    assert np.array_equal(np.any(outputs_of(model, {**batch, "points": unmarked}) != before, axis=1), marked)


@each_network
def test_a_saved_network_gives_the_same_outputs(name, tmp_path):
    model = built(name, with_numbers=True)
    model.save(tmp_path / "network.keras")
    batch = samples(model.input)
    np.testing.assert_array_equal(outputs_of(load_network(tmp_path / "network.keras"), batch), outputs_of(model, batch))
