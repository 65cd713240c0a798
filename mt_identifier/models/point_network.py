"""The project's own main-track identifier: every trigger primitive around a cluster as a point, and what else its event holds.

A cluster alone hardly tells whether a neutrino made it. What lies around does: bremsstrahlung and the photons of an excited
nucleus are near their electron, a photon's cluster near a larger one, and in an event the main track is the largest of a
neutrino's clusters. Each point is told in which cluster it is: in this one, in another of so much energy, or in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from python.config.task_schema import Architecture, InputShape
from python.networks import point_parameters
from python.networks.classification_losses import CrossEntropyParameters, FocalParameters

if TYPE_CHECKING:
    import keras


class PointNetworkParameters(point_parameters.PointNetworkParameters):
    max_points: int = Field(
        48, ge=1, le=1024, description="Points that are read: the cluster's first, then those around with most charge."
    )
    n_point_units: int = Field(64, ge=1, le=1024, description="Units of the layers that read each point.")
    with_neighbours: bool = Field(
        True,
        description="Give the network numbers of the other clusters of the event too: how many, how much energy, the largest "
        "ones and how far they are.",
    )


def inputs(parameters: PointNetworkParameters) -> tuple[str, ...]:
    return ("points", "energy", "numbers") if parameters.with_neighbours else ("points", "energy")


def build(_input_shape: InputShape, classes: Sequence[str], parameters: PointNetworkParameters) -> keras.Model:
    """The network from points (N, max_points, 10), the log of the energy (N, 1) and numbers to the probabilities of `classes`."""
    from python.data.neighbours import NAMES  # validating a configuration must not load TensorFlow
    from python.data.point_clouds import STORED_COLUMNS
    from python.networks.point_classifier import point_classifier

    n_numbers = len(NAMES) if parameters.with_neighbours else 0
    return point_classifier(classes, parameters, len(STORED_COLUMNS), n_numbers)


ARCHITECTURE = Architecture(
    parameters=PointNetworkParameters,
    build=build,
    losses={"binary_crossentropy": CrossEntropyParameters, "focal": FocalParameters},
    classes=("background", "main_track"),
    inputs=inputs,
)
