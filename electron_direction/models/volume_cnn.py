"""The volume of one plane: what lies within half a metre of the track, read by convolutions that double.

Bremsstrahlung leaves its deposits ahead of the electron, mostly outside the image of its cluster: they tell which end of the
track is the head. The reference's version 02.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from electron_direction.image_parameters import ImageParameters
from python.config.task_schema import Architecture, ImageKind, InputShape
from python.directions.find import loss_parameters
from python.networks.image_parameters import (
    KERNEL_SIZE,
    SPATIAL_DROPOUT,
    SightParameters,
    global_pooling,
    seen_shape,
    sight_fits,
)
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer


class VolumeCnnParameters(ImageParameters, SightParameters):
    n_filters: int = Field(32, ge=1, le=1024, description="Filters of the first convolution; they double in each next.")
    kernel_size: int = KERNEL_SIZE
    spatial_dropout: float = SPATIAL_DROPOUT
    use_batch_norm: bool = Field(True, description="Batch normalisation after each convolution.")
    global_pooling: bool = global_pooling(True)
    n_dense_layers: int = Field(1, ge=0, le=8, description="Dense layers between the convolutions and the output.")
    dropout_rate: float = Field(0.3, ge=0, lt=1, description="Share of units dropped after each dense layer.")


def build(input_shape: InputShape, answer: Answer, parameters: VolumeCnnParameters) -> keras.Model:
    """The network from the volume (N, channels, ticks, 1) of one plane to the output of `answer`."""
    return volume_network("volume_cnn", ("image",), input_shape, answer, parameters)


def volume_network(
    name: str, inputs: Sequence[str], input_shape: InputShape, answer: Answer, parameters: VolumeCnnParameters
) -> keras.Model:
    """The network `name` that reads each of the volumes `inputs` with convolutions of its own."""
    from python.networks.image_network import (  # validating a configuration must not load TensorFlow
        Eyes,
        averaged,
        flattened,
        image_network,
    )
    from python.networks.plane_branches import doubling_branch
    from python.networks.volume_input import seen_part

    branch = doubling_branch(parameters)

    def read(volume: keras.KerasTensor, plane: str) -> keras.KerasTensor:
        return branch(seen_part(volume, parameters, f"{plane}_"), plane)

    eyes = Eyes(read, averaged if parameters.global_pooling else flattened)
    return image_network(name, inputs, input_shape, answer, parameters, eyes)


def check(input_shape: InputShape, parameters: VolumeCnnParameters) -> str | None:
    """Why volumes of this shape do not suit the network, or None when they do."""
    return sight_fits(input_shape, parameters) or pooling_fits(seen_shape(input_shape, parameters), parameters)


ARCHITECTURE = Architecture(
    parameters=VolumeCnnParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=check,
    images=ImageKind.VOLUMES,
)
