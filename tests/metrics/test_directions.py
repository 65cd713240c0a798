"""Metrics of a direction regressor against closed forms and invariances."""

import json

import numpy as np
import pytest

from python.detector.drift_frame import to_drift_frame
from python.metrics.directions import (
    COARSE_ENERGY_EDGES,
    DRIFT_COSINE_EDGES,
    FINE_ENERGY_EDGES,
    GROUP_METRICS,
    DirectionResults,
    calibration,
    direction_in_bins,
    direction_metrics,
    direction_statistics,
    opening_angles,
    pull_coverage,
)
from tests.directions.samples import direction_results, rotated_by, unit_vectors


def results_at(angles, **others):
    """Events with the given opening angles in degrees."""
    truth = unit_vectors(len(angles))
    columns = {"true_energy": np.full(len(angles), 15.0), "reconstructed_energy": np.full(len(angles), 14.0), **others}
    return DirectionResults(truth, rotated_by(truth, np.asarray(angles, float)), np.ones(len(angles)), **columns)


# ---------------------------------------------------------------------------- angles and input
@pytest.mark.parametrize("angle", [0, 1e-10, 1e-6, 1, 90, 179, 180 - 1e-6, 180])
def test_opening_angle_is_exact_at_both_ends(angle):
    vectors = unit_vectors(100)
    np.testing.assert_allclose(opening_angles(vectors, rotated_by(vectors, angle)), angle, rtol=1e-9, atol=2e-14 * 180)


def test_single_precision_is_normalised_and_anything_else_refused():
    truth = unit_vectors(5).astype(np.float32)
    others = (np.ones(5), np.ones(5), np.ones(5))
    assert np.abs(np.linalg.norm(DirectionResults(truth, truth, *others).truth, axis=1) - 1).max() < 1e-15
    with pytest.raises(ValueError, match="predicted: 5 rows are no unit vectors, the first is row 0"):
        DirectionResults(truth, 2 * truth, *others)
    with pytest.raises(ValueError, match="truth: 1 rows are no unit vectors, the first is row 3"):
        DirectionResults(np.where(np.arange(5)[:, None] == 3, np.nan, truth), truth, *others)
    with pytest.raises(ValueError, match=r"true_energy has shape \(4,\), it should have \(5,\)"):
        DirectionResults(truth, truth, np.ones(5), np.ones(4), np.ones(5))
    with pytest.raises(ValueError, match="face"):
        DirectionResults(truth, truth, np.zeros(5), np.ones(5), np.ones(5))
    with pytest.raises(ValueError, match="weights"):
        DirectionResults(truth, truth, *others, weights=np.full(5, -1.0))


def test_detector_axes_are_those_of_the_face():
    detector, face = unit_vectors(20), np.where(np.arange(20) % 2, 1, -1)
    drift = to_drift_frame(detector, face)
    results = DirectionResults(drift, -drift, face, np.ones(20), np.ones(20))
    truth, predicted = results.in_detector_axes()
    np.testing.assert_allclose(truth, detector)
    np.testing.assert_allclose(predicted, -detector)
    np.testing.assert_allclose(results.drift_cosine, np.abs(detector[:, 0]))


# ---------------------------------------------------------------------------- metrics
def test_metrics_of_ten_known_angles():
    metrics = direction_metrics(results_at([5, 10, 15, 20, 25, 30, 60, 100, 170, 180]))
    assert metrics["n"] == metrics["n_effective"] == 10
    assert metrics["mean_deg"] == pytest.approx(61.5)
    assert metrics["median_deg"] == metrics["containment_50_deg"] == pytest.approx(25)
    assert metrics["containment_25_deg"] == pytest.approx(15)
    assert metrics["containment_68_deg"] == pytest.approx(60)
    assert metrics["containment_90_deg"] == pytest.approx(170)
    assert metrics["axis_68_deg"] == pytest.approx(25)  # 0 5 10 10 15 20 25 30 60 80
    assert metrics["share_cos_above_0_9"] == pytest.approx(0.5)  # within 25.8 degrees
    assert metrics["share_reversed"] == pytest.approx(0.2)
    assert metrics["head_tail_accuracy"] == pytest.approx(0.7)
    for name in GROUP_METRICS:
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]


def test_rayleigh_angles_have_their_quantiles():
    rng = np.random.default_rng(0)
    found = direction_statistics(results_at(rng.rayleigh(10, 20_000)))
    for percent in (25, 50, 68, 90):
        value, low, high = found[f"containment_{percent}_deg"]
        expected = 10 * np.sqrt(-2 * np.log(1 - percent / 100))
        assert value == pytest.approx(expected, rel=0.03)
        assert low < value < high < 1.05 * low


def test_bias_is_the_mean_difference_of_each_component():
    results = direction_results(300)
    found = direction_statistics(results)
    bias = [found[f"bias_{name}"].value for name in "xyz"]
    np.testing.assert_allclose(bias, (results.predicted - results.truth).mean(axis=0))


