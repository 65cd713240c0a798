"""The losses that train a direction: their names, their parameters and the output that each of them reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from python.config.task_schema import LossParameters

Weight = Annotated[float, Field(ge=0, le=1000)]
BinWeights = Annotated[tuple[Weight, Weight, Weight], Strict(False)]  # a JSON list becomes a tuple


class AngularParameters(LossParameters):
    """The angle between predicted and true direction has no parameters."""


class CosineSimilarityParameters(LossParameters):
    """One minus the cosine of the angle has no parameters."""


class FocalAngularParameters(LossParameters):
    """The angle times (angle / pi)^gamma: hard examples weigh more."""

    gamma: float = Field(2.0, ge=0, le=10, description="Focus on large angles; 0 is the angular loss.")
    energy_weights: BinWeights | None = Field(
        None,
        description="Factors on the loss of electrons below 20, from 20 to 40 and above 40 MeV of true kinetic energy, "
        "taken as they are; null: no factors.",
    )


class HybridParameters(LossParameters):
    """alpha times the angle plus (1 - alpha) times the mean squared error of the components."""

    alpha: float = Field(0.7, ge=0, le=1, description="Share of the angle; the rest is the mean squared error.")


class UncertaintyAwareParameters(LossParameters):
    """The reference's loss of a direction and its uncertainty has no parameters."""


class VonMisesFisherParameters(LossParameters):
    """The likelihood of one von Mises-Fisher distribution has no parameters."""


class MixtureParameters(LossParameters):
    """The likelihood of an axis and of which end is the head has no parameters."""


class TwoLobesParameters(LossParameters):
    """The likelihood of two von Mises-Fisher lobes, each with a direction and a width of its own, has no parameters."""


class MultiTaskParameters(LossParameters):
    """The angle, and beside it the electron's energy and whether the event is elastic scattering."""

    energy_weight: float = Field(0.1, ge=0, le=1000, description="Weight of the error in the logarithm of the energy.")
    channel_weight: float = Field(0.1, ge=0, le=1000, description="Weight of the cross-entropy of ES against CC.")


# Losses of networks with one aim, the default first.
DIRECTION_LOSSES: dict[str, type[LossParameters]] = {
    "angular": AngularParameters,
    "cosine_similarity": CosineSimilarityParameters,
    "focal_angular": FocalAngularParameters,
    "hybrid": HybridParameters,
    "uncertainty_aware": UncertaintyAwareParameters,
    "von_mises_fisher": VonMisesFisherParameters,
    "mixture": MixtureParameters,
    "two_lobes": TwoLobesParameters,
}

# The layout of a network's output (python/networks/direction_head.py) that a loss reads.
HEAD_OF_LOSS: dict[str, str] = {
    "angular": "direction",
    "cosine_similarity": "direction",
    "focal_angular": "direction",
    "hybrid": "direction",
    "uncertainty_aware": "uncertainty",
    "von_mises_fisher": "von_mises_fisher",
    "mixture": "mixture",
    "two_lobes": "two_lobes",
    "multi_task": "multi_task",
}
