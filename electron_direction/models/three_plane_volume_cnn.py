"""The volumes of all three planes: each plane read by itself, joined before the dense layers. The reference's version 01."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from electron_direction.models import volume_cnn
from python.config.task_schema import InputShape

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer

PLANES = ("u", "v", "x")


class ThreePlaneVolumeCnnParameters(volume_cnn.VolumeCnnParameters):
    n_conv_layers: int = Field(5, ge=1, le=8, description="Convolutions of a plane, each followed by a 2x2 pooling.")
    n_dense_layers: int = Field(2, ge=0, le=8, description="Dense layers between the convolutions and the output.")


def build(input_shape: InputShape, answer: Answer, parameters: ThreePlaneVolumeCnnParameters) -> keras.Model:
    """The network from the volumes (N, channels, ticks, 1) of U, V and X to the output of `answer`."""
    return volume_cnn.volume_network("three_plane_volume_cnn", PLANES, input_shape, answer, parameters)


ARCHITECTURE = replace(
    volume_cnn.ARCHITECTURE,
    parameters=ThreePlaneVolumeCnnParameters,
    build=build,
    inputs=lambda _parameters: PLANES,
)
