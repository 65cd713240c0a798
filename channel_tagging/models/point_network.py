"""The project's own channel tagger: every trigger primitive within half a metre as a point, those of the main cluster marked.

Photons of a nucleus that calms down leave faint deposits all round the electron's track, bremsstrahlung leaves them ahead of
it. A volume is nearly empty, so a list of its deposits says as much as its quarter of a million pixels, on all planes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from channel_tagging.network_parameters import CLASSES, LOSSES, NumbersParameters, n_numbers
from python.config.task_schema import Architecture, InputShape
from python.networks import point_parameters

if TYPE_CHECKING:
    import keras


class PointNetworkParameters(point_parameters.PointNetworkParameters, NumbersParameters):
    max_points: int = Field(
        96,
        ge=1,
        le=1024,
        description="Points that are read of an event: the main cluster's first, then those with most charge.",
    )


def inputs(parameters: PointNetworkParameters) -> tuple[str, ...]:
    return ("points", "energy", "numbers") if parameters.with_numbers else ("points", "energy")


def build(_input_shape: InputShape, classes: Sequence[str], parameters: PointNetworkParameters) -> keras.Model:
    """The network from points (N, max_points, 9) and the log of the energy (N, 1) to the probabilities of `classes`."""
    import keras  # validating a configuration must not load TensorFlow

    from python.networks.class_output import class_output
    from python.networks.event_inputs import event_features, event_input, number_features, number_input
    from python.networks.point_event import event_of_points, point_input

    taken = {"points": point_input(parameters), "energy": event_input("energy")}
    known = [event_features(taken["energy"], "energy")]
    if parameters.with_numbers:
        taken["numbers"] = number_input(n_numbers(parameters))
        known.append(number_features(taken["numbers"]))
    features = event_of_points(taken["points"], known, parameters)
    return keras.Model(taken, class_output(classes)(features), name="point_network")


ARCHITECTURE = Architecture(
    parameters=PointNetworkParameters, build=build, losses=LOSSES, classes=CLASSES, inputs=inputs
)
