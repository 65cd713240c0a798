"""One plane's image alone: the branch of `three_plane_cnn`, so that the two differ by nothing but the planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from electron_direction.image_parameters import ImageParameters
from python.config.task_schema import Architecture, InputShape
from python.directions.find import loss_parameters
from python.networks.image_parameters import KERNEL_SIZE, SPATIAL_DROPOUT
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer


class SinglePlaneCnnParameters(ImageParameters):
    kernel_size: int = KERNEL_SIZE
    spatial_dropout: float = SPATIAL_DROPOUT


def inputs(_parameters: SinglePlaneCnnParameters) -> tuple[str, ...]:
    """The names of the inputs: the image of the plane that the configuration names."""
    return ("image",)


def build(input_shape: InputShape, answer: Answer, parameters: SinglePlaneCnnParameters) -> keras.Model:
    """The network from the image (N, H, W, 1) of one plane to the output of `answer`."""
    from python.networks.image_network import Eyes, image_network  # validating a configuration must not load TensorFlow
    from python.networks.plane_branches import doubling_branch

    return image_network(
        "single_plane_cnn", inputs(parameters), input_shape, answer, parameters, Eyes(doubling_branch(parameters))
    )


ARCHITECTURE = Architecture(
    parameters=SinglePlaneCnnParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=pooling_fits,
    inputs=inputs,
)
