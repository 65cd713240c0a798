"""A branch of convolutions for each plane, then dense layers: the three-plane network of the reference, and its yardstick.

Four convolutions from 64 filters on images of 128 x 32 are the reference's best network, "4Lx64F", with 11.0 M parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from electron_direction.image_parameters import ThreePlaneParameters, three_plane_inputs
from python.config.task_schema import Architecture, InputShape
from python.directions.find import loss_parameters
from python.networks.image_parameters import KERNEL_SIZE, SPATIAL_DROPOUT, global_pooling
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer


class ThreePlaneCnnParameters(ThreePlaneParameters):
    kernel_size: int = KERNEL_SIZE
    spatial_dropout: float = SPATIAL_DROPOUT
    global_pooling: bool = global_pooling(False)


def build(input_shape: InputShape, answer: Answer, parameters: ThreePlaneCnnParameters) -> keras.Model:
    """The network from images (N, H, W, 1) of the planes to the output of `answer`."""
    from python.networks.image_network import (  # validating a configuration must not load TensorFlow
        Eyes,
        averaged,
        flattened,
        image_network,
    )
    from python.networks.plane_branches import doubling_branch

    return image_network(
        "three_plane_cnn",
        three_plane_inputs(parameters),
        input_shape,
        answer,
        parameters,
        Eyes(doubling_branch(parameters), averaged if parameters.global_pooling else flattened),
    )


ARCHITECTURE = Architecture(
    parameters=ThreePlaneCnnParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=pooling_fits,
    inputs=three_plane_inputs,
)
