"""Six narrow convolutions with pooling, then two dense layers: the deep channel tagger of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, Strict

from channel_tagging.network_parameters import (
    CLASSES,
    DROPOUT_RATE,
    LOSSES,
    Filters,
    Units,
    VolumeParameters,
    n_numbers,
    one_plane,
)
from python.config.schema import BuildParameters, decay_rate, learning_rate
from python.config.task_schema import Architecture, ImageKind, InputShape
from python.networks.image_parameters import KERNEL_SIZE, global_pooling, seen_shape, sight_fits

if TYPE_CHECKING:
    import keras


class BlockParameters(BuildParameters):
    """Convolutions of named sizes, and dense layers of named sizes."""

    filters: Annotated[tuple[Filters, ...], Strict(False), Field(min_length=1)] = Field(
        (28, 28, 29, 47, 48, 48), description="Filters of each block: a convolution and a pooling."
    )
    kernel_size: int = KERNEL_SIZE
    pool_size: int = Field(2, ge=2, le=15, description="Side of the pooling in pixels.")
    pool_last: bool = Field(True, description="Pool after the last block too.")
    use_batch_norm: bool = Field(False, description="Batch normalisation after each convolution.")
    global_pooling: bool = global_pooling(False)
    dense_units: Annotated[tuple[Units, ...], Strict(False)] = Field(
        (96, 32), description="Units of each dense layer between the convolutions and the output."
    )
    dropout_rate: float = DROPOUT_RATE
    learning_rate: float = learning_rate(1e-4)
    decay_rate: float = decay_rate(1.0)


class DeepCnnParameters(BlockParameters, VolumeParameters):
    pass


def build(input_shape: InputShape, classes: Sequence[str], parameters: DeepCnnParameters) -> keras.Model:
    """The network from volumes (N, channels, ticks, 1) to the probabilities of `classes`."""
    import keras  # validating a configuration must not load TensorFlow

    from python.networks.volume_input import class_probabilities, seen_volume, volume_inputs

    (image,), known, taken = volume_inputs(["image"], input_shape, n_numbers(parameters))
    features = block_features(seen_volume(image, parameters), parameters)
    probabilities = class_probabilities([features, *known], parameters.dense_units, parameters.dropout_rate, classes)
    return keras.Model(taken, probabilities, name="deep_cnn")


def block_features(maps: keras.KerasTensor, parameters: BlockParameters) -> keras.KerasTensor:
    """What the blocks make of maps (N, H, W, C): features (N, n)."""
    from keras import layers

    from python.networks.plane_branches import convolution
    from python.networks.volume_input import map_features

    for number, n_filters in enumerate(parameters.filters, 1):
        name, normal = f"conv_{number}", parameters.use_batch_norm
        maps = convolution(maps, n_filters, parameters.kernel_size, normal, name)
        if number <= _n_poolings(parameters):
            maps = layers.MaxPooling2D(parameters.pool_size, name=f"pool_{number}")(maps)
    return map_features(maps, parameters.global_pooling)


def _n_poolings(parameters: BlockParameters) -> int:
    return len(parameters.filters) - (0 if parameters.pool_last else 1)


def blocks_fit(shape: InputShape, parameters: BlockParameters) -> str | None:
    """Why images of this shape cannot be pooled as often as the blocks do, or None when they can."""
    height, width, _ = shape
    size, most = parameters.pool_size, 0
    while min(height, width) >= size ** (most + 1):
        most += 1
    if _n_poolings(parameters) <= most:
        return None
    pooled = f"images of {height} x {width} can be pooled by {size} {most} times"
    return f"{pooled}, so filters must name at most {most if parameters.pool_last else most + 1} blocks"


def check(input_shape: InputShape, parameters: DeepCnnParameters) -> str | None:
    """Why images of this shape do not suit the network, or None when they do."""
    return sight_fits(input_shape, parameters) or blocks_fit(seen_shape(input_shape, parameters), parameters)


ARCHITECTURE = Architecture(
    parameters=DeepCnnParameters,
    build=build,
    losses=LOSSES,
    classes=CLASSES,
    check=check,
    inputs=one_plane,
    images=ImageKind.VOLUMES,
)
