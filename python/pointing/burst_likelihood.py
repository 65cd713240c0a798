"""How likely the candidates of a burst are for each direction of the star: all of them count, each as far as it is believed.

A candidate is elastic scattering, whose electron flies where the neutrino came along; the charged current, whose electron flies
nearly anywhere; or no neutrino at all. Scores of the networks say how likely each is, but for how many of each there are, which
depends on the star, its distance and the detector: these shares are fitted, with no flux assumed for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from python.directions.lobes import Lobes
from python.directions.sphere import concentration, mean_length, unit
from python.pointing.candidates import Candidates
from python.pointing.scattering import cc_asymmetry, es_mean_cosine, spectrum

CLASSES = ("es", "cc", "other")
TRAINED_ON = "gkvm"  # the spectrum of the events by which the networks that ship learnt to tell channels apart
FIT = "fit"  # shares of their own at each energy, whatever the spectrum
FIT_EDGES_MEV = (7.0, 10.0, 15.0, 20.0, 30.0)
PSEUDO_EVENTS = 5.0  # of all energies, that hold the shares of a bin with few candidates
_ROUNDS = 300  # of expectation and maximisation
_CHUNK = 4_000_000  # densities at a time
_LEAST_SHARE = 1e-5  # of elastic scattering; candidates below tell nothing of the direction


@dataclass(frozen=True, eq=False)
class BurstLikelihood:
    """Of N candidates: `evidence` (N, 3), how likely their scores are under each of CLASSES up to a factor of a class; `bins` (N,)
    of energy within which the classes have one mixture; `shares` (N, 3), the probability of each class; `lobes` (N), where the neutrino flew if it is elastic scattering; `drift` (N, 3), a
    vector by which 1 + drift . direction is the same, times 4 pi, for the charged current.
    """

    evidence: np.ndarray
    bins: np.ndarray
    shares: np.ndarray
    lobes: Lobes
    drift: np.ndarray

    @classmethod
    def of(cls, candidates: Candidates, flux: str = TRAINED_ON) -> Self:
        """With shares as the scores alone tell them. `flux` "gkvm" or "livermore" is the spectrum that is assumed; "fit" lets the
        shares be others at each energy."""
        assumed = TRAINED_ON if flux == FIT else flux
        energy = candidates.energy
        odds = candidates.main_track / (1 - candidates.main_track)
        es = candidates.es * _ratio("es", energy, assumed)
        cc = (1 - candidates.es) * _ratio("cc", energy, assumed)
        evidence = np.stack([2 * odds * es, 2 * odds * cc, np.ones_like(odds)], axis=1)
        bins = np.searchsorted(FIT_EDGES_MEV, energy) if flux == FIT else np.zeros(len(energy), np.int64)
        mean = np.einsum("nlk,nl->nk", _mean_vectors(candidates.lobes), candidates.lobes.probability)
        drift = cc_asymmetry(energy, assumed)[:, None] * mean
        lobes = _scattered(candidates.lobes, es_mean_cosine(energy, assumed))
        shares = _normalised(evidence * fitted_fractions(evidence, bins))
        return cls(evidence, bins, shares, lobes, drift)

    def __len__(self) -> int:
        return len(self.shares)

    def log_likelihood(self, star: np.ndarray) -> np.ndarray:
        """Log of how likely the candidates are for a star at unit vectors (m, 3), relative to no direction at all, (m,)."""
        flight = -np.asarray(star, np.float64)
        total = np.zeros(len(flight))
        rows = np.flatnonzero(self.shares[:, 0] > _LEAST_SHARE)
        step = max(1, _CHUNK // max(len(flight), 1))
        for first in range(0, len(rows), step):
            total += np.log(self._relative(rows[first : first + step], flight)).sum(axis=0)
        others = np.flatnonzero(self.shares[:, 0] <= _LEAST_SHARE)
        return total + flight @ (self.shares[others, 1] @ self.drift[others])

    def pull(self, star: np.ndarray) -> np.ndarray:
        """By how much each candidate speaks for a star at a unit vector (3,): log (N,) of its likelihood relative to no
        direction."""
        return np.log(self._relative(np.arange(len(self)), -np.asarray(star, np.float64)[None])[:, 0])

    def refitted(self, star: np.ndarray) -> Self:
        """With shares as the scores and the direction of the star, a unit vector (3,), tell them together."""
        flight = -np.asarray(star, np.float64)[None]
        evidence = self.evidence * np.stack(
            [_times_4pi(self.lobes, flight)[:, 0], 1 + self.drift @ flight[0], np.ones(len(self))], axis=1
        )
        fractions = fitted_fractions(evidence, self.bins)
        return replace(self, shares=_normalised(self.evidence * fractions))  # where one points must not count twice

    def expected(self, rng: np.random.Generator, size: int = 200) -> tuple[float, float]:
        """Mean and standard deviation of the log-likelihood at the true star, were all that is assumed true."""
        rows = np.flatnonzero(self.shares[:, 0] > _LEAST_SHARE)
        if not len(rows):
            return 0.0, 0.0
        some = self.lobes.take(rows)
        is_es = rng.random((len(rows), size)) < self.shares[rows, :1]
        anywhere = unit(rng.normal(size=(len(rows) * size, 3))).reshape(len(rows), size, 3)
        flight = np.where(is_es[..., None], some.draw(size, rng), anywhere)
        density = np.exp(some.log_density(flight) + np.log(4 * np.pi))
        told = np.log1p(self.shares[rows, :1] * (density - 1)).sum(axis=0)
        return float(told.mean()), float(told.std())

    def _relative(self, rows: np.ndarray, flight: np.ndarray) -> np.ndarray:
        """How likely some candidates are for neutrinos along unit vectors (m, 3), relative to no direction, (n, m)."""
        es, cc, other = self.shares[rows].T.astype(np.float32)
        found = _times_4pi(self.lobes.take(rows), flight) * es[:, None]
        found += (cc + other)[:, None] + (cc[:, None] * self.drift[rows]).astype(np.float32) @ flight.T.astype(
            np.float32
        )
        return found


def fitted_fractions(evidence: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """How much (N, C) there is of each class where each candidate is: the fractions that fit best in each of the `bins` (N,).

    Bins of few candidates are held by the fractions of all. Found as expectation and maximisation do.
    """
    found = np.empty_like(evidence)
    overall = _best(evidence, np.full(evidence.shape[1], 1 / evidence.shape[1]), 0.0)
    for number in np.unique(bins):
        found[bins == number] = _best(evidence[bins == number], overall, PSEUDO_EVENTS)
    return found


def _best(evidence: np.ndarray, start: np.ndarray, held: float) -> np.ndarray:
    fraction = start
    for _ in range(_ROUNDS):
        counts = _normalised(evidence * fraction).sum(axis=0) + held * start
        fraction = counts / max(counts.sum(), np.finfo(float).tiny)
    return fraction


def _normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=1, keepdims=True)


def _ratio(channel: str, energy: np.ndarray, flux: str) -> np.ndarray:
    """By how much the events of a channel are more under another flux than in the events that networks learnt from."""
    if flux == TRAINED_ON:
        return np.ones_like(energy)
    return spectrum(channel, energy, flux) / np.maximum(spectrum(channel, energy, TRAINED_ON), np.finfo(float).tiny)


def _mean_vectors(lobes: Lobes) -> np.ndarray:
    """Means (n, L, 3) of the unit vectors of each lobe."""
    return unit(lobes.eta.reshape(-1, 3)).reshape(lobes.eta.shape) * mean_length(lobes.kappa)[..., None]


def _scattered(lobes: Lobes, mean_cosine: np.ndarray) -> Lobes:
    """The lobes of directions that are turned from those of `lobes` by angles of a mean cosine (n,), all round.

    Mean lengths multiply exactly; the shape of a lobe is taken to stay that of von Mises and Fisher.
    """
    kappa = concentration(mean_length(lobes.kappa) * mean_cosine[:, None])
    axes = unit(lobes.eta.reshape(-1, 3)).reshape(lobes.eta.shape)
    same_everywhere = np.linalg.norm(lobes.eta, axis=2) == 0
    return Lobes(axes * np.where(same_everywhere, 0.0, kappa)[..., None], lobes.probability)


def _times_4pi(lobes: Lobes, flight: np.ndarray) -> np.ndarray:
    """Density (n, m) of each event at unit vectors (m, 3), times 4 pi; in single precision, which tells logs to 1e-5."""
    total = np.zeros((len(lobes), len(flight)), np.float32)
    at = np.asarray(flight, np.float32).T
    for eta, kappa, share in zip(np.moveaxis(lobes.eta, 1, 0), lobes.kappa.T, lobes.probability.T, strict=True):
        height = share * 2 * kappa / -np.expm1(-2 * kappa)  # 4 pi times the density along the axis
        if not np.any(eta):
            total += share.astype(np.float32)[:, None]
            continue
        exponent = eta.astype(np.float32) @ at
        exponent -= kappa.astype(np.float32)[:, None]
        total += height.astype(np.float32)[:, None] * np.exp(np.minimum(exponent, 0, out=exponent), out=exponent)
    return total
