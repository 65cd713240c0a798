"""The simple CNN on the volumes of all three planes: each plane read by itself, joined before the dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from channel_tagging.models import simple_cnn
from channel_tagging.network_parameters import PLANES, three_planes
from python.config.task_schema import InputShape
from python.networks.image_parameters import global_pooling

if TYPE_CHECKING:
    import keras


class ThreePlaneCnnParameters(simple_cnn.SimpleCnnParameters):
    global_pooling: bool = global_pooling(True)


def build(input_shape: InputShape, classes: Sequence[str], parameters: ThreePlaneCnnParameters) -> keras.Model:
    """The network from volumes (N, channels, ticks, 1) of U, V and X to the probabilities of `classes`."""
    return simple_cnn.doubling_network("three_plane_cnn", PLANES, input_shape, classes, parameters)


ARCHITECTURE = replace(simple_cnn.ARCHITECTURE, parameters=ThreePlaneCnnParameters, build=build, inputs=three_planes)
