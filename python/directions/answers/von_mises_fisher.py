"""One lobe on the sphere: a direction and its width, as a von Mises-Fisher distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from python.config.task_schema import LossParameters
from python.directions.answer import Answer, Estimates, Loss
from python.directions.lobes import Lobes
from python.directions.sphere import LARGEST_KAPPA, angle_of_68, unit


class VonMisesFisher(Answer):
    """eta = kappa mu, a vector of any length."""

    name = "von_mises_fisher"
    columns = ("eta_x", "eta_y", "eta_z")

    def head(self, features: Any) -> Any:
        from python.directions.sphere_ops import near

        return near(0.0, 3, "eta")(features)

    def estimates(self, outputs: np.ndarray) -> Estimates:
        kappa = np.linalg.norm(outputs[:, :3], axis=1)
        return Estimates(unit(outputs[:, :3]), angle_of_68(kappa), np.minimum(kappa, LARGEST_KAPPA))

    def lobes(self, outputs: np.ndarray) -> Lobes:
        return Lobes.single(outputs[:, :3])


class VonMisesFisherParameters(LossParameters):
    """The likelihood of one von Mises-Fisher distribution has no parameters."""


def von_mises_fisher_loss(y_true: Any, y_pred: Any) -> Any:
    """Negative log likelihood of the truth, per steradian; y_pred (N, 3) is eta = kappa mu."""
    from python.directions.sphere_ops import von_mises_fisher_of_ends

    return von_mises_fisher_of_ends(y_true, y_pred[..., :3])[0]


ANSWER = VonMisesFisher()
LOSSES = (Loss("von_mises_fisher", ANSWER, VonMisesFisherParameters, von_mises_fisher_loss),)
