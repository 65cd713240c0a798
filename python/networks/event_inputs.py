"""How numbers that are known of an event, beside its images, enter a network."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

N_UNITS = 32
N_NUMBER_UNITS = 64


@dataclass(frozen=True)
class EventInput:
    """Typical value and width of each number of an input, in the input's own units."""

    centre: tuple[float, ...]
    width: tuple[float, ...]


EVENT_INPUTS = {
    # ln of the reconstructed energy [MeV]: electrons of 5 to 30 MeV lie between -1 and 1
    "energy": EventInput((2.5,), (0.9,)),
    # arrival on U and on V minus that on X [cm]; y' by U minus y' by V [cm]: the widths of matched clusters
    "offsets": EventInput((0.0, 0.0, 0.0), (0.4, 0.4, 1.5)),
}


def event_input(name: str) -> keras.KerasTensor:
    """The input `name`, (N, n) float32, as a model takes it: raw, in the units of EVENT_INPUTS."""
    return keras.Input((len(EVENT_INPUTS[name].centre),), name=name)


def event_features(numbers: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """The numbers of the input `name`, brought to order one, as features (N, N_UNITS).

    A dense layer of their own gives them weight beside the thousands of features of the images.
    """
    known = EVENT_INPUTS[name]
    scaled = layers.Rescaling(
        [1 / width for width in known.width],
        [-centre / width for centre, width in zip(known.centre, known.width, strict=True)],
        name=f"scaled_{name}",
    )(numbers)
    return layers.Dense(N_UNITS, activation="relu", name=f"{name}_features")(scaled)


def number_input(n_numbers: int) -> keras.KerasTensor:
    """The input "numbers", (N, n_numbers) float32, which are of order one as they come."""
    return keras.Input((n_numbers,), name="numbers")


def number_features(numbers: keras.KerasTensor) -> keras.KerasTensor:
    """Features of numbers (N, K) of order one: a layer of their own gives them weight beside many features of images."""
    return layers.Dense(N_NUMBER_UNITS, activation="relu", name="numbers_features")(numbers)
