"""Invented results of a direction regressor: known smearing, a known share of reversed ends."""

from __future__ import annotations

import numpy as np

from python.metrics.directions import DirectionResults


def unit_vectors(n: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng([seed, 7]).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rotated_by(vectors: np.ndarray, angle_deg: np.ndarray | float) -> np.ndarray:
    """Vectors (N, 3) turned by exactly the angle, about some axis perpendicular to each."""
    other = np.eye(3)[np.argmin(np.abs(vectors), axis=1)]
    side = np.cross(vectors, other)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    angle = np.radians(np.broadcast_to(angle_deg, len(vectors)))[:, None]
    return np.cos(angle) * vectors + np.sin(angle) * side


def direction_results(n: int, seed: int = 0, scale_deg: float = 18.0, uncertainty: bool = True) -> DirectionResults:
    """Angles follow a Rayleigh distribution of scale `scale_deg` (12 MeV / T)^0.7, a tenth of the events is reversed."""
    rng = np.random.default_rng(seed)
    truth = unit_vectors(n, seed)
    energy = rng.uniform(5, 60, n)
    scale = scale_deg * (12 / energy) ** 0.7
    predicted = rotated_by(truth, np.minimum(rng.rayleigh(scale), 180.0))
    predicted *= np.where(rng.random(n) < 0.1, -1, 1)[:, None]
    reconstructed = 0.9 * energy
    face = rng.choice([-1, 1], n)
    return DirectionResults(truth, predicted, face, energy, reconstructed, 1.51 * scale if uncertainty else None)
