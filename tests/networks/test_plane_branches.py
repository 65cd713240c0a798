"""The blocks of the branches: what reaches how far, and what they reduce to when parts of them are silent."""

import keras
import numpy as np
import pytest

from electron_direction.models.three_plane_cnn import ThreePlaneCnnParameters
from python.networks.plane_branches import doubling_branch, multi_scale_block, pooled_convolution, residual_block

RNG = np.random.default_rng(2)
KERNELS = (3, 5, 7)


def silence(model, *names):
    for layer in model.layers:
        if any(name in layer.name for name in names):
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])


def pooled(image):
    n, height, width, channels = image.shape
    return image.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def test_a_pooled_convolution_takes_the_largest_of_each_two_by_two():
    entry = keras.Input((6, 4, 1))
    model = keras.Model(entry, pooled_convolution(entry, 1, 1, False, "one"))
    model.set_weights([np.full((1, 1, 1, 1), 2.0), np.array([-1.0])])
    image = RNG.normal(size=(2, 6, 4, 1)).astype("float32")
    np.testing.assert_allclose(
        model.predict_on_batch(image), pooled(np.maximum(2 * image - 1, 0)), rtol=1e-5, atol=1e-6
    )


def test_a_residual_block_whose_convolutions_are_silent_passes_the_pooled_input_on():
    entry = keras.Input((6, 4, 3))
    model = keras.Model(entry, residual_block(entry, 3, 3, False, "block"))
    silence(model, "second")
    model.get_layer("block_straight").set_weights([np.eye(3).reshape(1, 1, 3, 3), np.zeros(3)])
    image = RNG.normal(size=(2, 6, 4, 3)).astype("float32")
    np.testing.assert_allclose(model.predict_on_batch(image), np.maximum(pooled(image), 0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_filters", [3, 8, 64])
def test_the_kernels_of_a_multi_scale_block_share_the_filters_out(n_filters):
    entry = keras.Input((8, 8, 12))
    model = keras.Model(entry, multi_scale_block(entry, n_filters, KERNELS, False, "block"))
    shares = [model.get_layer(f"block_conv_{kernel}").filters for kernel in KERNELS]
    assert sum(shares) == n_filters == model.output.shape[-1]
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_each_kernel_of_a_multi_scale_block_sees_as_far_as_it_is_wide(kernel):
    entry = keras.Input((16, 16, 1))
    scales = keras.Model(entry, multi_scale_block(entry, 3, KERNELS, False, "block"))
    branch = keras.Model(entry, scales.get_layer(f"block_conv_{kernel}").output)
    branch.set_weights([np.ones((kernel, kernel, 1, 1)), np.zeros(1)])
    image = np.zeros((1, 16, 16, 1), "float32")
    image[0, 8, 8, 0] = 1.0
    lit = np.argwhere(branch.predict_on_batch(image)[0, :, :, 0])
    assert lit.min() == 8 - kernel // 2
    assert lit.max() == 8 + kernel // 2


def test_three_kernels_cost_what_one_does():
    """The weights of 3, 5 and 7 together are within a tenth of those of one convolution with 3."""
    entry = keras.Input((8, 8, 64))
    together = keras.Model(entry, multi_scale_block(entry, 128, KERNELS, False, "block")).count_params()
    alone = keras.Model(entry, pooled_convolution(entry, 128, 3, False, "one")).count_params()
    assert together == pytest.approx(alone, rel=0.1)


def test_spatial_dropout_takes_whole_maps_away_and_scales_up_the_rest():
    entry = keras.Input((4, 4, 1))
    plain, dropping = (
        keras.Model(
            entry,
            doubling_branch(ThreePlaneCnnParameters(n_conv_layers=1, n_filters=64, spatial_dropout=rate))(entry, "x"),
        )
        for rate in (0.0, 0.5)
    )
    dropping.set_weights(plain.get_weights())
    image = np.abs(RNG.normal(size=(1, 4, 4, 1))).astype("float32")
    whole, left = (np.asarray(model(image, training=True))[0] for model in (plain, dropping))
    kept = np.isclose(left, 2 * whole, rtol=1e-5).all(axis=(0, 1))
    gone = (left == 0).all(axis=(0, 1))
    assert np.all(kept | gone)
    assert 16 < gone.sum() < 64 + 1 - 16
    np.testing.assert_allclose(dropping(image, training=False), plain(image, training=False))
