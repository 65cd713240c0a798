"""Two lobes of any direction and width, and how likely each is: what the ends of a track look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from python.config.task_schema import LossParameters
from python.directions.answer import Answer, Estimates, Loss, Sharper
from python.directions.sphere import (
    LARGEST_KAPPA,
    ONE_SIGMA,
    SMALLEST_KAPPA,
    around,
    draw_von_mises_fisher,
    log_mixture,
    log_von_mises_fisher,
    logistic,
    unit,
)

FIRST, LOGIT, SECOND = slice(0, 3), 3, slice(4, 7)
_PLACES = 384  # of each lobe
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_EVENTS_AT_A_TIME = 2000


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
        outputs = likelier_first(outputs)
        kappa = np.minimum(np.linalg.norm(outputs[:, FIRST], axis=1), LARGEST_KAPPA)
        angle = angle_of_68_of_lobes(outputs, ONE_SIGMA)
        return Estimates(unit(outputs[:, FIRST]), angle, kappa, logistic(outputs[:, LOGIT]))

    def log_density(self, outputs: np.ndarray, at: np.ndarray) -> np.ndarray:
        first, second = (log_von_mises_fisher(outputs[:, lobe], at) for lobe in (FIRST, SECOND))
        return log_mixture(outputs[:, LOGIT], first, second)

    def sharpness(self, outputs: np.ndarray) -> np.ndarray:
        return np.linalg.norm(likelier_first(outputs)[:, FIRST], axis=1)

    def reshaped(self, outputs: np.ndarray, sharper: Sharper, surer: np.ndarray) -> np.ndarray:
        outputs = np.array(outputs, np.float64)
        for lobe in (FIRST, SECOND):
            outputs[:, lobe] *= sharper(np.linalg.norm(outputs[:, lobe], axis=1))[:, None]
        outputs[:, LOGIT] *= surer
        return outputs

    def draw(self, outputs: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        first, second = (draw_von_mises_fisher(outputs[:, lobe], size, rng) for lobe in (FIRST, SECOND))
        is_first = rng.random((len(outputs), size)) < logistic(outputs[:, LOGIT])[:, None]
        return np.where(is_first[..., None], first, second)


def exchanged(outputs: np.ndarray) -> np.ndarray:
    """The same answers (..., 7) with the lobes named the other way round."""
    return np.concatenate([outputs[..., SECOND], -outputs[..., [LOGIT]], outputs[..., FIRST]], axis=-1)


def likelier_first(outputs: np.ndarray) -> np.ndarray:
    """The same answers (n, 7) with the likelier lobe first."""
    return np.where(outputs[:, [LOGIT]] >= 0, outputs, exchanged(outputs))


def angle_of_68_of_lobes(outputs: np.ndarray, level: float) -> np.ndarray:
    """Angle in degrees (n,) about the first lobe that holds the share `level` of both, by places of equal probability."""
    angles = np.empty(len(outputs))
    for start in range(0, len(outputs), _EVENTS_AT_A_TIME):
        rows = slice(start, start + _EVENTS_AT_A_TIME)
        angles[rows] = _angle_of_level(outputs[rows], level)
    return angles


def _angle_of_level(outputs: np.ndarray, level: float) -> np.ndarray:
    share = logistic(outputs[:, LOGIT])
    centre = unit(outputs[:, FIRST])
    cosines = np.concatenate(
        [(_places(outputs[:, lobe]) @ centre[:, :, None])[..., 0] for lobe in (FIRST, SECOND)], axis=1
    )
    weights = np.repeat(np.stack([share, 1 - share], axis=1) / _PLACES, _PLACES, axis=1)
    order = np.argsort(-cosines, axis=1)
    held = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    place = np.argmax(held >= level, axis=1)
    reached = np.take_along_axis(np.take_along_axis(cosines, order, axis=1), place[:, None], axis=1)[:, 0]
    return np.degrees(np.arccos(np.clip(reached, -1, 1)))


def _places(eta: np.ndarray) -> np.ndarray:
    """Directions (n, PLACES, 3), equally likely under the von Mises-Fisher distribution of each eta (n, 3).

    They wind about the axis by the golden angle, no two at one distance from it: on rings, steps of whole rings would be wrong
    by up to 15 % where the first lobe holds little more than `level`.
    """
    kappa = np.maximum(np.linalg.norm(eta, axis=1), SMALLEST_KAPPA)[:, None]
    middle = (np.arange(_PLACES) + 0.5) / _PLACES
    cosine = 1 + np.log1p(middle * np.expm1(-2 * kappa)) / kappa
    azimuth = np.broadcast_to(_GOLDEN_ANGLE * np.arange(_PLACES), cosine.shape)
    return around(unit(eta), cosine, azimuth)


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
