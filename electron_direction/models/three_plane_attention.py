"""Branches that differ in depth and growth of filters, with spatial attention: the reference's attempt at diverse views.

U has one convolution less and V as many as asked for, X one more; their filters double, grow by the first number, and stay.

The reference's network ran out of 24 GB. Memory is bounded here for any depth: a pooling follows each convolution before
the attention sees it, so that with filters that double at most, layer i keeps (1/2)^i of the first one's numbers, and a
branch less than twice the first layer's; filters stop growing at `max_filters`; and an image too small for the poolings is
refused rather than kept at full size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from electron_direction.image_parameters import ThreePlaneParameters, three_plane_inputs
from python.config.task_schema import Architecture, InputShape
from python.directions.find import loss_parameters
from python.networks.image_parameters import KERNEL_SIZE
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer


class ThreePlaneAttentionParameters(ThreePlaneParameters):
    n_conv_layers: int = Field(
        4, ge=2, le=8, description="Convolutions of V, each followed by a 2x2 pooling; U has one less, X one more."
    )
    n_filters: int = Field(
        64,
        ge=1,
        le=1024,
        description="Filters of the first convolution; they double on U, grow evenly on V, stay on X.",
    )
    max_filters: int = Field(512, ge=1, le=4096, description="Filters of a convolution grow no further than this.")
    kernel_size: int = KERNEL_SIZE


def filters(plane: str, parameters: ThreePlaneAttentionParameters) -> list[int]:
    """Filters of each convolution of the plane's branch."""
    first, depth = parameters.n_filters, parameters.n_conv_layers
    grown = {
        "u": [first * 2**number for number in range(depth - 1)],
        "v": [first * (number + 1) for number in range(depth)],
        "x": [first] * (depth + 1),
    }
    return [min(each, parameters.max_filters) for each in grown[plane]]


def check(input_shape: InputShape, parameters: ThreePlaneAttentionParameters) -> str | None:
    """Why the image is too small for the poolings of X, or None when it is not."""
    return pooling_fits(input_shape, parameters, further=1)


def build(input_shape: InputShape, answer: Answer, parameters: ThreePlaneAttentionParameters) -> keras.Model:
    """The network from images (N, H, W, 1) of the planes to the output of `answer`."""
    from python.networks.attention import SpatialAttention  # validating a configuration must not load TensorFlow
    from python.networks.image_network import Eyes, image_network
    from python.networks.plane_branches import pooled_convolution

    def branch(image: keras.KerasTensor, plane: str) -> keras.KerasTensor:
        features = image
        for number, n_filters in enumerate(filters(plane, parameters), start=1):
            features = pooled_convolution(
                features, n_filters, parameters.kernel_size, parameters.use_batch_norm, f"{plane}_{number}"
            )
            features = SpatialAttention(name=f"{plane}_{number}_attention")(features)
        return features

    return image_network(
        "three_plane_attention", three_plane_inputs(parameters), input_shape, answer, parameters, Eyes(branch)
    )


ARCHITECTURE = Architecture(
    parameters=ThreePlaneAttentionParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=check,
    inputs=three_plane_inputs,
)
