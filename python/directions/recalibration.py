"""Answers whose uncertainty is true: how wide and how sure their lobes are is corrected by what was seen on the validation part.

A network is too sure, or not sure enough, in ways that depend on how sure it says it is and on the energy, and the truth has
longer tails than lobes have. Smooth functions mend that: a factor on the concentration of each lobe, one on the logits of the
lobes' probabilities, a share of each lobe that is wider and how much so, and a share of events that may point anywhere. They are
fitted by the likelihood of the true directions, and end where the events end that they were fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from python.directions.lobes import Lobes
from python.directions.sphere import LARGEST_KAPPA, SMALLEST_KAPPA, cosines, logistic
from python.general_purpose_libs import DataError

REFERENCE_MEV = 10.0
LOG_ISOTROPIC = -np.log(4 * np.pi)
LARGEST_ISOTROPIC_SHARE = 0.5
LARGEST_LOG_FACTOR = 3.0
LEAST_EVENTS = 200
EVENTS_FITTED = 20_000  # more change nothing that could be seen
PRECISION = 1e-7  # of the likelihood of an event
STIFFNESS = 1.0  # log-likelihood that a coefficient of one costs, beside the constant ones
OF_SHARPNESS, OF_SURENESS, OF_TAIL, OF_TAIL_WIDTH, OF_ISOTROPIC = (
    *(slice(0, 6), slice(6, 9), slice(9, 12), slice(12, 15)),
    slice(15, 17),
)
PARTS = (OF_SHARPNESS, OF_SURENESS, OF_TAIL, OF_TAIL_WIDTH, OF_ISOTROPIC)
N_COEFFICIENTS = OF_ISOTROPIC.stop
CONSTANT = [part.start for part in PARTS]
BEGIN = np.zeros(N_COEFFICIENTS)
BEGIN[OF_TAIL.start], BEGIN[OF_ISOTROPIC.start] = -2.0, -4.0
SIZES = {"coefficients": (N_COEFFICIENTS,), "centre": (2,), "scale": (2,), "bounds": (2, 2)}


class Correction(NamedTuple):
    """Of n events of L lobes: logs of the factors on their concentrations (n, L), the factor on the logits of their probabilities
    (n,), the share of each lobe that is wider (n,) and the log of its concentration over that of the rest (n,), and the share of
    events that may point anywhere (n,).
    """

    log_sharper: np.ndarray
    surer: np.ndarray
    tail: np.ndarray
    log_tail_sharper: np.ndarray
    isotropic: np.ndarray

    def probability(self, lobes: Lobes) -> np.ndarray:
        """The probabilities (n, L) of the lobes, all together 1."""
        log_probability = self.surer[:, None] * lobes.log_probability
        weight = np.exp(log_probability - log_probability.max(axis=1, keepdims=True))
        return weight / weight.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Recalibration:
    """`coefficients` (17,) of polynomials in the logs of concentration and energy, each brought to order one by `centre` and
    `scale` (2,), and held within `bounds` (2, 2): lowest and highest of each that was fitted.
    """

    coefficients: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    bounds: np.ndarray

    @classmethod
    def fit(cls, lobes: Lobes, energy: np.ndarray, truth: np.ndarray, seed: int = 0) -> Self:
        """Fit to the lobes of n events of reconstructed energies (n,) in MeV and true unit vectors (n, 3).

        Raises DataError where there are too few.
        """
        from scipy.optimize import minimize  # which answering does without

        known = np.isfinite(truth).all(axis=1) & np.isfinite(lobes.eta).all(axis=(1, 2)) & (energy > 0)
        if known.sum() < LEAST_EVENTS:
            raise DataError(
                f"{known.sum()} events of known direction are too few to calibrate answers by; {LEAST_EVENTS} are needed: "
                "give more data, or raise val_fraction"
            )
        rows = np.flatnonzero(known)
        if len(rows) > EVENTS_FITTED:
            rows = np.sort(np.random.default_rng(seed).choice(rows, EVENTS_FITTED, replace=False))
        lobes, energy, truth = lobes.take(rows), energy[rows], truth[rows]
        seen = _logs(lobes.of_likeliest(lobes.kappa), energy)
        bounds = np.quantile(seen, [0.005, 0.995], axis=0)
        start = cls(BEGIN, seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3), bounds)
        likelihood = Likelihood(start, lobes, energy, truth)
        found = minimize(
            likelihood.cost,
            BEGIN,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-6, 6)] * N_COEFFICIENTS,
            options={"ftol": PRECISION},
        )
        return cls(found.x, start.centre, start.scale, start.bounds)

    def lobes(self, lobes: Lobes, energy: np.ndarray) -> Lobes:
        """The lobes as they should have been, for events of reconstructed energies (n,) in MeV.

        L lobes become 2 L + 1: themselves, their tails, and one that is the same everywhere.
        """
        found = correction(self.coefficients, *self.bases(lobes, energy))
        probability = found.probability(lobes) * (1 - found.isotropic)[:, None]
        eta = lobes.eta * np.exp(found.log_sharper)[..., None]
        wide = eta * np.exp(found.log_tail_sharper)[:, None, None]
        tail = found.tail[:, None]
        return Lobes(
            np.concatenate([eta, wide, np.zeros_like(eta[:, :1])], axis=1),
            np.concatenate([probability * (1 - tail), probability * tail, found.isotropic[:, None]], axis=1),
        )

    def described(self) -> dict[str, Any]:
        """As plain JSON values, see `of`."""
        return {name: getattr(self, name).tolist() for name in SIZES}

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """What was `described`. Raises ValueError where that is something else."""
        try:
            arrays = {name: np.array(described[name], float) for name in SIZES}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a recalibration of directions: {error}") from error
        for name, shape in SIZES.items():
            if arrays[name].shape != shape or not np.all(np.isfinite(arrays[name])):
                raise ValueError(f"not a recalibration of directions: {name} should be {shape} numbers")
        return cls(**arrays)

    def bases(self, lobes: Lobes, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The polynomials (n, L, 6) of each lobe and (n, 6) of the likeliest."""
        each = np.stack([self._at(kappa, energy) for kappa in lobes.kappa.T], axis=1)
        return each, self._at(lobes.of_likeliest(lobes.kappa), energy)

    def _at(self, kappa: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """The polynomials (n, 6): constant, concentration, energy, and their products; in the middle where one is not known."""
        within = np.clip(_logs(kappa, energy), *self.bounds)
        x, e = np.nan_to_num((within - self.centre) / self.scale).T
        return np.stack([np.ones_like(x), x, e, x * x, x * e, e * e], axis=1)


def correction(coefficients: np.ndarray, of_lobes: np.ndarray, of_event: np.ndarray) -> Correction:
    """What the coefficients (17,) say of events with the polynomials (n, L, 6) of their lobes and (n, 6) of their likeliest."""
    linear = of_event[:, :3]
    return Correction(
        _bounded(of_lobes @ coefficients[OF_SHARPNESS]),
        np.exp(_bounded(linear @ coefficients[OF_SURENESS])),
        logistic(linear @ coefficients[OF_TAIL]),
        -np.exp(_bounded(linear @ coefficients[OF_TAIL_WIDTH]) / 2),
        LARGEST_ISOTROPIC_SHARE * logistic(of_event[:, [0, 2]] @ coefficients[OF_ISOTROPIC]),
    )


class Likelihood:
    """Of the true directions, as a function of the coefficients, with its gradient."""

    def __init__(self, start: Recalibration, lobes: Lobes, energy: np.ndarray, truth: np.ndarray) -> None:
        self.lobes = lobes
        self.of_lobes, self.of_event = start.bases(lobes, energy)
        self.cosine = np.stack([cosines(eta, truth[:, None])[:, 0] for eta in np.swapaxes(lobes.eta, 0, 1)], axis=1)

    def cost(self, coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean negative log-likelihood an event and its gradient (17,), with what large coefficients cost."""
        found = correction(coefficients, self.of_lobes, self.of_event)
        probability = found.probability(self.lobes)
        log_core = np.log(self.lobes.kappa) + found.log_sharper
        core, by_core = _log_lobe(log_core, self.cosine)
        wide, by_wide = _log_lobe(log_core + found.log_tail_sharper[:, None], self.cosine)
        told = np.log(np.maximum(probability, np.finfo(float).tiny)) + np.log1p(-found.isotropic)[:, None]
        log_tail, log_rest = np.log(found.tail)[:, None], np.log1p(-found.tail)[:, None]
        parts = np.stack([told + log_rest + core, told + log_tail + wide], axis=1)  # (n, 2, L)
        anywhere = np.log(found.isotropic) + LOG_ISOTROPIC
        density = np.logaddexp(np.logaddexp.reduce(parts, axis=(1, 2)), anywhere)
        of_core, of_wide = np.moveaxis(np.exp(parts - density[:, None, None]), 1, 0)  # how likely each made the truth
        lost = np.exp(anywhere - density)
        share = found.isotropic / LARGEST_ISOTROPIC_SHARE
        log_p = self.lobes.log_probability
        by_surer = np.sum((of_core + of_wide) * (log_p - np.sum(probability * log_p, 1, keepdims=True)), axis=1)
        by_tail_sharper = np.sum(of_wide * by_wide, axis=1)
        slopes = (  # of the log density, by each of the linear functions
            (of_core * by_core + of_wide * by_wide) * _slope(found.log_sharper),
            by_surer * found.surer * _slope(np.log(found.surer)),
            of_wide.sum(axis=1) * (1 - found.tail) - of_core.sum(axis=1) * found.tail,
            by_tail_sharper * found.log_tail_sharper * _slope(2 * np.log(-found.log_tail_sharper)) / 2,
            (1 - share) * (lost - (1 - lost) * found.isotropic / (1 - found.isotropic)),
        )
        bases = (self.of_lobes, *[self.of_event[:, :3]] * 3, self.of_event[:, [0, 2]])
        gradient = np.concatenate(
            [np.tensordot(slope, basis, slope.ndim) for slope, basis in zip(slopes, bases, strict=True)]
        )
        stiff = coefficients * np.isin(np.arange(N_COEFFICIENTS), CONSTANT, invert=True)
        n = len(density)
        return (STIFFNESS * np.sum(stiff**2) - density.sum()) / n, (2 * STIFFNESS * stiff - gradient) / n


def _log_lobe(log_kappa: np.ndarray, cosine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of von Mises-Fisher densities, and their slopes by the log of kappa."""
    kappa = np.clip(np.exp(log_kappa), SMALLEST_KAPPA, LARGEST_KAPPA)
    log_density = -np.log(-2 * np.pi * np.expm1(-2 * kappa) / kappa) - kappa * (1 - cosine)
    mean_cosine = np.where(kappa > 1e-3, 1 / np.tanh(kappa) - 1 / kappa, kappa / 3)
    return log_density, kappa * (cosine - mean_cosine)


def _logs(kappa: np.ndarray, energy: np.ndarray) -> np.ndarray:
    return np.stack([np.log(np.maximum(kappa, 1e-6)), np.log(np.maximum(energy, 1e-3) / REFERENCE_MEV)], axis=1)


def _bounded(log_factor: np.ndarray) -> np.ndarray:
    return LARGEST_LOG_FACTOR * np.tanh(log_factor / LARGEST_LOG_FACTOR)


def _slope(bounded: np.ndarray) -> np.ndarray:
    """Of what `_bounded` gave."""
    return 1 - (bounded / LARGEST_LOG_FACTOR) ** 2
