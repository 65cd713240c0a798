"""The frame of every network on images: a branch for each plane, what they say joined, dense layers, the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import keras
from keras import layers

from python.config.task_schema import InputShape
from python.networks.event_inputs import EVENT_INPUTS, event_features, event_input
from python.networks.inputs import ADC_UNIT
from python.networks.plane_branches import Branch


class Output(Protocol):
    """What a network ends with: an answer with a direction, say."""

    def head(self, features: Any) -> Any:
        """The last layers: features (N, F) to outputs (N, C)."""


class DensePart(Protocol):
    @property
    def n_dense_layers(self) -> int: ...
    @property
    def n_dense_units(self) -> int: ...
    @property
    def dropout_rate(self) -> float: ...


def flattened(maps: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
    """All places of all planes side by side, (N, features): nothing of where a feature lies is lost."""
    flat = [layers.Flatten(name=f"{plane}_flat")(features) for plane, features in maps.items()]
    return flat[0] if len(flat) == 1 else layers.Concatenate(name="planes")(flat)


def averaged(maps: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
    """The mean of each map over all its places, (N, features): what is there, and not where."""
    means = [layers.GlobalAveragePooling2D(name=f"{plane}_mean")(features) for plane, features in maps.items()]
    return means[0] if len(means) == 1 else layers.Concatenate(name="planes")(means)


class Eyes(NamedTuple):
    """How images are read: `branch(image, plane)` reads one in units of ADC_UNIT, with weights of its own; `join(maps)` makes
    features (N, n) of what the branches return.
    """

    branch: Branch
    join: Callable[[dict[str, keras.KerasTensor]], keras.KerasTensor] = flattened


def image_network(
    name: str,
    inputs: Sequence[str],
    input_shape: InputShape,
    output: Output,
    parameters: DensePart,
    eyes: Eyes,
) -> keras.Model:
    """The Keras model `name` that takes a dictionary of the `inputs` and gives the `output`.

    Inputs that EVENT_INPUTS knows are numbers of the event, (N, n); all others are images (N, *input_shape) of raw ADC.
    The event's numbers join what the `eyes` see in these before the dense layers.
    """
    taken, maps, numbers = {}, {}, []
    for entry in inputs:
        if entry in EVENT_INPUTS:
            taken[entry] = event_input(entry)
            numbers.append(event_features(taken[entry], entry))
        else:
            taken[entry] = keras.Input(input_shape, name=entry)
            maps[entry] = eyes.branch(layers.Rescaling(1 / ADC_UNIT, name=f"{entry}_scaled")(taken[entry]), entry)
    features = eyes.join(maps)
    if numbers:
        features = layers.Concatenate(name="with_event")([features, *numbers])
    for number in range(1, parameters.n_dense_layers + 1):
        features = layers.Dense(parameters.n_dense_units, activation="relu", name=f"dense_{number}")(features)
        if parameters.dropout_rate > 0:
            features = layers.Dropout(parameters.dropout_rate, name=f"dropout_{number}")(features)
    return keras.Model(taken, output.head(features), name=name)
