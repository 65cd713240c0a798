"""Attention in images and across planes, in closed cases."""

import keras
import numpy as np
import pytest

from python.networks.attention import SpatialAttention, attended, encoder_layer

RNG = np.random.default_rng(1)


def test_spatial_attention_weighs_each_place_by_the_mean_and_the_largest_of_its_channels():
    features = RNG.normal(size=(2, 5, 4, 3)).astype("float32")
    layer = SpatialAttention()
    layer.build(features.shape)
    layer.set_weights([np.array([2.0, -1.0]).reshape(1, 1, 2, 1), np.array([0.5])])
    score = 2 * features.mean(axis=-1, keepdims=True) - features.max(axis=-1, keepdims=True) + 0.5
    np.testing.assert_allclose(layer(features), features / (1 + np.exp(-score)), rtol=1e-5, atol=1e-6)


def test_an_encoder_layer_does_not_care_for_the_order_of_tokens():
    entry = keras.Input((6, 8))
    model = keras.Model(entry, encoder_layer(entry, 2, 4, 0.0, "layer"))
    tokens = RNG.normal(size=(3, 6, 8)).astype("float32")
    order = RNG.permutation(6)
    np.testing.assert_allclose(
        model.predict_on_batch(tokens[:, order]), model.predict_on_batch(tokens)[:, order], rtol=1e-4, atol=1e-5
    )


@pytest.fixture(scope="module")
def two_planes():
    maps = {plane: keras.Input((2, 3, 5), name=plane) for plane in ("u", "v")}
    return keras.Model(maps, attended(maps, n_layers=1, n_heads=2, head_units=4, dropout_rate=0.0))


def test_what_is_seen_on_one_plane_reaches_the_tokens_of_the_other(two_planes):
    maps = {plane: RNG.normal(size=(1, 2, 3, 5)).astype("float32") for plane in ("u", "v")}
    before = two_planes.predict_on_batch(maps).reshape(12, 8)
    after = two_planes.predict_on_batch({**maps, "v": -maps["v"]}).reshape(12, 8)
    of_u = np.abs(after - before)[:6].max(axis=1)
    assert np.all(of_u > 1e-3)


def test_places_are_told_apart(two_planes):
    """Without vectors of their own, equal tokens could only become equal features."""
    maps = {plane: np.zeros((1, 2, 3, 5), "float32") for plane in ("u", "v")}
    tokens = two_planes.predict_on_batch(maps).reshape(12, 8)
    assert len(np.unique(tokens.round(4), axis=0)) == 12
