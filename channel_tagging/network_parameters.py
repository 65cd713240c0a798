"""What the channel taggers have in common: classes, losses, what they take, and the rates of their training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from python.config.schema import decay_rate
from python.config.task_schema import LossParameters
from python.networks.classification_losses import CrossEntropyParameters, FocalParameters
from python.networks.image_parameters import SightParameters

CLASSES = ("cc", "es")
PLANES = ("u", "v", "x")
LOSSES: Mapping[str, type[LossParameters]] = {"binary_crossentropy": CrossEntropyParameters, "focal": FocalParameters}
DROPOUT_RATE = Field(0.3, ge=0, lt=1, description="Share of units dropped after each dense layer.")
Filters = Annotated[int, Field(ge=1, le=1024)]
Units = Annotated[int, Field(ge=1, le=8192)]


class VolumeParameters(SightParameters):
    with_numbers: bool = Field(
        False,
        description="Give the network reconstructed numbers too: how many clusters there are, the energies in and around the "
        "main one, the distances of the others.",
    )
    dropout_rate: float = DROPOUT_RATE
    decay_rate: float = decay_rate(1.0)


def n_numbers(parameters: VolumeParameters) -> int:
    """How many reconstructed numbers the network takes."""
    from channel_tagging.volume_numbers import NAMES  # scikit-learn, which is there too, loads slowly

    return len(NAMES) if parameters.with_numbers else 0


def one_plane(parameters: VolumeParameters) -> tuple[str, ...]:
    """What a network on the volumes of one plane takes."""
    return ("image", "numbers") if parameters.with_numbers else ("image",)


def three_planes(parameters: VolumeParameters) -> tuple[str, ...]:
    """What a network on the volumes of all planes takes."""
    return (*PLANES, "numbers") if parameters.with_numbers else PLANES
