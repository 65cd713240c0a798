"""Places in the argon, and directions: isotropic ones, and ones at a given angle from others."""

from __future__ import annotations

import numpy as np

from python.detector.geometry import DUNE_1X2X2, MAX_X_CM, MAX_Y_CM, WIRE_PLANE_X_CM, Geometry


def uniform_positions(count: int, rng: np.random.Generator, geometry: Geometry = DUNE_1X2X2) -> np.ndarray:
    """Return positions (count, 3) in cm, uniform in the drift volumes on either side of the wires."""
    x = rng.uniform(WIRE_PLANE_X_CM, MAX_X_CM, count) * rng.choice([-1.0, 1.0], count)
    y = rng.uniform(-MAX_Y_CM, MAX_Y_CM, count)
    return np.stack([x, y, rng.uniform(0.0, geometry.max_z_cm, count)], axis=-1)


def isotropic_directions(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return unit vectors (count, 3), uniform on the sphere."""
    return deflect(np.tile([0.0, 0.0, 1.0], (count, 1)), rng.uniform(-1.0, 1.0, count), rng)


def deflect(axis: np.ndarray, cosine: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return unit vectors (N, 3) whose angle to `axis` (N, 3; unit) has the given cosine (N,), at uniform azimuth."""
    azimuth = rng.uniform(0.0, 2.0 * np.pi, len(cosine))
    sine = np.sqrt(np.maximum(1.0 - cosine * cosine, 0.0))
    local = np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=-1)
    return _unit(np.einsum("nij,nj->ni", frames(axis), local))


def rotate(vectors: np.ndarray, start: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return `vectors` (N, 3) after the rotations that take the unit vectors `start` to `target` (both (N, 3))."""
    return np.einsum("nij,nkj,nk->ni", frames(target), frames(start), vectors)


def frames(axis: np.ndarray) -> np.ndarray:
    """Return rotation matrices (N, 3, 3) whose third columns are the unit vectors `axis` (N, 3).

    The two other columns follow Duff et al., J. Computer Graphics Techniques 6 (2017) 1: without a singular direction.
    """
    x, y, z = np.asarray(axis, float).T
    sign = np.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    first = np.stack([1.0 + sign * x * x * a, sign * b, -sign * x], axis=-1)
    second = np.stack([b, sign + y * y * a, -y], axis=-1)
    return np.stack([first, second, np.stack([x, y, z], axis=-1)], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, 3) at unit length, where rounding has moved them off it."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
