"""Densities of the cosine of an angle on the sphere, fitted to weighted events in four ways, each normalised over the sphere.

Every one is a function of the cosine alone, the same all round the axis, and is given a steradian: 2 pi times its integral over
the cosine is one. Lobes and kernels see the events counted in bins of the angle, far finer than any answer is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import i0e, ndtr

from python.directions.sphere import concentration

AROUND = 2 * np.pi
EVENLY = 1 / (2 * AROUND)
Density = Callable[[ArrayLike], np.ndarray]  # of cosines: probability a steradian
BIN_DEG = 0.5
NARROWEST_KAPPA = 3000.0  # a degree: no lobe may close in on a single event
WIDEST_KAPPA = 1e-3  # even all over the sphere
KERNEL_KAPPAS = np.geomspace(2.0, NARROWEST_KAPPA, 25)
SIDES = np.array([[1], [1], [-1]])  # which end of the axis each of three lobes is about
STARTS = (((0.7, 0.2, 0.1), (30.0, 2.0, 3.0)), ((0.3, 0.6, 0.1), (150.0, 8.0, 10.0)))  # shares and concentrations
FIRST_STEPS, STEPS = 20, 300  # of every start, and of the best
LEAST_GAIN = 1e-5  # of the log-likelihood of an event in a step


# ---------------------------------------------------------------------------- one peak
def gaussian(cosine: np.ndarray, weight: np.ndarray | None = None) -> Density:
    """A normal distribution of the cosine, cut off at -1 and 1, of the best mean and width."""
    mean_of = float(np.average(cosine, weights=weight))
    spread = float(np.sqrt(np.average((cosine - mean_of) ** 2, weights=weight)))

    def cost(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Less the mean log density of the events, of which it is enough to know their mean and spread, and its gradient."""
        mean, log_width = parameters
        width = np.exp(log_width)
        ends = (np.array([-1, 1]) - mean) / width
        inside = ndtr(ends[1]) - ndtr(ends[0])
        height = np.exp(-(ends**2) / 2) / np.sqrt(2 * np.pi) / inside
        squares = (spread**2 + (mean_of - mean) ** 2) / width**2
        by_mean = -(mean_of - mean) / width**2 - (height[1] - height[0]) / width
        by_log_width = 1 - squares - (ends[1] * height[1] - ends[0] * height[0])
        return squares / 2 + log_width + np.log(inside), np.array([by_mean, by_log_width])

    start = [mean_of, np.log(max(spread, 1e-3))]
    # others than TNC call threads of linear algebra, which take ten times as long as two numbers do
    found = minimize(cost, start, jac=True, method="TNC", bounds=[(-1, 1), (-7, 3)])
    mean, width = found.x[0], np.exp(found.x[1])
    log_height = -found.fun + (spread**2 + (mean_of - mean) ** 2) / width**2 / 2 - np.log(AROUND * np.sqrt(2 * np.pi))
    return lambda at: np.exp(log_height - ((np.asarray(at, float) - mean) / width) ** 2 / 2)


def one_lobe(cosine: np.ndarray, weight: np.ndarray | None = None) -> Density:
    """A von Mises-Fisher distribution of the best width, about the axis or where that fits better about its other end."""
    mean = float(np.average(cosine, weights=weight))
    kappa = _best_kappa(np.array([abs(mean)]))
    return lambda at: _lobes(np.sign(mean) * np.asarray(at, float), kappa)


def _best_kappa(mean: np.ndarray) -> np.ndarray:
    """The concentration whose mean cosine is that of the events."""
    return np.clip(concentration(np.maximum(mean, 0)), WIDEST_KAPPA, NARROWEST_KAPPA)


def _lobes(cosine: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """Von Mises-Fisher densities, kappa exp(kappa (c - 1)) / (2 pi (1 - exp(-2 kappa))); the arguments broadcast."""
    return kappa * np.exp(kappa * (cosine - 1)) / (AROUND * -np.expm1(-2 * kappa))


# ---------------------------------------------------------------------------- three lobes
def three_lobes(cosine: np.ndarray, weight: np.ndarray | None = None) -> Density:
    """A narrow lobe, a wide one for the tail, and one about the opposite end of the axis, of the best widths and shares.

    By expectation and maximisation: A. Banerjee et al., J. Mach. Learn. Res. 6 (2005) 1345, with the axis known.
    """
    bins = _bins_of(cosine)
    held = np.bincount(bins, weight)
    at = SIDES * np.bincount(bins, cosine if weight is None else cosine * weight)[held > 0] / held[held > 0]
    of_bins = held[held > 0] / held.sum()
    tries = [_maximised(at, of_bins, np.array(start)[..., None], FIRST_STEPS) for start in STARTS]
    _, (share, kappa) = _maximised(at, of_bins, max(tries, key=lambda found: found[0])[1], STEPS)

    def density(where: ArrayLike) -> np.ndarray:
        where = np.asarray(where, float)
        lobes = _lobes(SIDES * where.ravel(), kappa)
        return (share * lobes).sum(axis=0).reshape(where.shape)

    return density


def _maximised(at: np.ndarray, weight: np.ndarray, lobes: np.ndarray, steps: int) -> tuple[float, np.ndarray]:
    """The log-likelihood of an event, and the `lobes` after some steps: shares and concentrations (2, 3, 1).

    `at` (3, B) are cosines seen from each lobe, as many events of them as `weight` (B,) says.
    """
    before = -np.inf
    for _ in range(steps):
        share, kappa = lobes
        each = share * _lobes(at, kappa)
        total = np.maximum(each.sum(axis=0), np.finfo(float).tiny)
        told = float(weight @ np.log(total))
        if told - before < LEAST_GAIN:
            break
        before = told
        part = each * (weight / total)
        share = part.sum(axis=1, keepdims=True)
        mean = (part * at).sum(axis=1, keepdims=True) / np.maximum(share, np.finfo(float).tiny)
        lobes = np.array([share, _best_kappa(mean)])
    return before, lobes


# ---------------------------------------------------------------------------- kernels
def kernels(cosine: np.ndarray, weight: np.ndarray | None = None) -> Density:
    """The mean of a von Mises-Fisher distribution about each event, all round the axis: right at both ends of the cosine.

    The width is taken that tells best each event from the others. One event more is spread evenly over the sphere, since no angle
    is impossible. Averaged round the axis, a kernel about an event at c_i is kappa / (4 pi sinh kappa) exp(kappa c c_i)
    I_0(kappa sqrt(1 - c^2) sqrt(1 - c_i^2)); P. Hall, G. S. Watson and J. Cabrera, Biometrika 74 (1987) 751, for the estimate on
    the sphere.
    """
    bins = _bins_of(cosine)
    held = np.bincount(bins, weight, len(_centres())).astype(float)
    there = held > 0
    own = np.ones_like(held) if weight is None else np.bincount(bins, weight**2, len(held)) / np.where(there, held, 1)
    others = (_between_bins() @ held - own * _of_own_bin())[:, there] + EVENLY  # (kappas, bins)
    kappa = KERNEL_KAPPAS[np.argmax(np.log(others) @ held[there])]

    def density(at: ArrayLike) -> np.ndarray:
        at = np.asarray(at, float)
        of_events = _kernels(at.ravel()[:, None], _centres()[there], kappa) @ held[there]
        return ((of_events + EVENLY) / (held.sum() + 1)).reshape(at.shape)

    return density


def _kernels(at: np.ndarray, centres: np.ndarray, kappa: float) -> np.ndarray:
    """Kernels about events at the cosines `centres`, at the cosines `at`; the two broadcast."""
    across = np.sqrt((1 - at**2) * (1 - centres**2))
    height = kappa / (AROUND * -np.expm1(-2 * kappa))
    return height * np.exp(kappa * (at * centres + across - 1)) * i0e(kappa * across)


def _bins_of(cosine: np.ndarray) -> np.ndarray:
    """The bin of the angle of each event."""
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return np.minimum((angle / BIN_DEG).astype(int), len(_centres()) - 1)


@cache
def _centres() -> np.ndarray:
    """Cosines in the middle of the bins of the angle, by solid angle."""
    edges = np.cos(np.radians(np.arange(0, 180 + BIN_DEG / 2, BIN_DEG)))
    return (edges[1:] + edges[:-1]) / 2


@cache
def _between_bins() -> np.ndarray:
    """Kernels of all widths (K, B, B) about the middle of each bin, at those of the others."""
    return np.array([_kernels(_centres()[:, None], _centres(), kappa) for kappa in KERNEL_KAPPAS])


@cache
def _of_own_bin() -> np.ndarray:
    return np.diagonal(_between_bins(), axis1=1, axis2=2).copy()


ESTIMATORS: dict[str, Callable[[np.ndarray, np.ndarray | None], Density]] = {
    "gaussian": gaussian,
    "one_lobe": one_lobe,
    "three_lobes": three_lobes,
    "kernels": kernels,
}
