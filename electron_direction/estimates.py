"""From the outputs of a direction network to a direction and how sure it is; layouts as in python/networks/direction_head.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from electron_direction.lobes import angle_of_68_of_lobes, combined_lobes, likelier_first, unit

ONE_SIGMA = 0.6827
LARGEST_KAPPA = 1e6
SHORTEST_MEAN = 1e-6
_STEPS = 60  # of a bisection: beyond double precision


@dataclass(frozen=True)
class Estimates:
    """N answers: unit `direction` (N, 3), and where the network tells, the angle `predicted_68_deg` (N,) that holds 68.27 %,
    the concentration `kappa` (N,), and the probability `head_probability` (N,) that the direction is not the opposite one.
    """

    direction: np.ndarray
    predicted_68_deg: np.ndarray | None = None
    kappa: np.ndarray | None = None
    head_probability: np.ndarray | None = None


def combined(outputs: np.ndarray, head: str) -> np.ndarray:
    """Average the outputs (K, n, C) of several views or networks into one (n, C).

    Vectors are averaged, so that the length of a mean of unit vectors tells how far they agree. The ends of a mixture's axes,
    of which neither is first by nature, are brought to one side before, and of two lobes like is averaged with like. Where
    the vectors cancel, the direction is that of the first view, and the length stays near 0: nothing agrees.
    """
    outputs = np.asarray(outputs, np.float64)
    if head == "two_lobes":
        return combined_lobes(outputs)
    if head == "mixture":
        side = np.sign(np.sum(outputs[..., :3] * _main_axis(outputs[..., :3])[None], axis=-1, keepdims=True))
        outputs = outputs * np.where(side == 0, 1, side)
    mean = outputs.mean(axis=0)
    cancelled = np.linalg.norm(mean[:, :3], axis=1) < SHORTEST_MEAN
    mean[cancelled, :3] = SHORTEST_MEAN * outputs[0, cancelled, :3]
    return mean


def _main_axis(vectors: np.ndarray) -> np.ndarray:
    """Unit axis (n, 3) closest to the vectors (K, n, 3), whichever way these point."""
    _, axes = np.linalg.eigh(np.einsum("kni,knj->nij", vectors, vectors))
    return axes[..., -1]


def estimates(outputs: np.ndarray, head: str, spread_counts: bool = False) -> Estimates:
    """Read combined outputs (n, C). With `spread_counts` the length of a mean of unit vectors is taken for their agreement,
    as that of the members of an ensemble; a single unit vector does not tell how sure it is.
    """
    if head == "two_lobes":
        outputs = likelier_first(outputs)
    direction, length = unit(outputs[:, :3]), np.linalg.norm(outputs[:, :3], axis=1)
    if head == "uncertainty":  # the angle is distributed as exp(-angle / sigma^2)
        angle = -np.log(1 - ONE_SIGMA) * np.exp(2 * outputs[:, 3])
        return Estimates(direction, np.minimum(np.degrees(angle), 180.0))
    if head == "von_mises_fisher":
        return Estimates(direction, angle_of_68(length), np.minimum(length, LARGEST_KAPPA))
    if head == "mixture":
        forward = expit(outputs[:, 3])
        direction = np.where(forward[:, None] >= 0.5, direction, -direction)
        probability = np.maximum(forward, 1 - forward)
        return Estimates(direction, angle_of_68(length, probability), np.minimum(length, LARGEST_KAPPA), probability)
    if head == "two_lobes":
        angle = angle_of_68_of_lobes(outputs, ONE_SIGMA)
        return Estimates(direction, angle, np.minimum(length, LARGEST_KAPPA), expit(outputs[:, 3]))
    if spread_counts:
        kappa = concentration(length)
        return Estimates(direction, angle_of_68(kappa), kappa)
    return Estimates(direction)


def angle_of_68(kappa: np.ndarray, head_probability: np.ndarray | float = 1.0) -> np.ndarray:
    """Angle in degrees (N,) that holds 68.27 % of a von Mises-Fisher distribution, or of two at opposite ends of one axis."""
    kappa = np.clip(np.asarray(kappa, np.float64), 1e-6, LARGEST_KAPPA)
    low, high = np.full(kappa.shape, -1.0), np.full(kappa.shape, 1.0)
    for _ in range(_STEPS):
        cosine = (low + high) / 2
        share = head_probability * _share_within(cosine, kappa) + (1 - head_probability) * (
            1 - _share_within(-cosine, kappa)
        )
        too_few = share < ONE_SIGMA
        high, low = np.where(too_few, cosine, high), np.where(too_few, low, cosine)
    return np.degrees(np.arccos(np.clip((low + high) / 2, -1, 1)))


def _share_within(cosine: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """Share of a von Mises-Fisher distribution at angles whose cosine is at least `cosine`."""
    return np.expm1(kappa * (cosine - 1)) / np.expm1(-2 * kappa)


def concentration(mean_length: np.ndarray) -> np.ndarray:
    """kappa of a von Mises-Fisher distribution from the mean length R of its unit vectors: R (3 - R^2) / (1 - R^2).

    Source: A. Banerjee et al., J. Mach. Learn. Res. 6 (2005) 1345, eq. 4.4.
    """
    length = np.minimum(mean_length, 1 - 1e-9)
    return np.minimum(length * (3 - length**2) / (1 - length**2), LARGEST_KAPPA)
