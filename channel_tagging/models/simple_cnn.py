"""Convolutions with pooling, twice the filters each time, then dense layers: the channel tagger of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from channel_tagging.network_parameters import CLASSES, LOSSES, VolumeParameters, n_numbers, one_plane
from python.config.task_schema import Architecture, ImageKind, InputShape
from python.networks.image_parameters import KERNEL_SIZE, SPATIAL_DROPOUT, global_pooling, seen_shape, sight_fits
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras


class SimpleCnnParameters(VolumeParameters):
    n_conv_layers: int = Field(3, ge=1, le=8, description="Convolutions, each followed by a 2x2 pooling.")
    n_filters: int = Field(32, ge=1, le=1024, description="Filters of the first convolution; they double in each next.")
    kernel_size: int = KERNEL_SIZE
    use_batch_norm: bool = Field(False, description="Batch normalisation after each convolution.")
    spatial_dropout: float = SPATIAL_DROPOUT
    global_pooling: bool = global_pooling(False)
    n_dense_layers: int = Field(1, ge=0, le=8, description="Dense layers between the convolutions and the output.")
    n_dense_units: int = Field(128, ge=1, le=8192, description="Units of each dense layer.")


def build(input_shape: InputShape, classes: Sequence[str], parameters: SimpleCnnParameters) -> keras.Model:
    """The network from volumes (N, channels, ticks, 1) to the probabilities of `classes`."""
    return doubling_network("simple_cnn", ["image"], input_shape, classes, parameters)


def doubling_network(
    name: str, planes: Sequence[str], input_shape: InputShape, classes: Sequence[str], parameters: SimpleCnnParameters
) -> keras.Model:
    """The network `name` that reads the volume of each of `planes` with convolutions of its own."""
    import keras  # validating a configuration must not load TensorFlow

    from python.networks.plane_branches import doubling_branch
    from python.networks.volume_input import class_probabilities, map_features, seen_volume, volume_inputs

    images, known, taken = volume_inputs(planes, input_shape, n_numbers(parameters))
    features, branch = [], doubling_branch(parameters)
    for plane, image in zip(planes, images, strict=True):
        prefix = "" if len(planes) == 1 else f"{plane}_"
        maps = branch(seen_volume(image, parameters, prefix), f"{prefix}volume")
        features.append(map_features(maps, parameters.global_pooling, prefix))
    units = [parameters.n_dense_units] * parameters.n_dense_layers
    probabilities = class_probabilities([*features, *known], units, parameters.dropout_rate, classes)
    return keras.Model(taken, probabilities, name=name)


def check(input_shape: InputShape, parameters: SimpleCnnParameters) -> str | None:
    """Why images of this shape do not suit the network, or None when they do."""
    return sight_fits(input_shape, parameters) or pooling_fits(seen_shape(input_shape, parameters), parameters)


ARCHITECTURE = Architecture(
    parameters=SimpleCnnParameters,
    build=build,
    losses=LOSSES,
    classes=CLASSES,
    check=check,
    inputs=one_plane,
    images=ImageKind.VOLUMES,
)
