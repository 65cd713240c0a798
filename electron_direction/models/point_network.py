"""The project's own network: every trigger primitive around the track as a point, on three planes, in no order.

The direction of an electron shows in more than its track. Its bremsstrahlung, which is forward, leaves faint deposits up to
half a metre away: they tell the head of the track from its tail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python.config.task_schema import Architecture, InputShape
from python.directions.find import loss_parameters
from python.networks.point_parameters import PointNetworkParameters

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer


def inputs(_parameters: PointNetworkParameters) -> tuple[str, ...]:
    return ("points", "energy")


def build(_input_shape: InputShape, answer: Answer, parameters: PointNetworkParameters) -> keras.Model:
    """The network from points (N, max_points, 9) and the log of the energy (N, 1) to the output of `answer`."""
    import keras  # validating a configuration must not load TensorFlow

    from python.networks.event_inputs import event_features, event_input
    from python.networks.point_event import event_of_points, point_input

    points, energy = point_input(parameters), event_input("energy")
    features = event_of_points(points, [event_features(energy, "energy")], parameters)
    return keras.Model({"points": points, "energy": energy}, answer.head(features), name="point_network")


ARCHITECTURE = Architecture(
    parameters=PointNetworkParameters, build=build, losses=loss_parameters(default="two_lobes"), inputs=inputs
)
