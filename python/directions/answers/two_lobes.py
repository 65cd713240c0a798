"""Two lobes of any direction and width, and how likely each is: what the ends of a track look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from python.config.task_schema import LossParameters
from python.directions.answer import Answer, Estimates, Loss
from python.directions.lobes import Lobes
from python.directions.sphere import ONE_SIGMA, logistic, unit

FIRST, LOGIT, SECOND = slice(0, 3), 3, slice(4, 7)


class TwoLobes(Answer):
    """eta_1, the logit of the probability of the first lobe, eta_2."""

    name = "two_lobes"
    columns = ("eta_1_x", "eta_1_y", "eta_1_z", "first_logit", "eta_2_x", "eta_2_y", "eta_2_z")
    vectors = (FIRST.start, SECOND.start)

    def head(self, features: Any) -> Any:
        from python.directions.sphere_ops import near

        return near(0.0, len(self.columns), self.name)(features)

    def likeliest(self, outputs: Any) -> Any:
        from keras import ops

        return ops.where(outputs[..., LOGIT : LOGIT + 1] >= 0, outputs[..., FIRST], outputs[..., SECOND])

    def combined(self, outputs: np.ndarray) -> np.ndarray:
        """Like is averaged with like.

        Neither lobe is first by nature: in each view they are named as they agree best with those of the view that is surest.
        """
        outputs = np.asarray(outputs, np.float64)
        lengths = np.linalg.norm(outputs[..., FIRST], axis=-1) + np.linalg.norm(outputs[..., SECOND], axis=-1)
        surest = np.take_along_axis(outputs, np.argmax(lengths, axis=0)[None, :, None], axis=0)
        straight = np.sum(
            outputs[..., FIRST] * surest[..., FIRST] + outputs[..., SECOND] * surest[..., SECOND], axis=-1
        )
        crossed = np.sum(outputs[..., SECOND] * surest[..., FIRST] + outputs[..., FIRST] * surest[..., SECOND], axis=-1)
        return np.where((straight >= crossed)[..., None], outputs, exchanged(outputs)).mean(axis=0)

    def estimates(self, outputs: np.ndarray) -> Estimates:
        lobes = self.lobes(outputs)
        direction = unit(np.where(outputs[:, [LOGIT]] >= 0, outputs[:, FIRST], outputs[:, SECOND]))
        probability = lobes.probability.max(axis=1)
        return Estimates(
            direction, lobes.angle_about(direction, ONE_SIGMA), lobes.of_likeliest(lobes.kappa), probability
        )

    def lobes(self, outputs: np.ndarray) -> Lobes:
        logit = outputs[:, LOGIT]
        eta = np.stack([outputs[:, FIRST], outputs[:, SECOND]], axis=1)
        return Lobes(eta, np.stack([logistic(logit), logistic(-logit)], axis=1))


def exchanged(outputs: np.ndarray) -> np.ndarray:
    """The same answers (..., 7) with the lobes named the other way round."""
    return np.concatenate([outputs[..., SECOND], -outputs[..., [LOGIT]], outputs[..., FIRST]], axis=-1)


class TwoLobesParameters(LossParameters):
    """The likelihood of two von Mises-Fisher lobes, each with a direction and a width of its own, has no parameters."""


def two_lobes_loss(y_true: Any, y_pred: Any) -> Any:
    """Negative log likelihood of the truth, per steradian, for two lobes of any direction and width; y_pred is (N, 7).

    The density is w vMF(eta_1) + (1 - w) vMF(eta_2). Where an electron begins at the far end of its track, its first direction
    is not that of the near end turned round, since it has scattered between: the second lobe is not opposite to the first,
    and is wider or narrower.
    """
    from python.directions.sphere_ops import mixed, von_mises_fisher_of_ends

    first, second = (von_mises_fisher_of_ends(y_true, y_pred[..., lobe])[0] for lobe in (FIRST, SECOND))
    return mixed(y_pred[..., LOGIT], first, second)


ANSWER = TwoLobes()
LOSSES = (Loss("two_lobes", ANSWER, TwoLobesParameters, two_lobes_loss),)
