"""Metrics of a direction regressor: opening angles, containment, head-tail, calibration, with intervals.

Angles are in degrees, energies in MeV; directions are unit vectors in the drift frame (`python.detector.drift_frame`) unless said
otherwise. Everything is weighted; intervals hold 68.27 %. Plots are in `python.plots`: `directions`,
`directions_by_energy`, `direction_maps` and `event_displays`; weights for a spectrum in `spectrum_weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from python.detector.drift_frame import to_detector_frame
from python.metrics.classification import Estimate, Estimates, Metrics
from python.metrics.weighted import (
    effective_number,
    mean_estimate,
    quantile_estimates,
    share_estimate,
    weighted_quantiles,
)

CONTAINMENTS = (25, 50, 68, 75, 90, 95)  # percent
COARSE_ENERGY_EDGES = (0.0, 20.0, 40.0, np.inf)
FINE_ENERGY_EDGES = (5.0, 10.0, 15.0, 20.0, 30.0, 50.0, np.inf)
DRIFT_COSINE_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
ENERGY_GROUPS = {  # suffix of the metrics of a group: low and high end of the true energy
    "above_5_mev": (5.0, np.inf),
    "above_10_mev": (10.0, np.inf),
    "below_20_mev": (-np.inf, 20.0),
    "20_to_40_mev": (20.0, 40.0),
    "above_40_mev": (40.0, np.inf),
}
GROUP_METRICS = (
    *("mean_deg", "median_deg", "containment_68_deg", "axis_68_deg"),
    *("head_tail_accuracy", "share_cos_above_0_9", "share_reversed"),
)
CALIBRATION_BINS = 10
_MIN_IN_CALIBRATION_BIN = 100  # its containment is then known to about 6 %
_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class DirectionResults:
    """True and predicted directions of N events. ValueError when shapes do not fit or directions are no unit vectors.

    `truth`, `predicted`: (N, 3), drift frame; `face`: (N,) +1 or -1, side of the wire planes; `true_energy`: kinetic energy of
    the electron, `reconstructed_energy`: that of the X cluster, (N,), NaN where unknown; `predicted_68_deg`: (N,) the angle that
    the network says to hold 68 %, or None; `weights`: (N,) non-negative, None for equal ones.
    """

    truth: np.ndarray
    predicted: np.ndarray
    face: np.ndarray
    true_energy: np.ndarray
    reconstructed_energy: np.ndarray
    predicted_68_deg: np.ndarray | None = None
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self) if getattr(self, field.name) is not None):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            expected = (len(self), 3) if name in ("truth", "predicted") else (len(self),)
            if values.shape != expected:
                raise ValueError(f"{name} has shape {values.shape}, it should have {expected}")
            object.__setattr__(self, name, values)
        for name in ("truth", "predicted"):
            length = np.linalg.norm(getattr(self, name), axis=1)
            wrong = np.flatnonzero(~(np.abs(length - 1) < _UNIT_TOLERANCE))  # NaN too
            if wrong.size:
                raise ValueError(f"{name}: {wrong.size} rows are no unit vectors, the first is row {wrong[0]}")
            object.__setattr__(self, name, getattr(self, name) / length[:, None])  # they may come in single precision
        if not np.isin(self.face, (-1, 1)).all():
            raise ValueError("face must be +1 or -1")
        if self.predicted_68_deg is not None and not np.all(self.predicted_68_deg >= 0):
            raise ValueError("predicted_68_deg must not be negative or NaN")
        if not (np.all(self.weight >= 0) and np.all(np.isfinite(self.weight))):
            raise ValueError("weights must be finite and not negative")

    def __len__(self) -> int:
        return len(self.truth)

    def select(self, which: np.ndarray) -> DirectionResults:
        """The events of a mask or of indices."""
        present = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: values[which] for name, values in present.items() if values is not None})

    def weighted_by(self, weights: np.ndarray | None) -> DirectionResults:
        """The same events with other weights (N,)."""
        return replace(self, weights=weights)

    @cached_property
    def weight(self) -> np.ndarray:
        """Weights (N,), ones where none were given."""
        return np.ones(len(self)) if self.weights is None else self.weights

    @cached_property
    def angle(self) -> np.ndarray:
        """Opening angles (N,) of truth and prediction in degrees."""
        return opening_angles(self.truth, self.predicted)

    @cached_property
    def axis_angle(self) -> np.ndarray:
        """Angles (N,) between the two axes, head and tail not told apart, 0 to 90 degrees."""
        return np.minimum(self.angle, 180 - self.angle)

    @cached_property
    def cosine(self) -> np.ndarray:
        """Cosines (N,) of the opening angles."""
        return np.cos(np.radians(self.angle))

    @property
    def drift_cosine(self) -> np.ndarray:
        """|cos| (N,) of the angle between the true direction and the drift axis: 1 for tracks along the drift."""
        return np.minimum(np.abs(self.truth[:, 0]), 1.0)

    def in_detector_axes(self) -> tuple[np.ndarray, np.ndarray]:
        """True and predicted directions (N, 3) in detector axes: x along the drift, y up, z along the beam."""
        return to_detector_frame(self.truth, self.face), to_detector_frame(self.predicted, self.face)


def opening_angles(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles (N,) in degrees between unit vectors (N, 3), exact to rounding at 0 and 180 degrees as well.

    2 atan2(|a - b|, |a + b|): W. Kahan, "How futile are mindless assessments of roundoff", 2006, section 12.
    """
    difference, total = np.linalg.norm(first - second, axis=-1), np.linalg.norm(first + second, axis=-1)
    return np.degrees(2 * np.arctan2(difference, total))


