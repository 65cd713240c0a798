"""The project's own channel tagger: every trigger primitive within half a metre as a point, those of the main cluster marked.

Photons of a nucleus that calms down leave faint deposits all round the electron's track, bremsstrahlung leaves them ahead of
it. A volume is nearly empty, so a list of its deposits says as much as its quarter of a million pixels, on all planes at once.
What lies further away, such as a photon's cluster, is told in numbers of the other clusters of the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from channel_tagging.network_parameters import CLASSES, LOSSES
from python.config.task_schema import Architecture, ImageKind, InputShape
from python.networks import point_parameters

if TYPE_CHECKING:
    import keras


class PointNetworkParameters(point_parameters.PointNetworkParameters):
    max_points: int = Field(
        96,
        ge=1,
        le=1024,
        description="Points that are read of an event: the main cluster's first, then those with most charge.",
    )
    with_numbers: bool = Field(
        True,
        description="Give the network numbers of the other clusters of the event too: how many, how much energy, the largest "
        "ones and how far they are.",
    )


def inputs(parameters: PointNetworkParameters) -> tuple[str, ...]:
    return ("points", "energy", "numbers") if parameters.with_numbers else ("points", "energy")


def build(_input_shape: InputShape, classes: Sequence[str], parameters: PointNetworkParameters) -> keras.Model:
    """The network from points (N, max_points, 9), the log of the energy (N, 1) and numbers to the probabilities of `classes`."""
    from python.data.neighbours import NAMES  # validating a configuration must not load TensorFlow
    from python.data.point_clouds import POINT_COLUMNS
    from python.networks.point_classifier import point_classifier

    return point_classifier(classes, parameters, len(POINT_COLUMNS), len(NAMES) if parameters.with_numbers else 0)


ARCHITECTURE = Architecture(
    parameters=PointNetworkParameters,
    build=build,
    losses=LOSSES,
    classes=CLASSES,
    inputs=inputs,
    images=ImageKind.VOLUMES,
)
