"""How much likelier a score is for one of two classes than for the other, at the energy of its event.

A classifier's score is the probability of a class among events such as it was trained on: how many there were of each class, at
each energy, is in it. A likelihood ratio is free of that, so it serves for events of any numbers and spectra. It is the score's
logit, bent a little as the validation part asks for, less the logit of the class at that energy whatever the score. Something
else that is known of the events may be told beside the score, and counts for what the score leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np

from python.general_purpose_libs import DataError

REFERENCE_MEV = 10.0
LEAST_EVENTS = 200  # of each class
STIFFNESS = 1e-4  # of an event's likelihood; keeps classes that do not overlap from steps without end
LOGITS_WITHIN = 12.0
_WITHIN = (0.002, 0.998)  # of what was fitted; the rest tells too little
_KNOTS = (0.05, 0.15, 0.3, 0.5, 0.7, 0.85)  # shares of the events below
_TERMS, _TERMS_BESIDE = 7, 11


@dataclass(frozen=True, eq=False)
class LikelihoodRatio:
    """`of_score` (7 + K,), or (11 + K,) with something beside, and `of_energy` (4 + K,) are coefficients, of polynomials in the
    logit, the logarithm of the energy and what is beside, that the first is the logit of the second class with, and the second
    the same of the energy alone. Both may bend at the `knots` (K,), logs of energies relative to 10 MeV. `bounds` (2,) are such
    logs of the lowest and highest energy that was fitted, and `bounds_beside` (2,) the same of what is beside, beyond which
    nothing changes."""

    of_score: np.ndarray
    of_energy: np.ndarray
    bounds: np.ndarray
    bounds_beside: np.ndarray | None = None
    knots: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def fit(
        cls, is_second: np.ndarray, score: np.ndarray, energy: np.ndarray, beside: np.ndarray | None = None
    ) -> Self:
        """From events of known class, bool (N,), the score (N,) of the second class, and reconstructed energies (N,) in MeV;
        `beside` (N,) is something else that may tell the classes apart, of about the size of 1.

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
        bounds = np.quantile(_log_energy(energy), _WITHIN)
        at = np.clip(_log_energy(energy), *bounds)
        knots = np.quantile(at, _KNOTS)
        with_score, alone = _basis_of_score(logit(score), at, knots), _basis_of_energy(at, knots)
        bounds_beside = None
        if beside is not None:
            bounds_beside = np.quantile(beside[known], _WITHIN)
            with_score = _with_beside(with_score, logit(score), at, np.clip(beside[known], *bounds_beside))
        return cls(_logistic_fit(with_score, is_second), _logistic_fit(alone, is_second), bounds, bounds_beside, knots)

    def log_ratio(self, score: np.ndarray, energy: np.ndarray, beside: np.ndarray | None = None) -> np.ndarray:
        """Log (N,) of how much likelier the scores (N,), with what is `beside` (N,) where it was fitted, are for the second class
        than for the first, at energies (N,) in MeV."""
        at = np.clip(_log_energy(np.maximum(energy, 1e-3)), *self.bounds)
        basis = _basis_of_score(logit(score), at, self.knots)
        if self.bounds_beside is not None:
            if beside is None:
                raise ValueError("a ratio that was fitted with something beside the score needs it")
            basis = _with_beside(basis, logit(score), at, np.clip(beside, *self.bounds_beside))
        return basis @ self.of_score - _basis_of_energy(at, self.knots) @ self.of_energy

    def described(self) -> dict[str, Any]:
        """As plain JSON values, see `of`."""
        return {
            each.name: getattr(self, each.name).tolist()
            for each in fields(self)
            if getattr(self, each.name) is not None
        }

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """What was `described`. Raises ValueError where it is something else."""
        try:
            known = {each.name: np.array(described[each.name], float) for each in fields(cls) if each.name in described}
            found = cls(**known)
        except TypeError as error:
            raise ValueError(f"holds no likelihood ratio ({error})") from error
        beside, bends = found.bounds_beside is not None, found.knots.size
        expected = {"of_score": (_TERMS_BESIDE if beside else _TERMS) + bends, "of_energy": 4 + bends, "bounds": 2}
        expected |= {"bounds_beside": 2} if beside else {}
        if any(getattr(found, name).shape != (terms,) for name, terms in expected.items()) or found.knots.ndim != 1:
            raise ValueError("holds a likelihood ratio of another release")
        return found


def logit(score: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of probabilities, held within what single precision tells."""
    score = np.clip(np.asarray(score, np.float64), 1e-12, 1 - 1e-12)
    return np.clip(np.log(score) - np.log1p(-score), -LOGITS_WITHIN, LOGITS_WITHIN)


def _log_energy(energy: np.ndarray) -> np.ndarray:
    return np.log(np.asarray(energy, np.float64) / REFERENCE_MEV)


def _basis_of_score(z: np.ndarray, e: np.ndarray, knots: np.ndarray) -> np.ndarray:
    polynomials = np.stack([np.ones_like(z), z, e, e * e, z * e, e**3, z * np.abs(z) / LOGITS_WITHIN], axis=1)
    return np.concatenate([polynomials, _bends(e, knots)], axis=1)


def _with_beside(basis: np.ndarray, z: np.ndarray, e: np.ndarray, beside: np.ndarray) -> np.ndarray:
    return np.concatenate([basis, np.stack([beside, beside**2, beside * e, beside * z], axis=1)], axis=1)


def _basis_of_energy(e: np.ndarray, knots: np.ndarray) -> np.ndarray:
    return np.concatenate([np.stack([np.ones_like(e), e, e * e, e**3], axis=1), _bends(e, knots)], axis=1)


def _bends(e: np.ndarray, knots: np.ndarray) -> np.ndarray:
    return np.maximum(e[:, None] - knots, 0)


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
