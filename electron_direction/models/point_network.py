"""The project's own network: every trigger primitive around the track as a point, on three planes, in no order.

The direction of an electron shows in more than its track. Its bremsstrahlung, which is forward, leaves faint deposits up to
half a metre away: they tell the head of the track from its tail. Each point is told what the planes see at its drift time, then
passes through dense layers; the event is the sum and the largest of what the points say, and every point is read again in the
light of the event. Sets of points were taken in this way by C. R. Qi et al., arXiv:1612.00593.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, Strict

from electron_direction.loss_parameters import DIRECTION_LOSSES
from python.config.task_schema import Architecture, BuildParameters, InputShape

if TYPE_CHECKING:
    import keras

Width = Annotated[float, Field(gt=0, le=100)]
Units = Annotated[int, Field(ge=1, le=8192)]
LOSSES = {
    name: DIRECTION_LOSSES[name] for name in ("two_lobes", *(name for name in DIRECTION_LOSSES if name != "two_lobes"))
}


class PointNetworkParameters(BuildParameters):
    max_points: int = Field(
        64,
        ge=1,
        le=1024,
        description="Points that are read of an event: the track's first, then those with most charge.",
    )
    drift_widths: Annotated[tuple[Width, ...], Strict(False)] = Field(
        (0.25, 1.0),
        description="Distances along the drift, in cm, within which a point sees the charge of all planes; [] for none.",
    )
    n_point_units: int = Field(128, ge=1, le=1024, description="Units of the layers that read each point.")
    n_context_rounds: int = Field(1, ge=0, le=6, description="Times that the points are read again, knowing the event.")
    dense_units: Annotated[tuple[Units, ...], Strict(False)] = Field(
        (256, 128), description="Units of each dense layer between the event and the output."
    )
    dropout_rate: float = Field(0.0, ge=0, lt=1, description="Share of units dropped after each dense layer.")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Learning rate of the first epoch.")
    decay_rate: float = Field(0.8, gt=0, le=1, description="Factor on the learning rate after each epoch.")


def inputs(_parameters: PointNetworkParameters) -> tuple[str, ...]:
    return ("points", "energy")


def build(_input_shape: InputShape, head: str, parameters: PointNetworkParameters) -> keras.Model:
    """The network from points (N, max_points, 9) and the log of the energy (N, 1) to the output `head`."""
    import keras  # validating a configuration must not load TensorFlow
    from keras import layers

    from python.networks.direction_head import direction_head
    from python.networks.event_inputs import event_features, event_input
    from python.networks.point_layers import N_COLUMNS, PointFeatures, PointPool

    units = parameters.n_point_units

    def dense(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return layers.Dense(units, activation="relu", name=name)(features)

    points = keras.Input((parameters.max_points, N_COLUMNS), name="points")
    energy = event_input("energy")
    known = event_features(energy, "energy")
    read = PointFeatures(parameters.drift_widths, name="point_features")(points)
    for number in (1, 2):
        read = dense(read, f"point_{number}")
    for number in range(1, parameters.n_context_rounds + 1):
        event = dense(
            layers.Concatenate(name=f"event_{number}")([PointPool(name=f"pool_{number}")(read, points), known]),
            f"context_{number}",
        )
        spread = layers.Reshape((1, units), name=f"to_points_{number}")(
            layers.Dense(units, name=f"context_{number}_weights")(event)
        )
        mixed = layers.Add(name=f"in_context_{number}")(
            [layers.Dense(units, name=f"point_{number}_weights")(read), spread]
        )
        again = dense(layers.ReLU(name=f"in_context_{number}_relu")(mixed), f"read_again_{number}")
        read = again if number == 1 else layers.Add(name=f"read_{number}")([read, again])
    features = layers.Concatenate(name="event")([PointPool(name="pool")(read, points), known])
    for number, size in enumerate(parameters.dense_units, start=1):
        features = layers.Dense(size, activation="relu", name=f"dense_{number}")(features)
        if parameters.dropout_rate > 0:
            features = layers.Dropout(parameters.dropout_rate, name=f"dropout_{number}")(features)
    return keras.Model({"points": points, "energy": energy}, direction_head(features, head), name="point_network")


ARCHITECTURE = Architecture(parameters=PointNetworkParameters, build=build, losses=LOSSES, inputs=inputs)
