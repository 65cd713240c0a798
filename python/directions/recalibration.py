"""Answers whose uncertainty is true: how wide and how sure their lobes are is corrected by what was seen on the validation part.

A network is too sure, or not sure enough, in ways that depend on how sure it says it is and on the energy, and the truth has
longer tails than lobes have. Smooth functions mend that: a factor on the concentration of each lobe, one on the logits of the
lobes' probabilities, a share of each lobe that is wider and how much so, and a share of events that may point anywhere. They are
fitted by the likelihood of the true directions, and end where the events end that they were fitted to. Where several networks or
views answered, how far they were apart may tell of each event too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np

from python.directions.lobes import Lobes
from python.directions.sphere import LARGEST_KAPPA, SMALLEST_KAPPA, cosines, logistic
from python.general_purpose_libs import DataError

REFERENCE_MEV = 10.0
LEAST_SPREAD_DEG = 0.1
LOG_ISOTROPIC = -np.log(4 * np.pi)
LARGEST_ISOTROPIC_SHARE = 0.5
LARGEST_LOG_FACTOR = 3.0
LEAST_EVENTS = 200
EVENTS_FITTED = 20_000  # more change nothing that could be seen
PRECISION = 1e-7  # of the likelihood of an event
STIFFNESS = 1.0  # log-likelihood that a coefficient of one costs, beside the constant ones
TAIL_AT_FIRST, ISOTROPIC_AT_FIRST = -2.0, -4.0  # log-odds of these shares, before the fit


@dataclass(frozen=True)
class Layout:
    """Which of the coefficients say what, by the number of `variables`: logs of concentration and energy, with three of them of
    the spread too.

    Sharpness follows a polynomial of second order, everything else a line, that of the isotropic share without the concentration.
    """

    variables: int

    @property
    def parts(self) -> tuple[slice, ...]:
        """Of sharpness, sureness, tail, the tail's width and the isotropic share."""
        line = 1 + self.variables
        ends = np.cumsum([line + self.variables * line // 2, line, line, line, line - 1]).tolist()
        return tuple(slice(start, end) for start, end in zip([0, *ends], ends, strict=False))

    @property
    def size(self) -> int:
        return self.parts[-1].stop

    @property
    def constant(self) -> list[int]:
        return [part.start for part in self.parts]

    def begin(self) -> np.ndarray:
        """The coefficients (size,) before the fit."""
        begin = np.zeros(self.size)
        begin[self.constant[2]], begin[self.constant[4]] = TAIL_AT_FIRST, ISOTROPIC_AT_FIRST
        return begin

    def terms(self, values: np.ndarray) -> np.ndarray:
        """The polynomials (n, P) of the variables (n, V): constant, each of them, and their products."""
        one, other = np.triu_indices(self.variables)
        return np.concatenate([np.ones((len(values), 1)), values, values[:, one] * values[:, other]], axis=1)

    def lines(self, of_event: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of the polynomials (n, P) the terms of sureness, tail, the tail's width and the isotropic share."""
        line = of_event[:, : 1 + self.variables]
        return line, line, line, line[:, [0, *range(2, 1 + self.variables)]]


WITHOUT_SPREAD, WITH_SPREAD = Layout(2), Layout(3)


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
    """`coefficients` of polynomials in V variables, see `Layout`, each brought to order one by `centre` and `scale` (V,), and
    held within `bounds` (2, V): lowest and highest of each that was fitted.
    """

    coefficients: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    bounds: np.ndarray

    @classmethod
    def fit(
        cls, lobes: Lobes, energy: np.ndarray, truth: np.ndarray, spread_deg: np.ndarray | None = None, seed: int = 0
    ) -> Self:
        """Fit to the lobes of n events of reconstructed energies (n,) in MeV, true unit vectors (n, 3), and where that is known
        the spread (n,) in degrees of what answered, which is left out where it tells too little: by
        less likelihood than Schwarz's criterion asks of further coefficients.

        Raises DataError where there are too few.
        """
        known = np.isfinite(truth).all(axis=1) & np.isfinite(lobes.eta).all(axis=(1, 2)) & (energy > 0)
        if spread_deg is not None:
            known &= np.isfinite(spread_deg)
        if known.sum() < LEAST_EVENTS:
            raise DataError(
                f"{known.sum()} events of known direction are too few to calibrate answers by; {LEAST_EVENTS} are needed: "
                "give more data, or raise val_fraction"
            )
        rows = np.flatnonzero(known)
        if len(rows) > EVENTS_FITTED:
            rows = np.sort(np.random.default_rng(seed).choice(rows, EVENTS_FITTED, replace=False))
        lobes, energy, truth = lobes.take(rows), energy[rows], truth[rows]
        found, cost = cls._fitted(lobes, energy, truth)
        if spread_deg is None:
            return found
        more, cost_of_more = cls._fitted(lobes, energy, truth, spread_deg[rows])
        asked = (WITH_SPREAD.size - WITHOUT_SPREAD.size) * np.log(len(rows)) / 2  # G. Schwarz, Ann. Stat. 6 (1978) 461
        return more if len(rows) * (cost - cost_of_more) > asked else found

    @classmethod
    def _fitted(
        cls, lobes: Lobes, energy: np.ndarray, truth: np.ndarray, spread_deg: np.ndarray | None = None
    ) -> tuple[Self, float]:
        """The best for these events, and its cost an event."""
        from scipy.optimize import minimize  # which answering does without

        layout = WITHOUT_SPREAD if spread_deg is None else WITH_SPREAD
        seen = _logs(lobes.of_likeliest(lobes.kappa), energy, spread_deg)[:, : layout.variables]
        bounds = np.quantile(seen, [0.005, 0.995], axis=0)
        start = cls(layout.begin(), seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3), bounds)
        likelihood = Likelihood(start, lobes, energy, truth, spread_deg)
        found = minimize(
            likelihood.cost,
            start.coefficients,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-6, 6)] * layout.size,
            options={"ftol": PRECISION},
        )
        return cls(found.x, start.centre, start.scale, start.bounds), float(found.fun)

    @property
    def layout(self) -> Layout:
        return Layout(len(self.centre))

    def lobes(self, lobes: Lobes, energy: np.ndarray, spread_deg: np.ndarray | None = None) -> Lobes:
        """The lobes as they should have been, for events of reconstructed energies (n,) in MeV and spreads (n,) in degrees.

        L lobes become 2 L + 1: themselves, their tails, and one that is the same everywhere. An energy or a spread that is not
        known is taken as in the middle of those that were fitted; a spread is not asked for where none was.
        """
        found = correction(self.coefficients, self.layout, *self.bases(lobes, energy, spread_deg))
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
        return {each.name: getattr(self, each.name).tolist() for each in fields(self)}

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """What was `described`. Raises ValueError where that is something else."""
        try:
            arrays = {each.name: np.array(described[each.name], float) for each in fields(cls)}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a recalibration of directions: {error}") from error
        layout = WITH_SPREAD if arrays["centre"].shape == (WITH_SPREAD.variables,) else WITHOUT_SPREAD
        v = layout.variables
        for name, shape in {"coefficients": (layout.size,), "centre": (v,), "scale": (v,), "bounds": (2, v)}.items():
            if arrays[name].shape != shape or not np.all(np.isfinite(arrays[name])):
                raise ValueError(f"not a recalibration of directions: {name} should be {shape} numbers")
        return cls(**arrays)

    def bases(self, lobes: Lobes, energy: np.ndarray, spread_deg: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The polynomials (n, L, P) of each lobe and (n, P) of the likeliest."""
        each = np.stack([self._at(kappa, energy, spread_deg) for kappa in lobes.kappa.T], axis=1)
        return each, self._at(lobes.of_likeliest(lobes.kappa), energy, spread_deg)

    def _at(self, kappa: np.ndarray, energy: np.ndarray, spread_deg: np.ndarray | None) -> np.ndarray:
        """The polynomials (n, P) of events; in the middle where a variable is not known."""
        seen = _logs(kappa, energy, spread_deg)[:, : self.layout.variables]
        return self.layout.terms(np.nan_to_num((np.clip(seen, *self.bounds) - self.centre) / self.scale))


def correction(coefficients: np.ndarray, layout: Layout, of_lobes: np.ndarray, of_event: np.ndarray) -> Correction:
    """What the coefficients say of events with the polynomials (n, L, P) of their lobes and (n, P) of their likeliest."""
    sharpness, *of_lines = (coefficients[part] for part in layout.parts)
    surer, tail, tail_width, isotropic = (
        line @ each for line, each in zip(layout.lines(of_event), of_lines, strict=True)
    )
    return Correction(
        _bounded(of_lobes @ sharpness),
        np.exp(_bounded(surer)),
        logistic(tail),
        -np.exp(_bounded(tail_width) / 2),
        LARGEST_ISOTROPIC_SHARE * logistic(isotropic),
    )


class Likelihood:
    """Of the true directions, as a function of the coefficients, with its gradient."""

    def __init__(
        self,
        start: Recalibration,
        lobes: Lobes,
        energy: np.ndarray,
        truth: np.ndarray,
        spread_deg: np.ndarray | None = None,
    ) -> None:
        self.lobes, self.layout = lobes, start.layout
        self.of_lobes, self.of_event = start.bases(lobes, energy, spread_deg)
        self.cosine = np.stack([cosines(eta, truth[:, None])[:, 0] for eta in np.swapaxes(lobes.eta, 0, 1)], axis=1)

    def cost(self, coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean negative log-likelihood an event and its gradient, with what large coefficients cost."""
        found = correction(coefficients, self.layout, self.of_lobes, self.of_event)
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
        bases = (self.of_lobes, *self.layout.lines(self.of_event))
        gradient = np.concatenate(
            [np.tensordot(slope, basis, slope.ndim) for slope, basis in zip(slopes, bases, strict=True)]
        )
        stiff = coefficients * np.isin(np.arange(self.layout.size), self.layout.constant, invert=True)
        n = len(density)
        return (STIFFNESS * np.sum(stiff**2) - density.sum()) / n, (2 * STIFFNESS * stiff - gradient) / n


def _log_lobe(log_kappa: np.ndarray, cosine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of von Mises-Fisher densities, and their slopes by the log of kappa."""
    kappa = np.clip(np.exp(log_kappa), SMALLEST_KAPPA, LARGEST_KAPPA)
    log_density = -np.log(-2 * np.pi * np.expm1(-2 * kappa) / kappa) - kappa * (1 - cosine)
    mean_cosine = np.where(kappa > 1e-3, 1 / np.tanh(kappa) - 1 / kappa, kappa / 3)
    return log_density, kappa * (cosine - mean_cosine)


def _logs(kappa: np.ndarray, energy: np.ndarray, spread_deg: np.ndarray | None) -> np.ndarray:
    """The variables (n, 3) of which polynomials are made, NaN where they are not known."""
    spread_deg = np.full(len(kappa), np.nan) if spread_deg is None else spread_deg
    least = (1e-6, 1e-3, LEAST_SPREAD_DEG)
    return np.log(np.maximum(np.column_stack([kappa, energy, spread_deg]), least) / (1.0, REFERENCE_MEV, 1.0))


def _bounded(log_factor: np.ndarray) -> np.ndarray:
    return LARGEST_LOG_FACTOR * np.tanh(log_factor / LARGEST_LOG_FACTOR)


def _slope(bounded: np.ndarray) -> np.ndarray:
    """Of what `_bounded` gave."""
    return 1 - (bounded / LARGEST_LOG_FACTOR) ** 2
