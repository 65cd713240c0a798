"""What networks answered for the events of their test parts, ready to be measured together, also on a part of the events.

Two kinds: `DirectionAnswers` and `ClassAnswers`. Both tell which events they are for, choose rows, give the metrics of a
run's metrics.json, and give single metrics as functions of how often each event counts: what a bootstrap needs that draws
the same events for several networks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self

import numpy as np

from python.metrics.classification import Metrics, check_classification, classification_metrics, decisions, ranking
from python.metrics.directions import CONTAINMENTS, ENERGY_GROUPS, DirectionResults, direction_metrics
from python.metrics.spectrum_weights import elastic_scattering_spectrum, spectrum_weights
from python.metrics.tagging import CLASSES as TAGGED
from python.metrics.tagging import HEADLINE as TAGGING_HEADLINE
from python.metrics.tagging import tagging_metrics
from python.metrics.weighted import weighted_quantiles

FLUX = "gkvm"  # whose spectrum of elastic scattering a run's metrics are weighted to
Statistic = Callable[[np.ndarray], float]  # of how often each of N events counts, (N,)

_SMALLEST_SHARE = float(np.finfo(np.float64).eps)  # of a true class in its log loss, as scikit-learn has it


class Answers(Protocol):
    """What a network answered for N events; `events` tells each of them from all others."""

    headline: ClassVar[str]  # the metric that runs are ranked by
    columns: ClassVar[tuple[str, ...]]  # metrics that a table shows, the headline first
    followed: ClassVar[str]  # what the history of a training tells beside the loss

    @property
    def events(self) -> Sequence[Hashable]: ...

    def __len__(self) -> int: ...

    def select(self, rows: np.ndarray) -> Self:
        """The answers of these rows (n,), in this order."""

    def metrics(self) -> Metrics:
        """Flat, JSON-safe metrics under the names of metrics.json; None where undefined."""

    def statistic(self, metric: str) -> Statistic | None:
        """The metric as a function of how often each event counts, NaN where undefined; None for one that is no such function."""


# ---------------------------------------------------------------------------- directions
@dataclass(frozen=True)
class DirectionAnswers:
    """Directions of N events."""

    results: DirectionResults
    events: Sequence[Hashable]

    headline: ClassVar[str] = "containment_68_deg"
    columns: ClassVar[tuple[str, ...]] = (
        *("containment_68_deg", "median_deg", "axis_68_deg", "head_tail_accuracy"),
        f"{FLUX}_containment_68_deg_above_5_mev",
    )
    followed: ClassVar[str] = "angle"

    def __len__(self) -> int:
        return len(self.events)

    def select(self, rows: np.ndarray) -> DirectionAnswers:
        return DirectionAnswers(self.results.select(rows), [self.events[row] for row in rows])

    def metrics(self) -> Metrics:
        supernova = direction_metrics(self.results.weighted_by(self._supernova()))
        return {**direction_metrics(self.results), **{f"{FLUX}_{name}": value for name, value in supernova.items()}}

    def statistic(self, metric: str) -> Statistic | None:
        name = metric.removeprefix(f"{FLUX}_")
        weight = np.ones(len(self)) if name == metric else self._supernova()
        for group, (low, high) in ENERGY_GROUPS.items():
            if name.endswith(f"_{group}"):
                name = name.removesuffix(f"_{group}")
                weight = weight * ((self.results.true_energy >= low) & (self.results.true_energy < high))
        angle, cosine = self.results.angle, self.results.cosine
        quantiles = {f"containment_{percent}_deg": (angle, percent / 100) for percent in CONTAINMENTS}
        quantiles |= {"median_deg": (angle, 0.5), "axis_68_deg": (self.results.axis_angle, 0.68)}
        means = {
            "mean_deg": angle,
            "mean_cosine": cosine,
            "head_tail_accuracy": angle < 90,
            "share_cos_above_0_9": cosine > 0.9,
            "share_reversed": cosine < -0.9,
        }
        if name in quantiles:
            return _quantile(*quantiles[name], weight)
        return _mean(means[name], weight) if name in means else None

    def _supernova(self) -> np.ndarray:
        return spectrum_weights(self.results.true_energy, elastic_scattering_spectrum(FLUX))


# ---------------------------------------------------------------------------- classes
@dataclass(frozen=True)
class ClassAnswers:
    """Scores (N, C) of N events for the classes `class_names`; `energy` (N,), reconstructed, in MeV.

    ValueError as in `python.metrics.classification.check_classification`, or when an array has another length.
    """

    labels: np.ndarray
    scores: np.ndarray
    class_names: tuple[str, ...]
    energy: np.ndarray
    events: Sequence[Hashable]

    headline: ClassVar[str] = "auc"
    columns: ClassVar[tuple[str, ...]] = ("auc", "accuracy", "f1", TAGGING_HEADLINE, "baseline_auc")
    followed: ClassVar[str] = "auc"

    def __post_init__(self) -> None:
        labels, scores = check_classification(self.labels, self.scores, self.class_names)
        if not len(labels) == len(self.energy) == len(self.events):
            raise ValueError(
                f"{len(labels)} labels, {len(self.energy)} energies and {len(self.events)} events do not fit"
            )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "scores", scores)

    def __len__(self) -> int:
        return len(self.events)

    def select(self, rows: np.ndarray) -> ClassAnswers:
        return replace(
            self,
            labels=self.labels[rows],
            scores=self.scores[rows],
            energy=self.energy[rows],
            events=[self.events[row] for row in rows],
        )

    def metrics(self) -> Metrics:
        found = classification_metrics(self.labels, self.scores, self.class_names)
        return (
            {**found, **tagging_metrics(self.labels, self.scores, self.energy)} if self.class_names == TAGGED else found
        )

    def statistic(self, metric: str) -> Statistic | None:
        if metric == "accuracy":
            return _mean(decisions(self.scores) == self.labels, np.ones(len(self)))
        if metric == "log_loss":
            shares = self.scores / self.scores.sum(axis=1, keepdims=True)
            true_share = np.take_along_axis(shares, self.labels[:, None], axis=1)[:, 0]
            return _mean(-np.log(np.maximum(true_share, _SMALLEST_SHARE)), np.ones(len(self)))
        if metric == "auc":
            classes = [1] if len(self.class_names) == 2 else range(len(self.class_names))
            areas = [_area_under_roc(self.labels == c, ranking(self.scores, c)) for c in classes]
            return lambda counts: _mean_of_defined([area(counts) for area in areas])
        return None


# ---------------------------------------------------------------------------- statistics
def _quantile(values: np.ndarray, level: float, weight: np.ndarray) -> Statistic:
    order = np.argsort(values, kind="stable")
    values, weight = values[order], weight[order]
    return lambda counts: float(weighted_quantiles(values, weight * counts[order], [level])[0])


def _mean(values: np.ndarray, weight: np.ndarray) -> Statistic:
    def mean(counts: np.ndarray) -> float:
        total = np.dot(weight, counts)
        return float(np.dot(values * weight, counts) / total) if total > 0 else np.nan

    return mean


def _area_under_roc(is_positive: np.ndarray, score: np.ndarray) -> Statistic:
    """The share of pairs that are ranked rightly, of equal scores one half."""
    order = np.argsort(score, kind="stable")
    is_positive = is_positive[order]
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)  # of each group of equal scores

    def area(counts: np.ndarray) -> float:
        counts = counts[order]
        positive, negative = (np.add.reduceat(counts * chosen, starts) for chosen in (is_positive, ~is_positive))
        pairs = float(positive.sum()) * float(negative.sum())
        return float(np.dot(positive, np.cumsum(negative) - negative / 2)) / pairs if pairs > 0 else np.nan

    return area


def _mean_of_defined(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan
