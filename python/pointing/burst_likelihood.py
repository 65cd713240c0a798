"""How likely the candidates of a burst are for each direction of the star: all of them count, each as far as it is believed.

A candidate is elastic scattering, whose electron flies where the neutrino came along; the charged current, whose electron flies
nearly anywhere; or no neutrino's electron at all. Scores of the networks say how likely each is, but for how many of each there
are, which depends on the star, its distance and the detector: these numbers are fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from scipy.special import logsumexp

from python.directions.lobes import Lobes
from python.directions.sphere import concentration, mean_length_of, unit
from python.pointing.candidates import Candidates
from python.pointing.numbers import FIT, FLUXES, Mixture
from python.pointing.scattering import cc_asymmetry, es_mean_cosines, es_share_in_training

NUMBERS_TRIED, REFINED = 9, 2  # of elastic scattering: first, and how often those between the best and its neighbours
_CHUNK = 120_000  # densities at a time; more do not fit into the cache of a core
_LEAST_RATIO, _FACTORS = 1e-18, 16  # so many of which multiply in double precision
_LEAST_INFORMATION = 3e-5  # nats of the direction; thousands of candidates that tell less do not matter together
_FULL_SPHERE = 4 * np.pi


@dataclass(frozen=True, eq=False)
class BurstLikelihood:
    """Of N candidates: what their scores say is a `mixture`, by which `shares` (N, 3) are the probabilities of the classes.

    `lobes` (N) are where the neutrino flew if it scattered elastically; for the charged current 1 + `drift` (N, 3) . direction is
    its density, times 4 pi.
    """

    mixture: Mixture
    shares: np.ndarray
    lobes: Lobes
    drift: np.ndarray

    @classmethod
    def of(cls, candidates: Candidates, min_energy: float, flux: str = FIT) -> Self:
        """With numbers as the scores alone tell them, under the spectra of a `flux`, one of FLUXES, or with FIT free ones.

        A spectrum says a little of how far electrons are from their neutrinos too; with FIT, that of the first of FLUXES.
        """
        energy, assumed = candidates.energy, FLUXES[0] if flux == FIT else flux
        electron, es = np.exp(candidates.main_track_ratio), np.exp(candidates.es_ratio)
        common = es_share_in_training(energy)
        electron = electron / (common * es + 1 - common)  # a main track was one of either channel when this was learnt
        evidence = np.stack([electron * es, electron, np.ones_like(electron)], axis=1)
        mixture = Mixture.of(evidence, energy, min_energy, flux)
        lobes = candidates.lobes
        drift = cc_asymmetry(energy, assumed)[:, None] * np.einsum(
            "nlk,nl->nk", _mean_vectors(lobes), lobes.probability
        )
        shares = mixture.shares(mixture.numbers())
        return cls(mixture, shares, _scattered(lobes, es_mean_cosines(energy, assumed)), drift)

    def __len__(self) -> int:
        return len(self.shares)

    def log_likelihood(self, star: np.ndarray) -> np.ndarray:
        """Log of how likely the candidates are for a star at unit vectors (m, 3), relative to no direction at all, (m,)."""
        flight = -np.asarray(star, np.float64)
        rows, others = np.flatnonzero(self._tells), np.flatnonzero(~self._tells)
        total = flight @ (self.shares[others, 1] @ self.drift[others])
        step = max(1, _CHUNK // max(len(flight), 1))
        for first in range(0, len(rows), step):
            mine = rows[first : first + step]
            total += _total(self.shares[mine], *self._excess(mine, flight))
        return total

    def pull(self, star: np.ndarray) -> np.ndarray:
        """How far each candidate speaks for a star at a unit vector (3,): log (N,) of its likelihood relative to no direction."""
        es, cc = self._excess(np.arange(len(self)), -np.asarray(star, np.float64)[None])
        return np.log(np.maximum(1 + self.shares[:, 0] * es[:, 0] + self.shares[:, 1] * cc[:, 0], _LEAST_RATIO))

    def with_directions(self, star: np.ndarray) -> Self:
        """With shares that scores and directions tell together, wherever the star is: averaged over the number of electrons that
        scattered elastically, each as likely as it makes the scores, and the directions on average over the sky.

        `star` (m, 3) are unit vectors that cover it evenly. A number that is fitted to the best direction alone would find one
        in anything.
        """
        if not len(self):
            return self
        flight = -np.asarray(star, np.float64)
        rows = np.flatnonzero(self._tells)
        seen = rows, *self._excess(rows, flight)
        tried = {of_es: self._with(of_es, seen) for of_es in np.geomspace(1.0, 0.9 * max(len(self), 2), NUMBERS_TRIED)}
        for _ in range(REFINED):
            rising = sorted(tried)
            best = max(range(len(rising)), key=lambda at: tried[rising[at]][1])
            around = rising[max(best - 2, 0) : best + 3]
            tried |= {of_es: self._with(of_es, seen) for of_es in np.sqrt(np.multiply(around[1:], around[:-1]))}
        rising = sorted(tried)
        told = np.array([tried[of_es][1] for of_es in rising]) + np.log(np.gradient(np.log(rising)))
        weights = np.exp(told - logsumexp(told))
        shares = sum(weight * tried[of_es][0] for of_es, weight in zip(rising, weights, strict=True))
        return replace(self, shares=shares)

    @cached_property
    def _tells(self) -> np.ndarray:
        """Which candidates, bool (N,), tell of the direction: about half the variance of their density relative to none."""
        variance = np.expm1(self.lobes.log_mean_density() + np.log(_FULL_SPHERE)) * self.shares[:, 0] ** 2
        return variance / 2 > _LEAST_INFORMATION

    def _with(self, of_es: float, seen: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, float]:
        """The shares with so many of elastic scattering, and how likely the scores, and on average the directions, then are.

        `seen` are the rows that tell of the direction, and their `_excess`.
        """
        rows, es, cc = seen
        numbers = self.mixture.numbers(of_es)
        shares = self.mixture.shares(numbers)
        directions = logsumexp(_total(shares[rows], es, cc)) - np.log(es.shape[1])
        return shares, self.mixture.log_likelihood(numbers) + float(directions)

    def expected(self, rng: np.random.Generator, size: int = 64) -> tuple[float, float]:
        """Mean and standard deviation of the log-likelihood at the true star, were all that is assumed true."""
        rows = np.flatnonzero(self._tells)
        if not len(rows):
            return 0.0, 0.0
        some = self.lobes.take(rows)
        is_es = rng.random((len(rows), size)) < self.shares[rows, :1]
        anywhere = unit(rng.normal(size=(len(rows) * size, 3))).reshape(len(rows), size, 3)
        flight = np.where(is_es[..., None], some.draw(size, rng), anywhere)
        density = _FULL_SPHERE * np.exp(some.log_density(flight))
        told = np.log1p(self.shares[rows, :1] * (density - 1)).sum(axis=0)
        return float(told.mean()), float(told.std())

    def _excess(self, rows: np.ndarray, flight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By how much neutrinos along unit vectors (m, 3) are likelier than anywhere, if some candidates are elastic scattering,
        and if they are charged current, (n, m) each."""
        es = _times_4pi(self.lobes.take(rows), flight)
        es -= 1
        return es, self.drift[rows].astype(np.float32) @ flight.T.astype(np.float32)