# ---------------------------------------------------------------------------- metrics
def direction_statistics(results: DirectionResults, seed: int = 0) -> dict[str, Estimate]:
    """Every metric with its interval, by name; NaN where undefined.

    `mean_deg`, `median_deg`, `containment_<25, 50, 68, 75, 90, 95>_deg` of the opening angle, `axis_68_deg` of the angle between
    the axes; `mean_cosine`; `bias_x`, `bias_y`, `bias_z`, the mean of predicted minus true component; `share_cos_above_0_9`,
    `share_reversed` (cos below -0.9), `head_tail_accuracy` (cos above 0: the right end of the axis).
    """
    angle, cosine, weight = results.angle, results.cosine, results.weight
    containments = quantile_estimates(angle, weight, np.array(CONTAINMENTS) / 100, seed)
    found = {f"containment_{percent}_deg": value for percent, value in zip(CONTAINMENTS, containments, strict=True)}
    found["median_deg"] = found["containment_50_deg"]
    found["mean_deg"] = mean_estimate(angle, weight)
    found["axis_68_deg"] = quantile_estimates(results.axis_angle, weight, [0.68], seed)[0]
    found["head_tail_accuracy"] = share_estimate(angle < 90, weight)
    found["share_cos_above_0_9"] = share_estimate(cosine > 0.9, weight)
    found["share_reversed"] = share_estimate(cosine < -0.9, weight)
    found["mean_cosine"] = mean_estimate(cosine, weight)
    for component, name in enumerate("xyz"):
        found[f"bias_{name}"] = mean_estimate(results.predicted[:, component] - results.truth[:, component], weight)
    return found


def direction_metrics(results: DirectionResults, seed: int = 0) -> Metrics:
    """Flat, JSON-safe metrics of a test part; None where undefined.

    The keys are those of `direction_statistics`, each with `_low` and `_high`; `GROUP_METRICS` also for the events of true
    energies in each of `ENERGY_GROUPS`, as `<metric>_<group>`, `<metric>_<group>_low`, `<metric>_<group>_high`; `n` and
    `n_<group>` the numbers of events, `n_effective` what they are worth with their weights. With a predicted uncertainty also
    `uncertainty_metrics`.
    """
    metrics: dict[str, float] = {}
    _put(metrics, direction_statistics(results, seed))
    numbers: Metrics = {"n": len(results)}
    for group, (low, high) in ENERGY_GROUPS.items():
        members = results.select((results.true_energy >= low) & (results.true_energy < high))  # none of unknown energy
        found = direction_statistics(members, seed)
        _put(metrics, {name: found[name] for name in GROUP_METRICS}, f"_{group}")
        numbers[f"n_{group}"] = len(members)
    metrics["n_effective"] = effective_number(results.weight)
    sureness = {} if results.predicted_68_deg is None else uncertainty_metrics(results, seed)
    return {**numbers, **_json_safe(metrics), **sureness}


def uncertainty_metrics(results: DirectionResults, seed: int = 0) -> Metrics:
    """Of the predicted 68 % angles: `pull_coverage`, the share of events within their own, with its interval,
    `calibration_worst_ratio` (see `Calibration`) and `mean_predicted_68_deg`. ValueError where there are none.
    """
    metrics = {"calibration_worst_ratio": calibration(results, seed=seed).worst_ratio()}
    _put(metrics, {"pull_coverage": pull_coverage(results)})
    predicted = np.asarray(results.predicted_68_deg)
    return _json_safe({**metrics, "mean_predicted_68_deg": mean_estimate(predicted, results.weight).value})


