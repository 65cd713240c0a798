"""The residual network on the volumes of all three planes: each plane read by itself, joined late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from channel_tagging.models.resnet import ResNetParameters, check, volume_features
from channel_tagging.network_parameters import CLASSES, LOSSES, PLANES, n_numbers, three_planes
from python.config.task_schema import Architecture, ImageKind, InputShape

if TYPE_CHECKING:
    import keras


def build(input_shape: InputShape, classes: Sequence[str], parameters: ResNetParameters) -> keras.Model:
    """The network from volumes (N, channels, ticks, 1) of U, V and X to the probabilities of `classes`."""
    import keras  # validating a configuration must not load TensorFlow

    from python.networks.volume_input import class_probabilities, volume_inputs

    images, known, taken = volume_inputs(PLANES, input_shape, n_numbers(parameters))
    read = [volume_features(image, parameters, f"{name}_") for name, image in zip(PLANES, images, strict=True)]
    probabilities = class_probabilities([*read, *known], parameters.dense_units, parameters.dropout_rate, classes)
    return keras.Model(taken, probabilities, name="three_plane_resnet")


ARCHITECTURE = Architecture(
    parameters=ResNetParameters,
    build=build,
    losses=LOSSES,
    classes=CLASSES,
    check=check,
    inputs=three_planes,
    images=ImageKind.VOLUMES,
)
