"""Densities of the cosine of an angle on the sphere, fitted to events in four ways, each normalised over the sphere.

Every one is a function of the cosine alone, the same all round the axis, and is given a steradian: 2 pi times its integral over
the cosine is one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize, minimize_scalar
from scipy.special import ive, logsumexp
from scipy.stats import truncnorm

from python.directions.sphere import LARGEST_KAPPA, concentration

AROUND = 2 * np.pi
LOG_AROUND = np.log(AROUND)
Density = Callable[[np.ndarray], np.ndarray]  # of cosines: probability a steradian
KERNEL_KAPPAS = (3.0, 3000.0)  # widest and narrowest
EVENTS_TRIED = 400  # among which the width of the kernels is chosen
EVENTS_OF_KERNEL = 3000  # more are drawn from
COSINES_AT_A_TIME = 256


def gaussian(cosine: np.ndarray) -> Density:
    """A normal distribution of the cosine, cut off at -1 and 1, of the best mean and width."""

    def cost(parameters: np.ndarray) -> float:
        return -float(np.mean(_log_gaussian(cosine, *parameters)))

    spread = max(float(np.std(cosine)), 1e-3)
    found = minimize(cost, [float(np.mean(cosine)), np.log(spread)], method="L-BFGS-B", bounds=[(-1, 1), (-7, 3)])
    return lambda at: np.exp(_log_gaussian(at, *found.x))


def _log_gaussian(cosine: np.ndarray, mean: float, log_width: float) -> np.ndarray:
    width = np.exp(log_width)
    return truncnorm.logpdf(cosine, (-1 - mean) / width, (1 - mean) / width, mean, width) - LOG_AROUND


def one_lobe(cosine: np.ndarray) -> Density:
    """A von Mises-Fisher distribution of the best width, about the axis or where that fits better about its other end."""
    mean = float(np.mean(cosine))
    kappa = float(concentration(np.array([abs(mean)]))[0])
    return lambda at: np.exp(_log_lobe(np.sign(mean) * np.asarray(at, float), np.log(max(kappa, 1e-6))))


def _log_lobe(cosine: np.ndarray, log_kappa: float) -> np.ndarray:
    """Log of a von Mises-Fisher density, kappa exp(kappa (c - 1)) / (2 pi (1 - exp(-2 kappa)))."""
    kappa = np.exp(log_kappa)
    return np.log(kappa) + kappa * (cosine - 1) - LOG_AROUND - np.log(-np.expm1(-2 * kappa))


def three_lobes(cosine: np.ndarray) -> Density:
    """A narrow lobe, a wide one for the tail, and one about the opposite end of the axis, of the best widths and shares."""

    def log_density(at: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        at = np.asarray(at, float)
        shares = np.append(parameters[:2], 0.0)
        lobes = [_log_lobe(at, parameters[2]), _log_lobe(at, parameters[3]), _log_lobe(-at, parameters[4])]
        return logsumexp([lobe + share for lobe, share in zip(lobes, shares, strict=True)], axis=0) - logsumexp(shares)

    def cost(parameters: np.ndarray) -> float:
        return -float(np.mean(log_density(cosine, parameters)))

    bounds = [(-8, 12), (-8, 12), (-6, np.log(LARGEST_KAPPA)), (-6, np.log(LARGEST_KAPPA)), (-6, np.log(LARGEST_KAPPA))]
    starts = ([2.0, 1.0, 3.0, 0.5, 1.0], [3.0, 0.0, 4.5, 1.5, 2.0])
    tries = [minimize(cost, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(tries, key=lambda found: found.fun).x
    return lambda at: np.exp(log_density(at, best))


def kernels(cosine: np.ndarray, seed: int = 0) -> Density:
    """The mean of a von Mises-Fisher distribution about each event, all round the axis: right at both ends of the cosine.

    Of several widths the one is taken that tells events best which it has not seen. Averaged round the axis, a kernel about an
    event at c_i is kappa / (4 pi sinh kappa) exp(kappa c c_i) I_0(kappa sqrt(1 - c^2) sqrt(1 - c_i^2)), P. Hall, G. S. Watson and
    J. Cabrera, Biometrika 74 (1987) 751, for the estimate on the sphere.
    """
    rng = np.random.default_rng(seed)
    seen = rng.permutation(cosine)[:EVENTS_OF_KERNEL]
    tried = seen[:EVENTS_TRIED]

    def untold(log_kappa: float) -> float:
        each = _log_kernels(tried, tried, np.exp(log_kappa))
        np.fill_diagonal(each, -np.inf)
        return -float(np.mean(logsumexp(each, axis=1)))

    log_kappa = minimize_scalar(untold, bounds=tuple(np.log(KERNEL_KAPPAS)), method="bounded").x

    def density(at: ArrayLike) -> np.ndarray:
        at = np.asarray(at, float)
        parts = [
            np.exp(logsumexp(_log_kernels(part, seen, np.exp(log_kappa)), axis=1)) / len(seen)
            for part in np.array_split(at.ravel(), -(-at.size // COSINES_AT_A_TIME) or 1)
        ]
        return np.concatenate(parts).reshape(at.shape)

    return density


def _log_kernels(at: np.ndarray, centres: np.ndarray, kappa: float) -> np.ndarray:
    """Log of kernels (n, m) about events at the cosines `centres` (m,), at the cosines `at` (n,)."""
    along = at[:, None] * centres
    across = np.sqrt(np.maximum((1 - at[:, None] ** 2) * (1 - centres**2), 0))
    norm = np.log(kappa) - np.log(-np.expm1(-2 * kappa)) - LOG_AROUND
    return norm + kappa * (along + across - 1) + np.log(ive(0, kappa * across))


ESTIMATORS: dict[str, Callable[[np.ndarray], Density]] = {
    "gaussian": gaussian,
    "one_lobe": one_lobe,
    "three_lobes": three_lobes,
    "kernels": kernels,
}
