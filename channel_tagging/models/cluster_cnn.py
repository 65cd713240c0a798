"""Convolutions with pooling on the image of one cluster, then dense layers: the reference's taggers of clusters, version 73."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, Strict

from channel_tagging.models.deep_cnn import BlockParameters, block_features, blocks_fit
from channel_tagging.network_parameters import CLASSES, LOSSES, Filters, Units
from python.config.task_schema import Architecture, ImageKind, InputShape

if TYPE_CHECKING:
    import keras


class ClusterCnnParameters(BlockParameters):
    filters: Annotated[tuple[Filters, ...], Strict(False), Field(min_length=1)] = Field(
        (32, 64, 64, 128, 256), description="Filters of each block: a convolution and a pooling."
    )
    use_batch_norm: bool = Field(
        True, description="Batch normalisation after each convolution, and before the dense layers."
    )
    dense_units: Annotated[tuple[Units, ...], Strict(False)] = Field(
        (256, 128, 64), description="Units of each dense layer between the convolutions and the output."
    )


def build(input_shape: InputShape, classes: Sequence[str], parameters: ClusterCnnParameters) -> keras.Model:
    """The network from images of clusters (N, ticks, channels, 1) to the probabilities of `classes`."""
    import keras  # validating a configuration must not load TensorFlow
    from keras import layers

    from python.networks.inputs import scaled_adc
    from python.networks.volume_input import class_probabilities

    image = keras.Input(input_shape, name="image")
    features = block_features(scaled_adc()(image), parameters)
    if parameters.use_batch_norm:
        features = layers.BatchNormalization(name="features_norm")(features)
    probabilities = class_probabilities([features], parameters.dense_units, parameters.dropout_rate, classes)
    return keras.Model(image, probabilities, name="cluster_cnn")


ARCHITECTURE = Architecture(
    parameters=ClusterCnnParameters,
    build=build,
    losses=LOSSES,
    classes=CLASSES,
    check=blocks_fit,
    images=ImageKind.CLUSTERS,
)
