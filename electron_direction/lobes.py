"""Reading the outputs of a network that answers with two lobes: eta_1, the logit of the first, eta_2; see direction_head.py."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

FIRST, LOGIT, SECOND = slice(0, 3), 3, slice(4, 7)
VECTORS = (0, 4)  # where the vectors begin
_PLACES = 384  # of each lobe
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_EVENTS_AT_A_TIME = 2000


def combined_lobes(outputs: np.ndarray) -> np.ndarray:
    """Average the outputs (K, n, 7) of several views or networks into one (n, 7), like lobes with like.

    Neither lobe is first by nature: in each view they are named as they agree best with those of the view that is surest.
    """
    lengths = np.linalg.norm(outputs[..., FIRST], axis=-1) + np.linalg.norm(outputs[..., SECOND], axis=-1)
    surest = np.take_along_axis(outputs, np.argmax(lengths, axis=0)[None, :, None], axis=0)
    straight = np.sum(outputs[..., FIRST] * surest[..., FIRST] + outputs[..., SECOND] * surest[..., SECOND], axis=-1)
    crossed = np.sum(outputs[..., SECOND] * surest[..., FIRST] + outputs[..., FIRST] * surest[..., SECOND], axis=-1)
    return np.where((straight >= crossed)[..., None], outputs, exchanged(outputs)).mean(axis=0)


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
    share = expit(outputs[:, LOGIT])
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
    kappa = np.maximum(np.linalg.norm(eta, axis=1), 1e-6)[:, None]
    middle = (np.arange(_PLACES) + 0.5) / _PLACES
    cosine = 1 + np.log1p(middle * np.expm1(-2 * kappa)) / kappa
    sine = np.sqrt(np.maximum(1 - cosine**2, 0))
    azimuth = _GOLDEN_ANGLE * np.arange(_PLACES)
    axis = unit(eta)
    helper = np.where(np.abs(axis[:, [2]]) < 0.9, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    one = unit(np.cross(axis, helper))
    other = np.cross(axis, one)
    around = np.cos(azimuth)[:, None] * one[:, None] + np.sin(azimuth)[:, None] * other[:, None]
    return cosine[..., None] * axis[:, None] + sine[..., None] * around


def unit(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 3) along `vectors`, x where one is zero."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    there = largest > 0
    scaled = vectors / np.where(there, largest, 1)  # squares of very small numbers vanish
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.where(there, scaled / np.where(there, length, 1), [1.0, 0.0, 0.0])
