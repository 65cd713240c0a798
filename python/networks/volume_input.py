"""The two ends of a network that classifies volumes: what it sees of them, and the probabilities that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import keras
from keras import layers

from python.networks.class_output import ClassProbabilities
from python.networks.inputs import scaled_adc


class Sight(Protocol):
    input_mode: Literal["full", "cropped", "resized"]
    crop_shape: tuple[int, int]
    resize_factor: tuple[int, int]
    resize_by: Literal["average", "max"]


def seen_volume(image: keras.KerasTensor, sight: Sight) -> keras.KerasTensor:
    """What the network sees of raw ADC (N, channels, ticks, 1), in numbers of order one.

    A window is cut out of the middle; where it cannot be, the side of low numbers is the shorter one. Coarse pixels at the
    high edges hold what is left when the factor does not divide the side.
    """
    if sight.input_mode == "cropped":
        spare = [outer - inner for outer, inner in zip(image.shape[1:3], sight.crop_shape, strict=True)]
        image = layers.Cropping2D([(each // 2, each - each // 2) for each in spare], name="cropped")(image)
    elif sight.input_mode == "resized":
        pooling = layers.AveragePooling2D if sight.resize_by == "average" else layers.MaxPooling2D
        image = pooling(sight.resize_factor, padding="same", name="resized")(image)
    return scaled_adc()(image)


def class_probabilities(
    features: keras.KerasTensor, dense_units: Sequence[int], dropout_rate: float, classes: Sequence[str]
) -> keras.KerasTensor:
    """Dense layers on features (N, n), then the probabilities of `classes`."""
    for number, units in enumerate(dense_units, 1):
        features = layers.Dense(units, activation="relu", name=f"dense_{number}")(features)
        if dropout_rate > 0:
            features = layers.Dropout(dropout_rate, name=f"dropout_{number}")(features)
    return ClassProbabilities(classes, name="probability")(features)
