"""Distributions on the sphere, in NumPy: von Mises-Fisher's and what belongs to it. Angles in degrees, densities a steradian."""

from __future__ import annotations

import numpy as np

ONE_SIGMA = 0.6827
LARGEST_KAPPA = 1e6
SMALLEST_KAPPA = 1e-6
_SMALL = 1e-3  # kappa below which its mean length is a third of it
_NEWTON_STEPS = 4
_STEPS = 60  # of a bisection: beyond double precision


def unit(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) along `vectors`, x where one is zero."""
    largest = np.abs(vectors).max(axis=-1, keepdims=True, initial=0)
    there = largest > 0
    scaled = vectors / np.where(there, largest, 1)  # squares of very small numbers vanish
    length = np.linalg.norm(scaled, axis=-1, keepdims=True)
    return np.where(there, scaled / np.where(there, length, 1), [1.0, 0.0, 0.0])


def concentration(mean_length: np.ndarray) -> np.ndarray:
    """kappa of von Mises-Fisher distributions from the mean length R of their unit vectors, the inverse of `mean_length_of`.

    Begins at R (3 - R^2) / (1 - R^2), A. Banerjee et al., J. Mach. Learn. Res. 6 (2005) 1345, eq. 4.4, which is up to 4 % off,
    and goes on by Newton's method.
    """
    length = np.minimum(np.asarray(mean_length, np.float64), 1 - 1e-9)
    kappa = length * (3 - length**2) / (1 - length**2)
    for _ in range(_NEWTON_STEPS):
        found = mean_length_of(kappa)
        slope = np.where(kappa < _SMALL, 1 / 3, 1 - found**2 - 2 * found / np.maximum(kappa, _SMALL))
        kappa = np.maximum(kappa - (found - length) / np.maximum(slope, 1e-18), 0.0)
    return np.minimum(kappa, LARGEST_KAPPA)


def mean_length_of(kappa: np.ndarray) -> np.ndarray:
    """Mean length of the unit vectors of von Mises-Fisher distributions, coth kappa - 1 / kappa, any shape."""
    kappa = np.asarray(kappa, np.float64)
    large = np.maximum(kappa, _SMALL)
    return np.where(kappa < _SMALL, kappa / 3, 1 / np.tanh(large) - 1 / large)


def angle_of_68(kappa: np.ndarray, head_probability: np.ndarray | float = 1.0) -> np.ndarray:
    """Angle (N,) that holds 68.27 % of a von Mises-Fisher distribution, or of two at opposite ends of one axis."""
    kappa = np.clip(np.asarray(kappa, np.float64), SMALLEST_KAPPA, LARGEST_KAPPA)
    low, high = np.full(kappa.shape, -1.0), np.full(kappa.shape, 1.0)
    for _ in range(_STEPS):
        cosine = (low + high) / 2
        share = head_probability * share_within(cosine, kappa) + (1 - head_probability) * (
            1 - share_within(-cosine, kappa)
        )
        too_few = share < ONE_SIGMA
        high, low = np.where(too_few, cosine, high), np.where(too_few, low, cosine)
    return np.degrees(np.arccos(np.clip((low + high) / 2, -1, 1)))


def share_within(cosine: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """Share of a von Mises-Fisher distribution at angles whose cosine is at least `cosine`."""
    return np.expm1(kappa * (cosine - 1)) / np.expm1(-2 * kappa)


# ---------------------------------------------------------------------------- densities
def cosines(vectors: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Cosines (n, m) of the angles between `vectors` (n, 3) and the unit vectors `at`: (m, 3) for all, or (n, m, 3)."""
    axes = unit(np.asarray(vectors, np.float64))
    return axes @ at.T if at.ndim == 2 else np.einsum("nk,nmk->nm", axes, at)


def log_von_mises_fisher(eta: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Log of the density (n, m) of von Mises-Fisher distributions, eta (n, 3) = kappa mu, at the unit vectors `at`.

    kappa / (4 pi sinh kappa) exp(kappa cos), R. A. Fisher, Proc. R. Soc. A 217, 295 (1953); no part of it overflows here.
    """
    length = np.clip(np.linalg.norm(np.asarray(eta, np.float64), axis=1, keepdims=True), SMALLEST_KAPPA, LARGEST_KAPPA)
    mean_exponential = -np.expm1(-2 * length) / (2 * length)
    return -np.log(4 * np.pi * mean_exponential) - length * (1 - cosines(eta, at))


def draw_von_mises_fisher(eta: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Directions (n, size, 3) drawn from von Mises-Fisher distributions, eta (n, 3) = kappa mu."""
    kappa = np.clip(np.linalg.norm(np.asarray(eta, np.float64), axis=1), SMALLEST_KAPPA, LARGEST_KAPPA)[:, None]
    cosine = 1 + np.log1p(rng.random((len(kappa), size)) * np.expm1(-2 * kappa)) / kappa
    return around(unit(np.asarray(eta, np.float64)), cosine, rng.uniform(0, 2 * np.pi, cosine.shape))


def around(axis: np.ndarray, cosine: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """Unit vectors (n, m, 3) at angles from each unit axis (n, 3) whose `cosine` (n, m) is given, at an `azimuth` about it."""
    helper = np.where(np.abs(axis[:, [2]]) < 0.9, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    one = unit(np.cross(axis, helper))
    other = np.cross(axis, one)
    sine = np.sqrt(np.maximum(1 - cosine**2, 0))
    aside = np.cos(azimuth)[..., None] * one[:, None] + np.sin(azimuth)[..., None] * other[:, None]
    return cosine[..., None] * axis[:, None] + sine[..., None] * aside


def logistic(logit: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logit)), which overflows nowhere, and is exact for what is very unlikely."""
    return np.exp(-np.logaddexp(0, -np.asarray(logit, np.float64)))