def test_groups_are_the_events_of_their_true_energy():
    energy = np.array([3.0, 5, 10, 20, 30, 40, 50, np.nan])
    angle = 10.0 * np.arange(1, 9)
    metrics = direction_metrics(results_at(angle, true_energy=energy))
    groups = {"above_5_mev": 6, "above_10_mev": 5, "below_20_mev": 3, "20_to_40_mev": 2, "above_40_mev": 2}
    assert {name: metrics[f"n_{name}"] for name in groups} == groups
    assert metrics["mean_deg_20_to_40_mev"] == pytest.approx(45)
    assert metrics["mean_deg_above_40_mev"] == pytest.approx(65)
    assert "containment_68_deg_above_10_mev_low" in metrics


def test_weights_select_and_scale_freely():
    results = direction_results(400)
    chosen = np.arange(400) % 3 == 0
    of_subset = direction_metrics(results.select(chosen))
    weighted = direction_metrics(results.weighted_by(0.2 * chosen))
    for name in ("mean_deg", "containment_68_deg", "head_tail_accuracy", "axis_68_deg_above_10_mev", "pull_coverage"):
        assert weighted[name] == pytest.approx(of_subset[name])
    assert weighted["containment_68_deg_low"] == pytest.approx(of_subset["containment_68_deg_low"])
    assert weighted["n_effective"] == pytest.approx(of_subset["n"])


@pytest.mark.parametrize("n", [0, 1, 2, 30])
@pytest.mark.parametrize("uncertainty", [True, False])
def test_metrics_are_json_safe_for_any_number_of_events(n, uncertainty):
    metrics = direction_metrics(direction_results(n, uncertainty=uncertainty))
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["n"] == n
    assert (metrics["containment_68_deg"] is None) == (n == 0)
    assert ("pull_coverage" in metrics) == uncertainty
    assert set(metrics) == set(direction_metrics(direction_results(5, uncertainty=uncertainty)))


# ---------------------------------------------------------------------------- bins
def test_bins_hold_their_lower_edge_and_leave_out_the_rest():
    energy = np.array([4.9, 5, 9.9, 10, 50, 500, np.nan])
    angle = 10.0 * np.arange(1, 8)
    bins = direction_in_bins(results_at(angle, true_energy=energy), energy, FINE_ENERGY_EDGES)
    assert bins.entries.tolist() == [2, 1, 0, 0, 0, 2]
    np.testing.assert_allclose(bins.estimates["mean_deg"].value, [25, 40, np.nan, np.nan, np.nan, 55])
    np.testing.assert_allclose(bins.mean, [7.45, 10, np.nan, np.nan, np.nan, 275])
    assert direction_in_bins(results_at(angle), energy, COARSE_ENERGY_EDGES).entries.tolist() == [4, 0, 2]


def test_drift_cosine_bins_hold_every_event():
    results = direction_results(200)
    along = results.select(np.zeros(1, int))
    along = DirectionResults([[-1, 0, 0]], [[1, 0, 0]], along.face, along.true_energy, along.reconstructed_energy)
    assert direction_in_bins(results, results.drift_cosine, DRIFT_COSINE_EDGES).entries.sum() == 200
    assert direction_in_bins(along, along.drift_cosine, DRIFT_COSINE_EDGES).entries.tolist() == [0, 0, 0, 0, 1]


# ---------------------------------------------------------------------------- calibration
def calibrated(n, factor=1.0, seed=0):
    rng = np.random.default_rng(seed)
    scale = rng.uniform(5, 20, n)
    predicted = factor * scale * np.sqrt(-2 * np.log(1 - 0.68))
    return results_at(rng.rayleigh(scale), predicted_68_deg=predicted)


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_uncertainty_that_is_off_by_a_factor_is_seen_to_be(factor):
    results = calibrated(20_000, factor)
    groups = calibration(results)
    np.testing.assert_allclose(groups.actual.value / groups.predicted, 1 / factor, rtol=0.07)
    assert groups.entries.sum() == 20_000
    assert len(groups.entries) == 10
    assert groups.worst_ratio() == pytest.approx(1 / factor - 1, abs=0.13)
    assert direction_metrics(results)["calibration_worst_ratio"] == groups.worst_ratio()
    expected = 0.68 if factor == 1 else 1 - (1 - 0.68) ** 0.25  # a quarter of the squared angle
    coverage = pull_coverage(results)
    assert coverage.value == pytest.approx(expected, abs=0.015)
    assert coverage.low < coverage.value < coverage.high


def test_few_events_make_few_groups():
    assert len(calibration(calibrated(350)).entries) == 3
    assert len(calibration(calibrated(1)).entries) == 1
    assert len(calibration(calibrated(0)).entries) == 0
    assert np.isnan(calibration(calibrated(0)).worst_ratio())
    equal = results_at(np.full(500, 10.0), predicted_68_deg=np.full(500, 10.0))
    assert calibration(equal).entries.tolist() == [500]
    assert calibration(equal).worst_ratio() == pytest.approx(0)


def test_calibration_needs_an_uncertainty():
    with pytest.raises(ValueError, match="no predicted uncertainty"):
        calibration(direction_results(5, uncertainty=False))
