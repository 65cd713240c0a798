"""Convolutions with pooling, then dense layers: the main-track identifier of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from python.config.schema import BuildParameters, learning_rate
from python.config.task_schema import Architecture, InputShape
from python.networks.classification_losses import CrossEntropyParameters, FocalParameters
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras


class SimpleCnnParameters(BuildParameters):
    n_conv_layers: int = Field(2, ge=1, le=8, description="Convolutions, each followed by a 2x2 pooling.")
    n_filters: int = Field(64, ge=1, le=1024, description="Filters of each convolution.")
    kernel_size: int = Field(3, ge=1, le=15, description="Side of the convolution kernel in pixels.")
    n_dense_layers: int = Field(2, ge=0, le=8, description="Dense layers between the convolutions and the output.")
    n_dense_units: int = Field(128, ge=1, le=8192, description="Units of each dense layer.")
    dropout_rate: float = Field(0.0, ge=0, lt=1, description="Share of units dropped after each dense layer.")
    conv_dropout_rate: float = Field(0.0, ge=0, lt=1, description="Share of values dropped after each pooling.")
    learning_rate: float = learning_rate(1e-4)


def build(input_shape: InputShape, classes: Sequence[str], parameters: SimpleCnnParameters) -> keras.Model:
    """The network from images (N, H, W, 1) to the probabilities of `classes`."""
    import keras  # validating a configuration must not load TensorFlow
    from keras import layers

    from python.networks.class_output import class_output
    from python.networks.inputs import scaled_adc

    model = keras.Sequential([keras.Input(input_shape), scaled_adc()], name="simple_cnn")
    for _ in range(parameters.n_conv_layers):
        model.add(layers.Conv2D(parameters.n_filters, parameters.kernel_size, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
        if parameters.conv_dropout_rate > 0:
            model.add(layers.Dropout(parameters.conv_dropout_rate))
    model.add(layers.Flatten())
    for _ in range(parameters.n_dense_layers):
        model.add(layers.Dense(parameters.n_dense_units, activation="relu"))
        if parameters.dropout_rate > 0:
            model.add(layers.Dropout(parameters.dropout_rate))
    model.add(class_output(classes))
    return model


ARCHITECTURE = Architecture(
    parameters=SimpleCnnParameters,
    build=build,
    losses={"binary_crossentropy": CrossEntropyParameters, "focal": FocalParameters},
    classes=("background", "main_track"),
    check=pooling_fits,
)
