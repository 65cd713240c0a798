"""The three-plane CNN that is also told the energy: the logarithm of the reconstructed energy, never of the true one.

The longer and straighter track of a more energetic electron wants to be read differently, and the energy tells which it is
before the image does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from electron_direction.image_parameters import ThreePlaneParameters, three_plane_inputs
from python.config.task_schema import Architecture, InputShape
from python.directions.find import loss_parameters
from python.networks.image_parameters import KERNEL_SIZE, SPATIAL_DROPOUT
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer


class ThreePlaneEnergyParameters(ThreePlaneParameters):
    kernel_size: int = KERNEL_SIZE
    spatial_dropout: float = SPATIAL_DROPOUT


def inputs(parameters: ThreePlaneEnergyParameters) -> tuple[str, ...]:
    """The names of the inputs: those of the three-plane CNN and the energy."""
    return (*three_plane_inputs(parameters), "energy")


def build(input_shape: InputShape, answer: Answer, parameters: ThreePlaneEnergyParameters) -> keras.Model:
    """The network from images (N, H, W, 1) of the planes and log energies (N, 1) [ln MeV] to the output of `answer`."""
    from python.networks.image_network import Eyes, image_network  # validating a configuration must not load TensorFlow
    from python.networks.plane_branches import doubling_branch

    return image_network(
        "three_plane_energy", inputs(parameters), input_shape, answer, parameters, Eyes(doubling_branch(parameters))
    )


ARCHITECTURE = Architecture(
    parameters=ThreePlaneEnergyParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=pooling_fits,
    inputs=inputs,
)
