"""How good a channel tagger is for pointing: ES efficiency where few CC pass, and scores that are probabilities.

"At 4 % of CC" has two meanings. At 4 % of CC passing, the cut lets in 4 % of the CC events, whatever their number: the published
figure. At 4 % of CC, the contamination, 4 % of what the cut selects are CC. Everywhere: `labels` (N,) are 0 for CC and 1 for ES;
`scores` (N, 2) are the probabilities of CC and ES, as in `python.metrics.classification`. A supernova gives `cc_per_es` CC events
for each ES event, whatever the ratio of the test sample: for a contamination the classes are weighted to that mixture.
Intervals hold 68.27 %.
The plots of a tagger are in `python.plots.tagging`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from python.metrics.classification import (
    ONE_SIGMA,
    UNDEFINED,
    Estimate,
    Metrics,
    binomial_interval,
    calibration_bins,
    check_classification,
)
from python.metrics.weighted import REPLICAS

CLASSES = ("cc", "es")
CC, ES = range(2)
CC_PER_ES = 10.0  # of a supernova in liquid argon, about
CC_SHARES = {"4_percent": 0.04, "1_percent": 0.01}  # of the CC events, and of what is selected
HEADLINE = "es_efficiency_at_4_percent_cc_passing"
ENERGY_BINS = {"3_to_10_mev": (3.0, 10.0), "10_to_20_mev": (10.0, 20.0), "20_to_40_mev": (20.0, 40.0)}  # reconstructed
TEMPERATURES = (0.1, 10.0)
_BESIDE_BOUND = 1e-3  # in the logarithm: the fit comes near an end of its range but never there

_ROUNDING = 1e-12  # of a contamination: a cut that reaches the limit exactly is allowed
_LARGEST_LOGIT = math.log(2.0**24 - 1)  # of the last single-precision score below 1


Measure = Callable[
    [np.ndarray, np.ndarray], np.ndarray
]  # of ES efficiency (T,) and CC leakage (T,): what is limited, (T,)


# ---------------------------------------------------------------------------- the best cut
class Cut(NamedTuple):
    """ES is what scores `threshold` or more; the shares of ES and of CC events that do."""

    threshold: float
    es_efficiency: float
    cc_leakage: float

    def contamination(self, cc_per_es: float = CC_PER_ES) -> float:
        """Share of CC in the selected sample; 0 when nothing is selected."""
        return float(_contamination(np.array(self.es_efficiency), np.array(self.cc_leakage), cc_per_es))


NO_CUT_ALLOWED = Cut(np.inf, 0.0, 0.0)
UNDEFINED_CUT = Cut(np.nan, np.nan, np.nan)


def best_cut(labels: ArrayLike, scores: ArrayLike, contamination: float, cc_per_es: float = CC_PER_ES) -> Cut:
    """The cut of greatest ES efficiency among those that select a share of CC of at most `contamination`.

    Of cuts with equal efficiency the purest. Without an allowed cut the threshold is infinite and nothing is selected;
    all is NaN when a class is absent. ValueError as in `es_efficiencies`.
    """
    labels, scores, limits = _checked(labels, scores, [contamination], cc_per_es)
    if _lacks_a_class(labels):
        return UNDEFINED_CUT
    thresholds, es, cc = _steps_passed(labels, scores)
    efficiency, leakage = _passing(es, len(thresholds)), _passing(cc, len(thresholds))
    return _cut_at(thresholds, efficiency, leakage, _contamination(efficiency, leakage, cc_per_es), limits)


def passing_cut(labels: ArrayLike, scores: ArrayLike, cc_passing: float) -> Cut:
    """The same among those that a share of the CC events of at most `cc_passing` passes."""
    labels, scores, limits = _checked(labels, scores, [cc_passing], CC_PER_ES)
    if _lacks_a_class(labels):
        return UNDEFINED_CUT
    thresholds, es, cc = _steps_passed(labels, scores)
    efficiency, leakage = _passing(es, len(thresholds)), _passing(cc, len(thresholds))
    return _cut_at(thresholds, efficiency, leakage, leakage, limits)


def es_efficiencies(
    labels: ArrayLike,
    scores: ArrayLike,
    contaminations: Sequence[float] | np.ndarray,
    cc_per_es: float = CC_PER_ES,
    seed: int = 0,
    replicas: int = REPLICAS,
) -> list[Estimate]:
    """ES efficiency of the `best_cut` at each of `contaminations` (K,); undefined when a class is absent.

    Intervals as in `_efficiencies`. ValueError when a contamination is not within 0 to 1, cc_per_es is not positive, or as in
    `check_classification`.
    """
    labels, scores, limits = _checked(labels, scores, contaminations, cc_per_es)

    def contamination(efficiency: np.ndarray, leakage: np.ndarray) -> np.ndarray:
        return _contamination(efficiency, leakage, cc_per_es)

    return _efficiencies(labels, scores, limits, contamination, np.random.default_rng(seed), replicas)


def es_efficiencies_passing(
    labels: ArrayLike,
    scores: ArrayLike,
    cc_passing: Sequence[float] | np.ndarray,
    seed: int = 0,
    replicas: int = REPLICAS,
) -> list[Estimate]:
    """ES efficiency of the `passing_cut` at each share `cc_passing` (K,) of the CC events; otherwise as `es_efficiencies`."""
    labels, scores, limits = _checked(labels, scores, cc_passing, CC_PER_ES)
    return _efficiencies(labels, scores, limits, lambda _, leakage: leakage, np.random.default_rng(seed), replicas)


def _efficiencies(
    labels: np.ndarray,
    scores: np.ndarray,
    limits: np.ndarray,
    measure: Measure,
    generator: np.random.Generator,
    replicas: int,
) -> list[Estimate]:
    """The greatest ES efficiency of a cut whose `measure` keeps each of `limits` (K,); undefined when a class is absent.

    The interval is that of a bootstrap within each class, in which the cut is chosen anew; it is never narrower than
    Wilson's for a fixed cut, so that also a sample without a mistake leaves room. With n CC events no leakage below 1 / n
    is seen: where the limit asks for less, the cut lies above all of them and the value is too good. The interval knows:
    the CC are drawn by the Bayesian bootstrap (D. B. Rubin, Ann. Stat. 9 (1981) 130), in which the gaps between
    neighbouring scores, and that above the highest, each leak a random share of 1 / (n + 1) on average.
    """
    if _lacks_a_class(labels):
        return [UNDEFINED] * len(limits)
    thresholds, es, cc = _steps_passed(labels, scores)
    n_thresholds = len(thresholds)
    found = _best_efficiencies(_passing(es, n_thresholds), _passing(cc, n_thresholds), limits, measure)
    cc_above = np.searchsorted(cc, np.arange(n_thresholds), side="right")
    samples = np.empty((replicas, len(limits)))
    for sample in samples:  # one at a time: memory stays that of one sample
        efficiency = _passing(es[generator.integers(len(es), size=len(es))], n_thresholds)
        sample[:] = _best_efficiencies(efficiency, _drawn_leakage(cc_above, len(cc), generator), limits, measure)
    low, high = np.quantile(samples, [(1 - ONE_SIGMA) / 2, (1 + ONE_SIGMA) / 2], axis=0)
    fixed_low, fixed_high = binomial_interval(found * len(es), len(es))
    low, high = np.minimum(low, fixed_low), np.maximum(high, fixed_high)
    return [Estimate(*map(float, each)) for each in zip(found, low, high, strict=True)]


def tagging_metrics(
    labels: ArrayLike,
    scores: ArrayLike,
    energy: ArrayLike | None = None,
    cc_per_es: float = CC_PER_ES,
    seed: int = 0,
) -> Metrics:
    """Flat, JSON-safe metrics of a test part; None where undefined.

    `es_efficiency_at_4_percent_cc_passing` and `es_efficiency_at_4_percent_cc`, the same at 1 %, each with `_low` and `_high`;
    with the reconstructed `energy` (N,) in MeV also those of the events of each of ENERGY_BINS alone, which the names end in; and
    `expected_calibration_error` of the ES score in ten bins.
    """
    labels, scores = check_classification(labels, scores, CLASSES)
    groups = {"": np.ones(len(labels), bool)}
    if energy is not None:
        energy = np.asarray(energy)
        groups |= {f"_{name}": (energy >= low) & (energy < high) for name, (low, high) in ENERGY_BINS.items()}
    found: Metrics = {}
    limits = list(CC_SHARES.values())
    for group, rows in groups.items():
        for meaning, estimates in {
            "_passing": es_efficiencies_passing(labels[rows], scores[rows], limits, seed),
            "": es_efficiencies(labels[rows], scores[rows], limits, cc_per_es, seed),
        }.items():
            for name, estimate in zip(CC_SHARES, estimates, strict=True):
                key = f"es_efficiency_at_{name}_cc{meaning}{group}"
                found |= {key: estimate.value, f"{key}_low": estimate.low, f"{key}_high": estimate.high}
    found["expected_calibration_error"] = calibration_error(labels, scores)
    return {key: value if value is not None and np.isfinite(value) else None for key, value in found.items()}


def calibration_error(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Expected calibration error of the ES score in ten bins; None without events. ValueError as in `check_classification`."""
    labels, scores = check_classification(labels, scores, CLASSES)
    error = calibration_bins(labels == ES, scores[:, ES]).expected_error()
    return error if np.isfinite(error) else None


