"""Directions without a network: the energy-weighted principal axis of the points of three planes, and the side of the blips.

Points are in the drift frame: each plane sees the drift coordinate x' and one coordinate across its wires,

    across_U = cos(a) z' - sin(a) y',   across_V = cos(a) z' + sin(a) y',   across_X = z',   a = 35.71 degrees,

so that means and covariances of (x', across) are linear in the mean and the covariance of (x', y', z'), which follow by least
squares over the planes that have points (the smallest solution where too few have).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from python.detector.geometry import PLANES, WIRE_ANGLE_DEG

_COS, _SIN = np.cos(np.radians(WIRE_ANGLE_DEG)), np.sin(np.radians(WIRE_ANGLE_DEG))
ACROSS_Y = np.array([-_SIN, _SIN, 0.0])  # share of y' in the coordinate across the wires of U, V, X
ACROSS_Z = np.array([_COS, _COS, 1.0])  # share of z'
_ELEMENTS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # of the symmetric 3 x 3 covariance
_ROUNDING_CM2 = 1e-12


def project(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drift component (...,) and components across the wires of U, V and X (..., 3) of vectors (..., 3), drift frame."""
    direction = np.asarray(direction)
    return direction[..., 0], direction[..., 1, None] * ACROSS_Y + direction[..., 2, None] * ACROSS_Z


class PlanePoints(NamedTuple):
    """What the planes see of events, (P,): `plane` 0 U, 1 V, 2 X; `across_cm` and `drift_cm`, in each event relative to any one
    place; `weight` the charge; `owner` the number of the event.
    """

    plane: np.ndarray
    across_cm: np.ndarray
    drift_cm: np.ndarray
    weight: np.ndarray
    owner: np.ndarray

    def take(self, rows: np.ndarray) -> PlanePoints:
        return PlanePoints(*(column[rows] for column in self))


def principal_axis(points: PlanePoints, n: int) -> np.ndarray:
    """Unit axes (n, 3) along which the charge of each of `n` events spreads most; NaN for events without spread.

    The sign of an axis is arbitrary: see `point_along`.
    """
    plane, across_cm, drift_cm, weight, owner = points
    total, (drift, across) = _plane_means(plane, (drift_cm, across_cm), weight, owner, n)
    slot = owner * len(PLANES) + plane
    deviations = (drift_cm - drift.ravel()[slot], across_cm - across.ravel()[slot])
    products = [deviations[i] * deviations[j] for i, j in ((0, 0), (0, 1), (1, 1))]
    _, moments = _plane_means(plane, products, weight, owner, n)
    measured = np.stack(moments, axis=-1).reshape(n, 3 * len(PLANES))  # three moments of U, of V, of X
    elements = _least_squares(_moments_of_covariance(), measured, total > 0)
    covariance = np.empty((n, 3, 3))
    for element, (i, j) in enumerate(_ELEMENTS):
        covariance[:, i, j] = covariance[:, j, i] = elements[:, element]
    spread, axes = np.linalg.eigh(covariance)
    return np.where(spread[:, -1:] > _ROUNDING_CM2, axes[:, :, -1], np.nan)


def towards_blips(points: PlanePoints, in_cluster: np.ndarray, n: int) -> np.ndarray:
    """Vectors (n, 3) in cm from the charge of the main cluster to that of the other points; 0 where a side has none.

    Bremsstrahlung goes forward, so the track's head points to what lies outside the cluster. `in_cluster` (P,) marks the points
    of the main cluster of each plane. Planes that lack either side are left out.
    """
    plane, across_cm, drift_cm, weight, owner = points
    inside = np.asarray(in_cluster).astype(bool)
    coordinates = (np.asarray(drift_cm, float), np.asarray(across_cm, float))
    main, main_mean = _plane_means(plane, coordinates, np.where(inside, weight, 0.0), owner, n)
    rest, rest_mean = _plane_means(plane, coordinates, np.where(inside, 0.0, weight), owner, n)
    difference = np.stack([there - here for there, here in zip(rest_mean, main_mean, strict=True)], axis=-1)
    coefficients = np.zeros((len(PLANES), 2, 3))
    coefficients[:, 0, 0] = 1
    coefficients[:, 1, 1], coefficients[:, 1, 2] = ACROSS_Y, ACROSS_Z
    return _least_squares(coefficients, difference.reshape(n, 2 * len(PLANES)), (main > 0) & (rest > 0))


def point_along(axes: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """`axes` (n, 3) turned to the side of `towards` (n, 3), of any length; left as they are where that is 0.

    `towards` is the vector of `towards_blips`, or the true direction for a baseline whose head and tail are known.
    """
    return np.where(np.sum(axes * towards, axis=1, keepdims=True) < 0, -axes, axes)


def _plane_means(
    plane: np.ndarray,
    quantities: tuple[np.ndarray, ...] | list[np.ndarray],
    weight: np.ndarray,
    owner: np.ndarray,
    n: int,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Total weight (n, 3) of each event and plane, and the weighted means (n, 3) of quantities (P,); 0 where there is none."""
    slot, slots = owner * len(PLANES) + plane, n * len(PLANES)
    total = np.bincount(slot, weights=weight, minlength=slots)
    means = [
        np.bincount(slot, weights=weight * values, minlength=slots) / np.where(total > 0, total, 1)
        for values in quantities
    ]
    return total.reshape(n, len(PLANES)), [mean.reshape(n, len(PLANES)) for mean in means]


def _moments_of_covariance() -> np.ndarray:
    """Coefficients (3 planes, 3 moments, 6 elements) of cov(x', x'), cov(x', across), cov(across, across)."""
    coefficients = np.zeros((len(PLANES), 3, len(_ELEMENTS)))
    coefficients[:, 0, 0] = 1
    coefficients[:, 1, 1], coefficients[:, 1, 2] = ACROSS_Y, ACROSS_Z
    coefficients[:, 2, 3], coefficients[:, 2, 4], coefficients[:, 2, 5] = (
        ACROSS_Y**2,
        2 * ACROSS_Y * ACROSS_Z,
        ACROSS_Z**2,
    )
    return coefficients


def _least_squares(coefficients: np.ndarray, measured: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Solve coefficients (3, m, k) for the measured (n, 3 m) over the planes marked (n, 3): (n, k), 0 without any."""
    solution = np.zeros((len(measured), coefficients.shape[2]))
    pattern = present @ (1, 2, 4)
    for number in np.unique(pattern[pattern > 0]):
        rows = pattern == number
        used = (number & np.array([1, 2, 4]) > 0)[:, None, None]
        inverse = np.linalg.pinv((coefficients * used).reshape(-1, coefficients.shape[2]))
        solution[rows] = measured[rows] @ inverse.T
    return solution
