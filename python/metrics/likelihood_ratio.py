"""How much likelier a score is for one of two classes than for the other, at the energy of its event.

A classifier's score is the probability of a class among events such as it was trained on: how many there were of each class, at
each energy, is in it. A likelihood ratio is free of that, so it serves for events of any numbers and spectra. It is the score's
logit, bent a little as the validation part asks for, less the logit of the class at that energy whatever the score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from python.general_purpose_libs import DataError

REFERENCE_MEV = 10.0
LEAST_EVENTS = 200  # of each class
STIFFNESS = 1e-3  # of an event's likelihood; keeps classes that do not overlap from steps without end
LOGITS_WITHIN = 12.0


@dataclass(frozen=True, eq=False)
class LikelihoodRatio:
    """`of_score` (7,) and `of_energy` (4,) are coefficients, of polynomials in the logit and the logarithm of the energy, that
    the first is the logit of the second class with, and the second the same without the score. `bounds` (2,) are the logs of the
    lowest and highest energy that was fitted, relative to 10 MeV, beyond which nothing changes."""

    of_score: np.ndarray
    of_energy: np.ndarray
    bounds: np.ndarray

    @classmethod
    def fit(cls, is_second: np.ndarray, score: np.ndarray, energy: np.ndarray) -> Self:
        """From events of known class, bool (N,), the score (N,) of the second class, and reconstructed energies (N,) in MeV.

        Raises DataError where there are too few of a class.
        """
        known = np.isfinite(score) & (energy > 0)
        is_second, score, energy = np.asarray(is_second, bool)[known], score[known], energy[known]
        fewest = min(int(is_second.sum()), int((~is_second).sum()))
        if fewest < LEAST_EVENTS:
            raise DataError(
                f"{fewest} events of a class are too few to tell likelihood ratios from scores by; {LEAST_EVENTS} of each are "
                "needed: give more data, or raise val_fraction"
            )
        bounds = np.quantile(_log_energy(energy), [0.002, 0.998])
        at = np.clip(_log_energy(energy), *bounds)
        with_score, alone = _basis_of_score(logit(score), at), _basis_of_energy(at)
        return cls(_logistic_fit(with_score, is_second), _logistic_fit(alone, is_second), bounds)

    def log_ratio(self, score: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """Log (N,) of how much likelier the scores (N,) are for the second class than for the first, at energies (N,) in MeV."""
        at = np.clip(_log_energy(np.maximum(energy, 1e-3)), *self.bounds)
        return _basis_of_score(logit(score), at) @ self.of_score - _basis_of_energy(at) @ self.of_energy

    def described(self) -> dict[str, Any]:
        """As plain JSON values, see `of`."""
        return {name: getattr(self, name).tolist() for name in ("of_score", "of_energy", "bounds")}

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """What was `described`. Raises ValueError where it is something else."""
        try:
            found = cls(*(np.array(described[name], float) for name in ("of_score", "of_energy", "bounds")))
        except (KeyError, TypeError) as error:
            raise ValueError(f"holds no likelihood ratio ({error})") from error
        if (found.of_score.shape, found.of_energy.shape, found.bounds.shape) != ((7,), (4,), (2,)):
            raise ValueError("holds a likelihood ratio of another release")
        return found


def logit(score: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of probabilities, held within what single precision tells."""
    score = np.clip(np.asarray(score, np.float64), 1e-12, 1 - 1e-12)
    return np.clip(np.log(score) - np.log1p(-score), -LOGITS_WITHIN, LOGITS_WITHIN)


def _log_energy(energy: np.ndarray) -> np.ndarray:
    return np.log(np.asarray(energy, np.float64) / REFERENCE_MEV)


def _basis_of_score(z: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(z), z, e, e * e, z * e, e**3, z * np.abs(z) / LOGITS_WITHIN], axis=1)


def _basis_of_energy(e: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(e), e, e * e, e**3], axis=1)


def _logistic_fit(basis: np.ndarray, is_second: np.ndarray) -> np.ndarray:
    """Coefficients of the likeliest logistic model, by Newton's method."""
    coefficients = np.zeros(basis.shape[1])
    stiff = STIFFNESS * np.eye(basis.shape[1])
    for _ in range(40):
        p = 0.5 * (1 + np.tanh(0.5 * (basis @ coefficients)))
        gradient = basis.T @ (is_second - p) / len(p) - stiff @ coefficients
        curvature = (basis * (p * (1 - p))[:, None]).T @ basis / len(p) + stiff
        step = np.linalg.solve(curvature, gradient)
        coefficients = coefficients + step / max(1.0, float(np.abs(step).max()) / 5)
    return coefficients
