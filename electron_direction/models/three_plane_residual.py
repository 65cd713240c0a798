"""Residual blocks of two convolutions for each plane: deeper than the three-plane CNN at 1.2 times its operations."""

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


class ThreePlaneResidualParameters(ThreePlaneParameters):
    n_conv_layers: int = Field(
        6, ge=2, le=16, description="Convolutions of a plane; every two make a residual block with a 2x2 pooling."
    )
    n_filters: int = Field(64, ge=1, le=1024, description="Filters of the first block; they double in each next.")
    kernel_size: int = KERNEL_SIZE


def check(input_shape: InputShape, parameters: ThreePlaneResidualParameters) -> str | None:
    """Why the convolutions make no whole blocks or more blocks than the image can be halved; None when they fit."""
    if parameters.n_conv_layers % 2:
        return f"every two convolutions make a residual block, so n_conv_layers must be even, not {parameters.n_conv_layers}"
    return pooling_fits(input_shape, parameters, layers_per_pooling=2)


def build(input_shape: InputShape, answer: Answer, parameters: ThreePlaneResidualParameters) -> keras.Model:
    """The network from images (N, H, W, 1) of the planes to the output of `answer`."""
    from python.networks.image_network import Eyes, image_network  # validating a configuration must not load TensorFlow
    from python.networks.plane_branches import residual_block

    def branch(image: keras.KerasTensor, plane: str) -> keras.KerasTensor:
        features = image
        for block in range(parameters.n_conv_layers // 2):
            n_filters = parameters.n_filters * 2**block
            features = residual_block(
                features, n_filters, parameters.kernel_size, parameters.use_batch_norm, f"{plane}_block{block + 1}"
            )
        return features

    return image_network(
        "three_plane_residual", three_plane_inputs(parameters), input_shape, answer, parameters, Eyes(branch)
    )


ARCHITECTURE = Architecture(
    parameters=ThreePlaneResidualParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=check,
    inputs=three_plane_inputs,
)