def _checked(
    labels: ArrayLike, scores: ArrayLike, contaminations: Sequence[float] | np.ndarray, cc_per_es: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    limits = np.asarray(contaminations, dtype=np.float64)
    if not np.all((limits >= 0) & (limits <= 1)):
        raise ValueError(f"a contamination is a share from 0 to 1, not {limits.tolist()}")
    if not 0 < cc_per_es < np.inf:
        raise ValueError(f"cc_per_es must be positive, not {cc_per_es}")
    return *check_classification(labels, scores, CLASSES), limits


def _lacks_a_class(labels: np.ndarray) -> bool:
    return bool(np.all(labels == CC) or np.all(labels == ES))


def _steps_passed(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds (T,) from the strictest down, and for ES and CC the first of them that each event passes, T for none.

    The ES scores are the only thresholds worth a try: any between two of them lets in more CC for the same ES. The
    events of a class are sorted, so that a bootstrap does not depend on their order.
    """
    score = scores[:, ES]
    rising = np.unique(score[labels == ES])
    first = len(rising) - np.searchsorted(rising, score, side="right")
    return rising[::-1], np.sort(first[labels == ES]), np.sort(first[labels == CC])


def _passing(first: np.ndarray, n_thresholds: int) -> np.ndarray:
    """Share of a class's events that pass each threshold (T,)."""
    return np.cumsum(np.bincount(first, minlength=n_thresholds)[:n_thresholds]) / len(first)


def _contamination(efficiency: np.ndarray, leakage: np.ndarray, cc_per_es: float) -> np.ndarray:
    selected = efficiency + cc_per_es * leakage
    return np.divide(cc_per_es * leakage, selected, out=np.zeros_like(selected), where=selected != 0)


def _last_allowed(limited: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """The loosest threshold (K,) that keeps each limit, -1 for none: contamination need not rise as the cut loosens."""
    least_from_here_on = np.minimum.accumulate(limited[::-1])[::-1]
    return np.searchsorted(least_from_here_on, limits + _ROUNDING, side="right") - 1


def _cut_at(
    thresholds: np.ndarray, efficiency: np.ndarray, leakage: np.ndarray, limited: np.ndarray, limits: np.ndarray
) -> Cut:
    place = _last_allowed(limited, limits)[0]
    if place < 0:
        return NO_CUT_ALLOWED
    return Cut(float(thresholds[place]), float(efficiency[place]), float(leakage[place]))


def _best_efficiencies(efficiency: np.ndarray, leakage: np.ndarray, limits: np.ndarray, measure: Measure) -> np.ndarray:
    place = _last_allowed(measure(efficiency, leakage), limits)
    return np.where(place < 0, 0.0, efficiency[place])


def _drawn_leakage(n_above: np.ndarray, n_events: int, generator: np.random.Generator) -> np.ndarray:
    """A leakage (T,) that the CC events may have come from; `n_above` (T,) of `n_events` pass each threshold.

    A threshold lies somewhere within a gap between two scores: a part of the gap's share passes as well.
    """
    share = generator.exponential(size=n_events + 1)
    passed = np.concatenate([[0.0], np.cumsum(share)])
    return (passed[n_above] + generator.random() * share[n_above]) / passed[-1]


# ---------------------------------------------------------------------------- temperature
def fit_temperature(labels: ArrayLike, scores: ArrayLike) -> float:
    """The temperature, within 0.1 to 10, that gives the scores of a validation part their least log loss; 1 without events.

    It goes to an end of that range where no least loss exists (one class only, or classes without overlap); scores of
    exactly 0 and 1 count as the last beside them in single precision.
    Source: temperature scaling, C. Guo et al., ICML 2017 (arXiv:1706.04599), section 4.2.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logit

    labels, scores = check_classification(labels, scores, CLASSES)
    if len(labels) == 0:
        return 1.0
    margin = np.clip(logit(scores[:, ES]), -_LARGEST_LOGIT, _LARGEST_LOGIT) * np.where(labels == ES, 1, -1)

    def mean_log_loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -margin * np.exp(-log_temperature)).mean())

    found = minimize_scalar(mean_log_loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def temperature_at_bound(temperature: float) -> bool:
    """Whether the fit went to an end of its range: the events that it was given do not tell the temperature."""
    return bool(np.any(np.abs(np.log(temperature) - np.log(TEMPERATURES)) < _BESIDE_BOUND))


def with_temperature(scores: ArrayLike, temperature: float) -> np.ndarray:
    """softmax(log scores / temperature), (N, 2) float64: nearer to 0.5 above temperature 1, farther below it.

    Decisions at 0.5 stay, and no two events change their order, though scores next to 1 may become equal.
    ValueError when the temperature is not positive.
    """
    from scipy.special import expit, logit

    if not 0 < temperature < np.inf:
        raise ValueError(f"a temperature must be positive, not {temperature}")
    scaled = logit(np.asarray(scores, dtype=np.float64)[:, ES]) / temperature
    return np.stack([expit(-scaled), expit(scaled)], axis=1)