def _json_safe(metrics: dict[str, float]) -> Metrics:
    return {key: float(value) if np.isfinite(value) else None for key, value in metrics.items()}


def _put(metrics: dict[str, float], estimates: dict[str, Estimate], suffix: str = "") -> None:
    for name, estimate in estimates.items():
        for end, value in zip(("", "_low", "_high"), estimate, strict=True):
            metrics[f"{name}{suffix}{end}"] = value


# ---------------------------------------------------------------------------- bins
class DirectionBins(NamedTuple):
    """Metrics in B bins of some quantity, arrays of B entries; NaN where a bin is empty."""

    edges: np.ndarray  # (B + 1,)
    entries: np.ndarray  # events, whatever their weights
    mean: np.ndarray  # of the quantity
    estimates: dict[str, Estimates]  # as in `direction_statistics`


def direction_in_bins(
    results: DirectionResults, values: np.ndarray, edges: Sequence[float] | np.ndarray, seed: int = 0
) -> DirectionBins:
    """Metrics in bins of `values` (N,), NaN and what lies beyond `edges` (B + 1,) left out.

    A bin holds its lower edge and not its upper one, the last bin both. `values` are energies of `results` with
    `COARSE_ENERGY_EDGES` or `FINE_ENERGY_EDGES`, or `results.drift_cosine` with `DRIFT_COSINE_EDGES`.
    """
    edges = np.asarray(edges, float)
    place = np.where(values == edges[-1], len(edges) - 2, np.searchsorted(edges, values, side="right") - 1)
    place = np.where(np.isfinite(values), place, -1)
    chosen = [place == number for number in range(len(edges) - 1)]
    found = [direction_statistics(results.select(rows), seed) for rows in chosen]
    estimates = {name: Estimates.of([each[name] for each in found]) for name in found[0]}
    means = np.array([mean_estimate(values[rows], results.weight[rows]).value for rows in chosen])
    return DirectionBins(edges, np.array([rows.sum() for rows in chosen]), means, estimates)


# ---------------------------------------------------------------------------- calibration
class Calibration(NamedTuple):
    """Events grouped by their predicted 68 % angle, arrays of one length: its mean, and the angle that holds 68 % of them."""

    predicted: np.ndarray
    actual: Estimates
    entries: np.ndarray

    def worst_ratio(self) -> float:
        """The largest |actual / predicted - 1| of the groups; NaN without events."""
        sound = self.predicted > 0
        ratio = np.abs(self.actual.value[sound] / self.predicted[sound] - 1)
        return float(np.max(ratio, initial=-1.0)) if ratio.size else float("nan")


def calibration(results: DirectionResults, n_bins: int = CALIBRATION_BINS, seed: int = 0) -> Calibration:
    """Group events in quantiles of their predicted 68 % angle, of equal weight, `n_bins` or fewer: 100 events in each.

    ValueError when the results hold no prediction of it.
    """
    if results.predicted_68_deg is None:
        raise ValueError("these results hold no predicted uncertainty")
    present, predicted = results.select(results.weight > 0), results.predicted_68_deg[results.weight > 0]
    n_bins = int(np.clip(len(present) // _MIN_IN_CALIBRATION_BIN, 1, n_bins))
    inner_edges = weighted_quantiles(predicted, present.weight, np.arange(1, n_bins) / n_bins)
    group = np.searchsorted(inner_edges, predicted)
    chosen = [rows for number in range(n_bins) if (rows := group == number).any()]
    actual = [quantile_estimates(present.angle[rows], present.weight[rows], [0.68], seed)[0] for rows in chosen]
    means = [mean_estimate(predicted[rows], present.weight[rows]).value for rows in chosen]
    entries = np.array([rows.sum() for rows in chosen], dtype=np.int64)
    return Calibration(np.array(means), Estimates.of(actual), entries)


def pull_coverage(results: DirectionResults) -> Estimate:
    """Share of events within their own predicted 68 % angle: 0.68 when it is right on average."""
    if results.predicted_68_deg is None:
        raise ValueError("these results hold no predicted uncertainty")
    return share_estimate(results.angle <= results.predicted_68_deg, results.weight)
