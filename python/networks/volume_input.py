"""The two ends of a network on volumes: what it takes and sees of them, and the probabilities that a classifier gives."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from python.networks.class_output import class_output
from python.networks.event_inputs import number_features, number_input
from python.networks.image_parameters import SightParameters
from python.networks.inputs import scaled_adc


def volume_inputs(
    names: Sequence[str], input_shape: Sequence[int], n_numbers: int
) -> tuple[list[keras.KerasTensor], list[keras.KerasTensor], keras.KerasTensor | dict[str, keras.KerasTensor]]:
    """Inputs (N, *input_shape) of the images `names` and, where there are any, of numbers (N, n_numbers), of order one.

    Returns the images, the features of the numbers, and what the model takes: one array, or several by name.
    """
    images = [keras.Input(input_shape, name=name) for name in names]
    taken = dict(zip(names, images, strict=True))
    known = []
    if n_numbers:
        taken["numbers"] = number_input(n_numbers)
        known = [number_features(taken["numbers"])]
    return images, known, taken if len(taken) > 1 else images[0]


def seen_part(image: keras.KerasTensor, sight: SightParameters, prefix: str = "") -> keras.KerasTensor:
    """What the network sees of volumes (N, channels, ticks, 1), in their unit.

    A window is cut out of the middle; where it cannot be, the side of low numbers is the shorter one. Coarse pixels at the
    high edges hold what is left when the factor does not divide the side.
    """
    if sight.input_mode == "cropped":
        spare = [outer - inner for outer, inner in zip(image.shape[1:3], sight.crop_shape, strict=True)]
        image = layers.Cropping2D([(each // 2, each - each // 2) for each in spare], name=f"{prefix}cropped")(image)
    elif sight.input_mode == "resized":
        pooling = layers.AveragePooling2D if sight.resize_by == "average" else layers.MaxPooling2D
        image = pooling(sight.resize_factor, padding="same", name=f"{prefix}resized")(image)
    return image


def seen_volume(image: keras.KerasTensor, sight: SightParameters, prefix: str = "") -> keras.KerasTensor:
    """The same of raw ADC, in numbers of order one."""
    return scaled_adc(prefix)(seen_part(image, sight, prefix))


def map_features(maps: keras.KerasTensor, averaged: bool, prefix: str = "") -> keras.KerasTensor:
    """Features (N, n) of the last maps (N, H, W, C): every place by itself, or the mean of each map over all places."""
    if averaged:
        return layers.GlobalAveragePooling2D(name=f"{prefix}mean")(maps)
    return layers.Flatten(name=f"{prefix}flat")(maps)


def class_probabilities(
    features: Sequence[keras.KerasTensor], dense_units: Sequence[int], dropout_rate: float, classes: Sequence[str]
) -> keras.KerasTensor:
    """Dense layers on all `features` (N, n) together, then the probabilities of `classes`."""
    features = layers.Concatenate(name="all_features")(features) if len(features) > 1 else features[0]
    for number, units in enumerate(dense_units, 1):
        features = layers.Dense(units, activation="relu", name=f"dense_{number}")(features)
        if dropout_rate > 0:
            features = layers.Dropout(dropout_rate, name=f"dropout_{number}")(features)
    return class_output(classes)(features)
