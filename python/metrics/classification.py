"""Metrics of a classifier: accuracy, precision, recall, F1, AUC and log loss, overall and per class, with intervals.

Everywhere: `labels` (N,) integer class indices; `scores` (N, C) class probabilities in the order of `class_names`,
C >= 2. With two classes the last one is the positive class. Intervals hold 68.27 % unless said otherwise.
The plots of a classifier are in `python.plots.classifier`. SciPy and scikit-learn are imported where they are used: who only
asks a network needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

ONE_SIGMA = 0.6827
Metrics = dict[str, float | int | None]

_RESERVED_NAMES = {"low", "high", "test"}  # precision_low and n_test are keys of their own


class Estimate(NamedTuple):
    """A value and the ends of its interval; NaN where undefined."""

    value: float
    low: float
    high: float


class Estimates(NamedTuple):
    """Values and the ends of their intervals, arrays (N,); NaN where undefined."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, estimates: Sequence[Estimate]) -> Estimates:
        """What N estimates, none allowed, say side by side."""
        return cls(*np.reshape(estimates, (-1, 3)).T)


UNDEFINED = Estimate(np.nan, np.nan, np.nan)


# ---------------------------------------------------------------------------- input
def check_classification(
    labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as (N,) int64 and scores as (N, C) float64, none above 1.

    ValueError when shapes, label range or class names do not fit, or scores are not probabilities (tolerance 1e-3).
    """
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    n_classes = len(class_names)
    if n_classes < 2 or len(set(class_names)) != n_classes or _RESERVED_NAMES & set(class_names):
        reserved = ", ".join(sorted(_RESERVED_NAMES))
        raise ValueError(f"two or more different class names are needed, none of {reserved}: {list(class_names)}")
    if labels.ndim != 1 or scores.shape != (len(labels), n_classes):
        raise ValueError(f"labels {labels.shape} and scores {scores.shape} do not fit {n_classes} classes")
    if not np.isin(labels, np.arange(n_classes)).all():
        raise ValueError(f"labels must be 0 to {n_classes - 1}, they hold {np.unique(labels)[:10]}")
    if not (np.all(scores >= 0) and np.all(np.abs(scores.sum(axis=1) - 1) < 1e-3)):
        raise ValueError("scores are not probabilities: each row must be non-negative and sum to 1")
    return labels.astype(np.int64), np.minimum(scores, 1)  # dividing by the sums would break ties by rounding


def decisions(scores: np.ndarray) -> np.ndarray:
    """Decided class of each row (N,): of two classes the last one from a score of 0.5 up, else the largest score."""
    if scores.shape[1] == 2:
        return (scores[:, 1] >= 0.5).astype(np.int64)
    return scores.argmax(axis=1)


def ranking(scores: np.ndarray, class_index: int) -> np.ndarray:
    """What orders the samples (N,) for `class_index` against the rest.

    With two classes it is always the last score, reversed for the first class: 1 - p in single precision has ties
    near 1 that p has not near 0, and the two AUC would differ.
    """
    if scores.shape[1] == 2:
        return scores[:, 1] if class_index == 1 else -scores[:, 1]
    return scores[:, class_index]


def described_classes(class_names: Sequence[str]) -> list[int]:
    """Classes to show one against the rest: with two, the positive one says it all."""
    return [1] if len(class_names) == 2 else list(range(len(class_names)))


# ---------------------------------------------------------------------------- intervals
def binomial_interval(
    successes: ArrayLike, trials: ArrayLike, level: float = ONE_SIGMA
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of fractions: (low, high), each of the broadcast shape; (0, 1) without trials.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    from scipy.special import ndtri

    k, n = np.broadcast_arrays(np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64))
    if np.any(k < 0) or np.any(k > n):
        raise ValueError("successes must lie between 0 and trials")
    z2 = ndtri((1 + level) / 2) ** 2
    centre = (k + z2 / 2) / (n + z2)
    half_width = np.sqrt(z2 * (k * (n - k) / np.maximum(n, 1) + z2 / 4)) / (n + z2)
    low = np.where(k == 0, 0.0, np.maximum(centre - half_width, 0.0))
    high = np.where(k == n, 1.0, np.minimum(centre + half_width, 1.0))
    return low, high


def fraction(successes: int, trials: int) -> Estimate:
    """successes / trials with its binomial interval; undefined without trials."""
    if trials == 0:
        return UNDEFINED
    low, high = binomial_interval(successes, trials)
    return Estimate(successes / trials, float(low), float(high))


def area_under_roc(is_positive: np.ndarray, score: np.ndarray, level: float = ONE_SIGMA) -> Estimate:
    """Area under the ROC curve of `score` (N,) for `is_positive` (N,) bool; undefined when one side is empty.

    The interval has DeLong's variance, symmetric in logit(AUC) so that it stays within 0 to 1. Where that variance
    vanishes or is unknown (every pair ranked alike, a class of one sample) it is Newcombe's score interval.
    Sources: E. R. DeLong et al., Biometrics 44 (1988) 837, in the rank form of X. Sun and W. Xu, IEEE Signal Process.
    Lett. 21 (2014) 1389; R. G. Newcombe, Stat. Med. 25 (2006) 559, method 5 (the variance of J. A. Hanley and
    B. J. McNeil, Radiology 143 (1982) 29, at the true area).
    """
    from scipy.special import expit, logit, ndtri
    from sklearn.metrics import roc_auc_score

    m = int(np.count_nonzero(is_positive))
    n = len(is_positive) - m
    if m == 0 or n == 0:
        return UNDEFINED
    area = float(roc_auc_score(is_positive, score))
    z = float(ndtri((1 + level) / 2))
    deviation = _delong_deviation(is_positive, score) if min(m, n) > 1 else 0.0
    if deviation > 0 and 0 < area < 1:
        spread = z * deviation / (area * (1 - area))
        return Estimate(area, float(expit(logit(area) - spread)), float(expit(logit(area) + spread)))
    return Estimate(area, _newcombe_low(area, m, n, z), 1 - _newcombe_low(1 - area, m, n, z))


def _delong_deviation(is_positive: np.ndarray, score: np.ndarray) -> float:
    """Standard deviation of the area, from how the share of the other class that a sample beats varies in its class."""
    from scipy.stats import rankdata

    positive, negative = score[is_positive], score[~is_positive]
    rank = rankdata(score)
    beaten_by_positive = (rank[is_positive] - rankdata(positive)) / len(negative)
    beaten_by_negative = (rank[~is_positive] - rankdata(negative)) / len(positive)
    variance = beaten_by_positive.var(ddof=1) / len(positive) + beaten_by_negative.var(ddof=1) / len(negative)
    return float(np.sqrt(variance))


def _newcombe_low(area: float, m: int, n: int, z: float) -> float:
    """The smaller true area from which `area` is z standard deviations away."""
    from scipy.optimize import brentq

    if area == 0:
        return 0.0

    def excess(true_area: float) -> float:
        pairs = (m + n) / 2 - 1
        shape = (1 - true_area) / (2 - true_area) + true_area / (1 + true_area)
        variance = true_area * (1 - true_area) * (1 + pairs * shape) / (m * n)
        return area - true_area - z * np.sqrt(variance)

    return float(brentq(excess, 0.0, area * (1 - 1e-12)))  # at area = 1 the upper end itself is a second root


# ---------------------------------------------------------------------------- metrics
def classification_metrics(labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]) -> Metrics:
    """Flat, JSON-safe metrics of a test part; None where undefined (a class is absent, or was never decided).

    `accuracy`, `precision`, `recall`, `auc`, each with `_low` and `_high`, and `f1`: for two classes those of the last
    class, for more the mean over the classes where each is defined (such a mean has no binomial interval: None).
    `<metric>_<class>` the same for each class against the rest; `n_<class>`, `n_test`; `log_loss` in nats.
    The decision is that of `decisions`. ValueError as in `check_classification`.
    """
    labels, scores = check_classification(labels, scores, class_names)
    counts = confusion_counts(labels, scores)
    per_class = _metrics_of_classes(labels, scores, counts)
    metrics: dict[str, float] = {}
    _put(metrics, "accuracy", fraction(int(np.trace(counts)), len(labels)))
    for name, estimates in per_class.items():
        _put(metrics, name, estimates[1] if len(class_names) == 2 else _mean_of_defined(estimates))
    for index, class_name in enumerate(class_names):
        for name, estimates in per_class.items():
            _put(metrics, name, estimates[index], f"_{class_name}")
    none_as_undefined: Metrics = {key: float(value) if np.isfinite(value) else None for key, value in metrics.items()}
    sizes = {f"n_{name}": int(size) for name, size in zip(class_names, counts.sum(axis=1), strict=True)}
    return {**none_as_undefined, **sizes, "n_test": len(labels), "log_loss": _log_loss(labels, scores)}


def _log_loss(labels: np.ndarray, scores: np.ndarray) -> float | None:
    from sklearn.metrics import log_loss

    if len(labels) == 0:
        return None
    return float(log_loss(labels, scores / scores.sum(axis=1, keepdims=True), labels=range(scores.shape[1])))


def confusion_counts(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Counts (C, C): row the true class, column the decided one."""
    from sklearn.metrics import confusion_matrix

    n_classes = scores.shape[1]
    if len(labels) == 0:
        return np.zeros((n_classes, n_classes), dtype=np.int64)
    return confusion_matrix(labels, decisions(scores), labels=range(n_classes))


def _metrics_of_classes(labels: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> dict[str, list[Estimate]]:
    from sklearn.metrics import precision_recall_fscore_support

    classes = range(scores.shape[1])
    right = np.diagonal(counts)
    f1 = np.full(len(classes), np.nan)
    if len(labels):
        f1 = precision_recall_fscore_support(labels, decisions(scores), labels=classes, zero_division=np.nan)[2]
    return {
        "precision": [fraction(int(right[c]), int(counts[:, c].sum())) for c in classes],
        "recall": [fraction(int(right[c]), int(counts[c].sum())) for c in classes],
        "f1": [Estimate(float(f1[c]), np.nan, np.nan) for c in classes],
        "auc": [area_under_roc(labels == c, ranking(scores, c)) for c in classes],
    }


def _mean_of_defined(estimates: list[Estimate]) -> Estimate:
    values = [estimate.value for estimate in estimates if np.isfinite(estimate.value)]
    return Estimate(float(np.mean(values)), np.nan, np.nan) if values else UNDEFINED


def _put(metrics: dict[str, float], name: str, estimate: Estimate, suffix: str = "") -> None:
    metrics[name + suffix] = estimate.value
    if name != "f1":  # no fraction of independent samples
        metrics[f"{name}{suffix}_low"] = estimate.low
        metrics[f"{name}{suffix}_high"] = estimate.high


# ---------------------------------------------------------------------------- calibration
class CalibrationBins(NamedTuple):
    """Samples grouped by score, empty groups left out: arrays of one length."""

    mean_score: np.ndarray
    positives: np.ndarray
    entries: np.ndarray

    def expected_error(self) -> float:
        """Mean over samples of |fraction of positives - mean score| of the group; NaN without samples.

        Source: expected calibration error, C. Guo et al., ICML 2017 (arXiv:1706.04599), eq. 3, for one class's score.
        """
        if self.entries.sum() == 0:
            return float("nan")
        gap = np.abs(self.positives / self.entries - self.mean_score)
        return float(np.average(gap, weights=self.entries))


def calibration_bins(is_positive: np.ndarray, score: np.ndarray, n_bins: int = 10) -> CalibrationBins:
    """Group samples by `score` (N,) in `n_bins` equal steps from 0 to 1 and count the positives of each group."""
    group = np.minimum((score * n_bins).astype(np.int64), n_bins - 1)
    entries = np.bincount(group, minlength=n_bins)
    filled = entries > 0
    entries = entries[filled]
    positives = np.bincount(group, weights=is_positive, minlength=n_bins)[filled]
    mean_score = np.bincount(group, weights=score, minlength=n_bins)[filled] / entries
    return CalibrationBins(mean_score, positives.astype(np.int64), entries)
