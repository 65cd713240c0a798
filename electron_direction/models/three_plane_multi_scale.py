"""Kernels of 3, 5 and 7 pixels side by side in each layer: blobs of charge and the shape of the track at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from electron_direction.image_parameters import ThreePlaneParameters, three_plane_inputs
from python.config.task_schema import Architecture, InputShape
from python.directions.find import loss_parameters
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer

KERNEL_SIZES = (3, 5, 7)


class ThreePlaneMultiScaleParameters(ThreePlaneParameters):
    n_filters: int = Field(
        64,
        ge=3,
        le=1024,
        description="Filters of the first layer, shared out to the kernels; they double in each next.",
    )


def build(input_shape: InputShape, answer: Answer, parameters: ThreePlaneMultiScaleParameters) -> keras.Model:
    """The network from images (N, H, W, 1) of the planes to the output of `answer`."""
    from python.networks.image_network import Eyes, image_network  # validating a configuration must not load TensorFlow
    from python.networks.plane_branches import multi_scale_block

    def branch(image: keras.KerasTensor, plane: str) -> keras.KerasTensor:
        features = image
        for number in range(parameters.n_conv_layers):
            n_filters = parameters.n_filters * 2**number
            features = multi_scale_block(
                features, n_filters, KERNEL_SIZES, parameters.use_batch_norm, f"{plane}_{number + 1}"
            )
        return features

    return image_network(
        "three_plane_multi_scale", three_plane_inputs(parameters), input_shape, answer, parameters, Eyes(branch)
    )


ARCHITECTURE = Architecture(
    parameters=ThreePlaneMultiScaleParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=pooling_fits,
    inputs=three_plane_inputs,
)
