"""An axis, and how likely each of its ends is the head."""

from __future__ import annotations

from typing import Any

import numpy as np

from python.config.task_schema import LossParameters
from python.directions.answer import Answer, Estimates, Loss
from python.directions.lobes import Lobes
from python.directions.sphere import LARGEST_KAPPA, angle_of_68, logistic, unit


class Mixture(Answer):
    """eta = kappa mu, and the logit of the probability w that +mu, not -mu, points along the electron.

    The logit may take either sign, so that mu can stay on one half of the sphere while the head changes ends; starting from a
    positive logit made a worse fit.
    """

    name = "mixture"
    columns = ("eta_x", "eta_y", "eta_z", "head_logit")
    both_ends = True

    def head(self, features: Any) -> Any:
        from python.directions.sphere_ops import beside_each_other, near

        return beside_each_other(self.name, [near(0.0, 3, "eta")(features), near(0.0, 1, "head_logit")(features)])

    def likeliest(self, outputs: Any) -> Any:
        from keras import ops

        return ops.where(outputs[..., 3:] >= 0, outputs[..., :3], -outputs[..., :3])

    def combined(self, outputs: np.ndarray) -> np.ndarray:
        """The ends of the axes, of which neither is first by nature, are brought to one side before they are averaged."""
        side = np.sign(np.sum(outputs[..., :3] * _main_axis(outputs[..., :3])[None], axis=-1, keepdims=True))
        return super().combined(outputs * np.where(side == 0, 1, side))

    def estimates(self, outputs: np.ndarray) -> Estimates:
        forward, kappa = logistic(outputs[:, 3]), np.linalg.norm(outputs[:, :3], axis=1)
        direction = unit(outputs[:, :3]) * np.where(forward >= 0.5, 1, -1)[:, None]
        probability = np.maximum(forward, 1 - forward)
        return Estimates(direction, angle_of_68(kappa, probability), np.minimum(kappa, LARGEST_KAPPA), probability)

    def lobes(self, outputs: np.ndarray) -> Lobes:
        eta, logit = outputs[:, :3], outputs[:, 3]
        return Lobes(np.stack([eta, -eta], axis=1), np.stack([logistic(logit), logistic(-logit)], axis=1))


def _main_axis(vectors: np.ndarray) -> np.ndarray:
    """Unit axis (n, 3) closest to the vectors (K, n, 3), whichever way these point."""
    _, axes = np.linalg.eigh(np.einsum("kni,knj->nij", vectors, vectors))
    return axes[..., -1]


class MixtureParameters(LossParameters):
    """The likelihood of an axis and of which end is the head has no parameters."""


def mixture_loss(y_true: Any, y_pred: Any) -> Any:
    """Negative log likelihood of the truth, per steradian, for "this axis, but I am not sure which end".

    y_pred (N, 4) holds eta = kappa mu and the logit of w; the density is w vMF(mu, kappa) + (1 - w) vMF(-mu, kappa).
    """
    from python.directions.sphere_ops import mixed, von_mises_fisher_of_ends

    return mixed(y_pred[..., 3], *von_mises_fisher_of_ends(y_true, y_pred[..., :3]))


ANSWER = Mixture()
LOSSES = (Loss("mixture", ANSWER, MixtureParameters, mixture_loss),)
