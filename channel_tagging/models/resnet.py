"""A residual network that reads the whole volume fast: coarse patches first, then stages that halve the image.

A deposit alone says little of the channel; where it lies from the main cluster says more. So a feature of the last stage is to
see the whole volume: the stem joins patches of stem_stride, each stage doubles the step between its pixels, and each
convolution reaches one step further. By default a volume is 52 x 104 patches, and a feature of the last stage, 2 x 4 pixels
with a step of 32, reaches 95 patches to each side: the inner ones see every pixel, the outer ones all but the furthest 7 % of the
ticks. What is left of the places is joined by its mean and its largest, so the image's size sets no number of weights.
(Residual blocks: K. He et al., arXiv:1512.03385.)

The straight way through the blocks is never normalised, so that charge, which measures energy, passes as it is; the second
convolution of a block begins at zero, so that an untrained block passes its input on (H. Zhang et al., arXiv:1901.09321).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, Strict

from channel_tagging.network_parameters import (
    CLASSES,
    LOSSES,
    Filters,
    Units,
    VolumeParameters,
    n_numbers,
    one_plane,
)
from python.config.task_schema import Architecture, ImageKind, InputShape
from python.networks.image_parameters import KERNEL_SIZE, Sides, seen_shape, sight_fits

if TYPE_CHECKING:
    import keras

Normalization = Literal["none", "group", "batch"]


class ResNetParameters(VolumeParameters):
    stem_stride: Sides = Field(
        (4, 12),
        description="Rows and columns of a patch, in pixels of what is seen; the first convolution reads twice as many.",
    )
    filters: Annotated[tuple[Filters, ...], Strict(False), Field(min_length=1)] = Field(
        (32, 48, 64, 96, 128, 128), description="Filters of the stages; each but the first halves height and width."
    )
    n_blocks: int = Field(1, ge=1, le=8, description="Residual blocks of each stage, of two convolutions each.")
    kernel_size: int = KERNEL_SIZE
    normalization: Normalization = Field(
        "batch",
        description="What enters a block is normalised. batch: over the batch; learns fastest, the validation of the first "
        "epochs is unsteady. group: over each image by itself. none: not at all.",
    )
    dense_units: Annotated[tuple[Units, ...], Strict(False)] = Field(
        (64,), description="Units of each dense layer between the stages and the output."
    )


def build(input_shape: InputShape, classes: Sequence[str], parameters: ResNetParameters) -> keras.Model:
    """The network from volumes (N, channels, ticks, 1) to the probabilities of `classes`."""
    import keras  # validating a configuration must not load TensorFlow

    from python.networks.volume_input import class_probabilities, volume_inputs

    (image,), known, taken = volume_inputs(["image"], input_shape, n_numbers(parameters))
    features = volume_features(image, parameters)
    probabilities = class_probabilities([features, *known], parameters.dense_units, parameters.dropout_rate, classes)
    return keras.Model(taken, probabilities, name="resnet")


def volume_features(image: keras.KerasTensor, parameters: ResNetParameters, prefix: str = "") -> keras.KerasTensor:
    """Stem, stages and pooling: features (N, 2 F) of volumes (N, channels, ticks, 1); names of layers begin with `prefix`."""
    from keras import layers

    from python.networks.volume_input import seen_volume

    stem = layers.Conv2D(
        parameters.filters[0],
        [2 * stride for stride in parameters.stem_stride],
        strides=parameters.stem_stride,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=f"{prefix}stem",
    )
    features = stem(seen_volume(image, parameters, prefix))
    for stage, n_filters in enumerate(parameters.filters, 1):
        for block in range(1, parameters.n_blocks + 1):
            step = 2 if block == 1 and stage > 1 else 1
            features = residual_block(features, n_filters, step, parameters, f"{prefix}stage_{stage}_block_{block}")
    mean = layers.GlobalAveragePooling2D(name=f"{prefix}mean")(features)
    largest = layers.GlobalMaxPooling2D(name=f"{prefix}largest")(features)
    return layers.Concatenate(name=f"{prefix}pooled")([mean, largest])


def residual_block(
    features: keras.KerasTensor, n_filters: int, step: int, parameters: ResNetParameters, name: str
) -> keras.KerasTensor:
    """Two convolutions, the first in strides of `step`, added to a straight way: (N, H / step, W / step, n_filters)."""
    from keras import layers

    straight = features
    if step > 1:
        straight = layers.MaxPooling2D(step, padding="same", name=f"{name}_straight_pool")(straight)
    if features.shape[-1] != n_filters:
        straight = layers.Conv2D(n_filters, 1, kernel_initializer="he_normal", name=f"{name}_straight")(straight)
    size = parameters.kernel_size
    bent = normalized(features, parameters.normalization, f"{name}_norm")
    bent = layers.Conv2D(
        n_filters,
        size,
        strides=step,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=f"{name}_first",
    )(bent)
    bent = layers.Conv2D(n_filters, size, padding="same", kernel_initializer="zeros", name=f"{name}_second")(bent)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([straight, bent]))


def normalized(features: keras.KerasTensor, normalization: Normalization, name: str) -> keras.KerasTensor:
    from keras import layers

    if normalization == "group":
        return layers.GroupNormalization(1, name=name)(features)
    if normalization == "batch":
        return layers.BatchNormalization(momentum=0.9, name=name)(features)
    return features


def check(input_shape: InputShape, parameters: ResNetParameters) -> str | None:
    """Why images of this shape do not suit the network, or None when they do."""
    return sight_fits(input_shape, parameters) or _stages_fit(seen_shape(input_shape, parameters), parameters)


def _stages_fit(shape: InputShape, parameters: ResNetParameters) -> str | None:
    height, width = (-(-side // stride) for side, stride in zip(shape[:2], parameters.stem_stride, strict=True))
    halvings = (min(height, width) - 1).bit_length()
    if len(parameters.filters) <= halvings + 1:
        return None
    patches = f"images of {shape[0]} x {shape[1]} are {height} x {width} patches of stem_stride"
    return f"{patches} and can be halved {halvings} times, so filters must name at most {halvings + 1} stages"


ARCHITECTURE = Architecture(
    parameters=ResNetParameters,
    build=build,
    losses=LOSSES,
    classes=CLASSES,
    check=check,
    inputs=one_plane,
    images=ImageKind.VOLUMES,
)