def _total(shares: np.ndarray, es: np.ndarray, cc: np.ndarray) -> np.ndarray:
    """Log of how likely all candidates together are for each direction, relative to none, (m,)."""
    shares = shares.astype(np.float32)
    each = shares[:, :1] * es
    each += shares[:, 1:2] * cc
    each += 1
    np.maximum(each, _LEAST_RATIO, out=each)
    firsts = np.arange(0, len(each), _FACTORS)  # of so many the logarithm is taken at once
    if not len(each):
        return np.zeros(es.shape[1])
    return np.log(np.multiply.reduceat(each, firsts, axis=0, dtype=np.float64)).sum(axis=0)


def _mean_vectors(lobes: Lobes) -> np.ndarray:
    """Means (n, L, 3) of the unit vectors of each lobe."""
    return _axes(lobes) * mean_length_of(lobes.kappa)[..., None]


def _axes(lobes: Lobes) -> np.ndarray:
    return unit(lobes.eta.reshape(-1, 3)).reshape(lobes.eta.shape)


def _scattered(lobes: Lobes, mean_cosines: np.ndarray) -> Lobes:
    """The lobes of directions that are turned from those of `lobes` by angles, all round, of equally likely parts (n, parts) with
    a mean cosine each: so many times as many lobes.

    Mean lengths multiply exactly; the shape of each is taken to stay that of von Mises and Fisher.
    """
    axes, length = _axes(lobes), mean_length_of(lobes.kappa)
    same_everywhere = np.linalg.norm(lobes.eta, axis=2) == 0
    parts = mean_cosines.shape[1]
    kappas = [concentration(length * cosine[:, None]) for cosine in mean_cosines.T]
    eta = [axes * np.where(same_everywhere, 0.0, kappa)[..., None] for kappa in kappas]
    return Lobes(np.concatenate(eta, axis=1), np.tile(lobes.probability / parts, (1, parts)))


def _times_4pi(lobes: Lobes, flight: np.ndarray) -> np.ndarray:
    """Density (n, m) of each event at unit vectors (m, 3), times 4 pi; in single precision, which tells logs to 1e-5."""
    total = np.zeros((len(lobes), len(flight)), np.float32)
    at = np.asarray(flight, np.float32).T
    for eta, kappa, share in zip(np.moveaxis(lobes.eta, 1, 0), lobes.kappa.T, lobes.probability.T, strict=True):
        if not np.any(eta):
            total += share.astype(np.float32)[:, None]
            continue
        height = share * 2 * kappa / -np.expm1(-2 * kappa)  # 4 pi times the density along the axis
        exponent = eta.astype(np.float32) @ at
        exponent -= kappa.astype(np.float32)[:, None]
        total += height.astype(np.float32)[:, None] * np.exp(np.minimum(exponent, 0, out=exponent), out=exponent)
    return total
