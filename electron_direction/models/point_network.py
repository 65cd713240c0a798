"""The project's own network: every trigger primitive around the track as a point, on three planes, in no order.

The direction of an electron shows in more than its track. Its bremsstrahlung, which is forward, leaves faint deposits up to
half a metre away: they tell the head of the track from its tail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from electron_direction.loss_parameters import DIRECTION_LOSSES
from python.config.point_parameters import PointNetworkParameters
from python.config.task_schema import Architecture, InputShape

if TYPE_CHECKING:
    import keras

LOSSES = {
    name: DIRECTION_LOSSES[name] for name in ("two_lobes", *(name for name in DIRECTION_LOSSES if name != "two_lobes"))
}


def inputs(_parameters: PointNetworkParameters) -> tuple[str, ...]:
    return ("points", "energy")


def build(_input_shape: InputShape, head: str, parameters: PointNetworkParameters) -> keras.Model:
    """The network from points (N, max_points, 9) and the log of the energy (N, 1) to the output `head`."""
    import keras  # validating a configuration must not load TensorFlow

    from python.networks.direction_head import direction_head
    from python.networks.event_inputs import event_features, event_input
    from python.networks.point_event import event_of_points, point_input

    points, energy = point_input(parameters), event_input("energy")
    features = event_of_points(points, [event_features(energy, "energy")], parameters)
    return keras.Model({"points": points, "energy": energy}, direction_head(features, head), name="point_network")


ARCHITECTURE = Architecture(parameters=PointNetworkParameters, build=build, losses=LOSSES, inputs=inputs)
