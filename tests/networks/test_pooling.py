"""Images too small for a network's poolings are refused with the number that would fit."""

from types import SimpleNamespace

import pytest

from python.networks.pooling import pooling_fits


@pytest.mark.parametrize(
    ("shape", "options", "most"),
    [
        ((128, 32, 1), {}, 5),
        ((128, 16, 1), {}, 4),
        ((128, 17, 1), {}, 4),
        ((128, 32, 1), {"further": 1}, 4),
        ((128, 32, 1), {"layers_per_pooling": 2}, 10),
        ((1, 1, 1), {}, 0),
    ],
)
def test_as_many_convolutions_as_the_image_can_be_halved(shape, options, most):
    assert pooling_fits(shape, SimpleNamespace(n_conv_layers=most), **options) is None
    message = pooling_fits(shape, SimpleNamespace(n_conv_layers=most + 1), **options)
    assert f"n_conv_layers must be at most {most}" in message
    assert f"images of {shape[0]} x {shape[1]}" in message
