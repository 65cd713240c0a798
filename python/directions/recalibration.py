"""Answers whose uncertainty is true: how wide and how sure they are is corrected by what was seen on the validation part.

A network is too sure, or not sure enough, in ways that depend on how sure it says it is and on the energy. Three smooth functions
mend that: a factor on the sharpness of each lobe, one on the logit of its probability, and a share of events that may point
anywhere. They are fitted by the likelihood of the true directions, and end where the events end that they were fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from python.directions.answer import Answer
from python.general_purpose_libs import DataError

REFERENCE_MEV = 10.0
LOG_ISOTROPIC = -np.log(4 * np.pi)
LARGEST_ISOTROPIC_SHARE = 0.5
LARGEST_LOG_FACTOR = 3.0
LEAST_EVENTS = 200
EVENTS_FITTED = 20_000  # more change nothing that could be seen
STIFFNESS = 1.0  # log-likelihood that a coefficient of one costs, beside the constant ones
OF_SHARPNESS, OF_SURENESS, OF_SHARE = slice(0, 6), slice(6, 9), slice(9, 11)
N_COEFFICIENTS = OF_SHARE.stop
CONSTANT = [OF_SHARPNESS.start, OF_SURENESS.start, OF_SHARE.start]
BEGIN = np.zeros(N_COEFFICIENTS)
BEGIN[OF_SHARE.start] = -4.0


@dataclass(frozen=True, eq=False)
class Recalibration:
    """`coefficients` (11,) of polynomials in the logs of sharpness and energy, each brought to order one by `centre` and `scale`
    (2,), and held within `bounds` (2, 2): lowest and highest of each that was fitted.
    """

    coefficients: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    bounds: np.ndarray

    @classmethod
    def fit(cls, answer: Answer, outputs: np.ndarray, energy: np.ndarray, truth: np.ndarray, seed: int = 0) -> Self:
        """Fit to combined outputs (n, C) for events of reconstructed energies (n,) in MeV and true unit vectors (n, 3).

        Raises DataError where there are too few, ValueError where the answer does not tell how sure it is.
        """
        from scipy.optimize import minimize  # which answering does without

        known = np.isfinite(truth).all(axis=1) & np.isfinite(outputs).all(axis=1) & (energy > 0)
        if known.sum() < LEAST_EVENTS:
            raise DataError(
                f"{known.sum()} events of known direction are too few to calibrate answers by; {LEAST_EVENTS} are needed: "
                "give more data, or raise val_fraction"
            )
        rows = np.flatnonzero(known)
        if len(rows) > EVENTS_FITTED:
            rows = np.sort(np.random.default_rng(seed).choice(rows, EVENTS_FITTED, replace=False))
        outputs, energy, truth = np.asarray(outputs, np.float64)[rows], energy[rows], truth[rows]
        seen = _logs(answer.sharpness(outputs), energy)
        bounds = np.quantile(seen, [0.005, 0.995], axis=0)
        start = cls(BEGIN, seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3), bounds)

        def cost(coefficients: np.ndarray) -> float:
            tried = cls(coefficients, start.centre, start.scale, start.bounds)
            penalty = STIFFNESS * np.sum(np.delete(coefficients, CONSTANT) ** 2)
            return -float(np.mean(tried.log_density(answer, outputs, energy, truth[:, None])[:, 0])) + penalty / len(
                rows
            )

        found = minimize(cost, BEGIN, method="L-BFGS-B", bounds=[(-6, 6)] * N_COEFFICIENTS)
        return cls(found.x, start.centre, start.scale, start.bounds)

    def outputs(self, answer: Answer, outputs: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """The outputs (n, C) as they should have been, for events of reconstructed energies (n,) in MeV."""
        outputs = np.asarray(outputs, np.float64)

        def sharper(sharpness: np.ndarray) -> np.ndarray:
            return _factor(self._at(sharpness, energy) @ self.coefficients[OF_SHARPNESS])

        basis = self._at(answer.sharpness(outputs), energy)
        return answer.reshaped(outputs, sharper, _factor(basis[:, :3] @ self.coefficients[OF_SURENESS]))

    def isotropic_share(self, energy: np.ndarray) -> np.ndarray:
        """The probability (n,) that an answer tells nothing of the direction."""
        place = self._at(np.exp(np.full(len(energy), self.centre[0])), energy)[:, 2]
        linear = self.coefficients[OF_SHARE] @ np.stack([np.ones_like(place), place])
        return LARGEST_ISOTROPIC_SHARE / (1 + np.exp(-linear))

    def log_density(self, answer: Answer, outputs: np.ndarray, energy: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Log of the density a steradian, (n, m), as `Answer.log_density`, of the corrected answers."""
        share = self.isotropic_share(energy)[:, None]
        told = answer.log_density(self.outputs(answer, outputs, energy), at)
        return np.logaddexp(np.log1p(-share) + told, np.log(share) + LOG_ISOTROPIC)

    def draw(
        self, answer: Answer, outputs: np.ndarray, energy: np.ndarray, size: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Directions (n, size, 3) drawn from the density of each of the corrected answers."""
        drawn = answer.draw(self.outputs(answer, outputs, energy), size, rng)
        anywhere = rng.normal(size=drawn.shape)
        anywhere /= np.linalg.norm(anywhere, axis=2, keepdims=True)
        lost = rng.random(drawn.shape[:2]) < self.isotropic_share(energy)[:, None]
        return np.where(lost[..., None], anywhere, drawn)

    def described(self) -> dict[str, Any]:
        """As plain JSON values, see `of`."""
        names = ("coefficients", "centre", "scale", "bounds")
        return {name: getattr(self, name).tolist() for name in names}

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        return cls(**{name: np.array(values, float) for name, values in described.items()})

    def _at(self, sharpness: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """The polynomials (n, 6): constant, sharpness, energy, and their products."""
        within = np.clip(_logs(sharpness, energy), *self.bounds)
        x, e = ((within - self.centre) / self.scale).T
        return np.stack([np.ones_like(x), x, e, x * x, x * e, e * e], axis=1)


def _logs(sharpness: np.ndarray, energy: np.ndarray) -> np.ndarray:
    return np.stack([np.log(np.maximum(sharpness, 1e-6)), np.log(np.maximum(energy, 1e-3) / REFERENCE_MEV)], axis=1)


def _factor(log_factor: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(log_factor, -LARGEST_LOG_FACTOR, LARGEST_LOG_FACTOR))
