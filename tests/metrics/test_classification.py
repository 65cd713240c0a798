"""Metrics of a classifier against closed forms, invariances and a bootstrap."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from python.metrics.classification import (
    area_under_roc,
    binomial_interval,
    calibration_bins,
    classification_metrics,
    decisions,
)

TWO = ["background", "main_track"]
THREE = ["background", "es", "cc"]


def two_class_scores(positive_score):
    positive_score = np.asarray(positive_score)
    return np.stack([1 - positive_score, positive_score], axis=1)


def overlapping_sample(n, seed=0):
    generator = np.random.default_rng(seed)
    labels = (generator.random(n) < 0.3).astype(int)
    score = 1 / (1 + np.exp(-generator.normal(2 * labels - 1, 1.2)))
    return labels, two_class_scores(score)


# ---------------------------------------------------------------------------- intervals
@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (7, 7), (1, 10), (500, 1000), (3, 4)])
@pytest.mark.parametrize("level", [0.6827, 0.95])
def test_binomial_interval_is_that_of_wilson(successes, trials, level):
    oracle = binomtest(successes, trials).proportion_ci(level, method="wilson")
    low, high = binomial_interval(successes, trials, level)
    assert (float(low), float(high)) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_binomial_interval_is_vectorised_and_knows_nothing_without_trials():
    low, high = binomial_interval([0, 0, 5, 10], [0, 10, 10, 10])
    assert (low[0], high[0]) == (0, 1)
    assert low[1] == 0
    assert high[3] == 1
    assert low[2] + high[2] == pytest.approx(1)
    assert 1 - low[3] == pytest.approx(high[1])


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="between 0 and trials"):
        binomial_interval(3, 2)


def test_auc_of_separated_reversed_and_constant_scores():
    is_positive = np.arange(20) >= 10
    score = np.arange(20) / 20
    separated, reversed_, constant = (area_under_roc(is_positive, s) for s in (score, -score, np.ones(20)))
    assert (separated.value, separated.high) == (1, 1)
    assert 0.9 < separated.low < 1
    assert (reversed_.value, reversed_.low) == (0, 0)
    assert reversed_.high == pytest.approx(1 - separated.low)
    assert constant.value == 0.5
    assert constant.low < 0.5 < constant.high


def test_auc_counts_pairs_and_ties_by_half():
    is_positive = np.array([True, True, False, False, False])
    score = np.array([0.9, 0.5, 0.5, 0.1, 0.7])
    pairs_won = 3 + (0 + 0.5 + 1)
    assert area_under_roc(is_positive, score).value == pytest.approx(pairs_won / 6)


def test_auc_interval_of_one_against_one_leaves_everything_open():
    low = area_under_roc(np.array([True, False]), np.array([0.9, 0.1])).low
    # Newcombe's equation for m = n = 1: (1 - A)^2 = A (1 - A), so A = 1/2
    assert low == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(("n_positive", "n_negative", "contaminated"), [(200, 300, 0.0), (60, 1500, 0.2)])
def test_auc_interval_is_as_wide_as_a_bootstrap_says(n_positive, n_negative, contaminated):
    generator = np.random.default_rng(5)
    positive = generator.normal(2, 1, n_positive)
    positive[: int(contaminated * n_positive)] -= 2
    negative = generator.normal(0, 1, n_negative)
    is_positive = np.arange(n_positive + n_negative) < n_positive
    estimate = area_under_roc(is_positive, np.concatenate([positive, negative]))
    areas = []
    for _ in range(300):
        p, n = generator.choice(positive, n_positive), np.sort(generator.choice(negative, n_negative))
        areas.append(np.searchsorted(n, p).mean() / n_negative)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(np.std(areas), rel=0.15)


def test_auc_interval_covers_the_truth_two_times_in_three():
    generator = np.random.default_rng(6)
    truth = 0.5 * (1 + math.erf(1.5 / 2))  # normal scores, 1.5 apart
    is_positive = np.arange(80) < 30
    covered = 0
    for _ in range(300):
        score = np.where(is_positive, generator.normal(1.5, 1, 80), generator.normal(0, 1, 80))
        estimate = area_under_roc(is_positive, score)
        covered += estimate.low <= truth <= estimate.high
    assert 0.60 < covered / 300 < 0.76


# ---------------------------------------------------------------------------- metrics
def test_metrics_of_a_table_counted_by_hand():
    # background: 3 right, 1 wrong; main track: 4 right, 2 wrong
    labels = np.array([0] * 4 + [1] * 6)
    metrics = classification_metrics(labels, two_class_scores([0.1, 0.2, 0.3, 0.8, 0.9, 0.9, 0.9, 0.6, 0.4, 0.2]), TWO)
    assert metrics["accuracy"] == pytest.approx(7 / 10)
    assert metrics["precision"] == metrics["precision_main_track"] == pytest.approx(4 / 5)
    assert metrics["recall"] == metrics["recall_main_track"] == pytest.approx(4 / 6)
    assert metrics["f1"] == pytest.approx(8 / 11)
    assert metrics["precision_background"] == pytest.approx(3 / 5)
    assert metrics["recall_background"] == pytest.approx(3 / 4)
    assert metrics["f1_background"] == pytest.approx(6 / 9)
    assert (metrics["n_background"], metrics["n_main_track"], metrics["n_test"]) == (4, 6, 10)
    for name, successes, trials in [("accuracy", 7, 10), ("precision", 4, 5), ("recall_background", 3, 4)]:
        low, high = binomial_interval(successes, trials)
        assert (metrics[f"{name}_low"], metrics[f"{name}_high"]) == (low, high)
    true_scores = [0.9, 0.8, 0.7, 0.2, 0.9, 0.9, 0.9, 0.6, 0.4, 0.2]
    assert metrics["log_loss"] == pytest.approx(-np.mean(np.log(true_scores)))


def test_three_classes_are_averaged_over_classes():
    labels = np.array([0, 0, 1, 1, 2, 2])
    decided = np.array([0, 0, 1, 2, 2, 2])
    metrics = classification_metrics(labels, 0.7 * np.eye(3)[decided] + 0.1, THREE)
    assert metrics["recall"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert metrics["precision"] == pytest.approx((1 + 1 + 2 / 3) / 3)
    assert metrics["f1"] == pytest.approx((1 + 2 / 3 + 0.8) / 3)
    assert metrics["auc"] == pytest.approx((1 + 0.75 + 0.875) / 3)
    assert metrics["recall_low"] is None
    assert metrics["recall_es_low"] < 0.5 < metrics["recall_es_high"]


def test_a_tie_of_two_classes_goes_to_the_last_and_saturated_scores_are_no_trouble():
    assert decisions(np.array([[0.5, 0.5], [0.6, 0.4]])).tolist() == [1, 0]
    metrics = classification_metrics([0, 1], [[0.0, 1.0], [0.0, 1.0]], TWO)
    assert metrics["accuracy"] == 0.5
    assert math.isfinite(metrics["log_loss"])


def test_an_absent_class_is_undefined_not_zero():
    metrics = classification_metrics([0, 0, 2], np.eye(3)[[0, 0, 2]], THREE)
    assert metrics["accuracy"] == metrics["recall"] == metrics["precision"] == metrics["auc"] == 1
    assert all(metrics[f"{name}_es"] is None for name in ("precision", "recall", "f1", "auc"))
    assert metrics["n_es"] == 0


def test_an_empty_test_part_has_no_metrics():
    metrics = classification_metrics(np.zeros(0, int), np.zeros((0, 2)), TWO)
    assert metrics.pop("n_test") == metrics.pop("n_background") == metrics.pop("n_main_track") == 0
    assert set(metrics.values()) == {None}


def test_both_classes_of_two_have_one_auc_also_in_single_precision():
    score = np.float32([1e-9, 1e-8, 3e-9, 1e-3, 0.2])  # 1 - score is 1 for three of them
    metrics = classification_metrics([0, 1, 0, 1, 0], np.stack([1 - score, score], axis=1), TWO)
    assert metrics["auc_background"] == pytest.approx(metrics["auc_main_track"])
    assert metrics["auc"] == pytest.approx(4 / 6)


def test_order_of_samples_does_not_matter():
    labels, scores = overlapping_sample(500)
    order = np.random.default_rng(1).permutation(500)
    assert classification_metrics(labels[order], scores[order], TWO) == pytest.approx(
        classification_metrics(labels, scores, TWO)
    )


def test_a_monotone_transform_of_the_score_leaves_the_auc():
    labels, scores = overlapping_sample(500)
    before = classification_metrics(labels, scores, TWO)
    after = classification_metrics(labels, two_class_scores(scores[:, 1] ** 3), TWO)
    for key in ("auc", "auc_low", "auc_high"):
        assert after[key] == pytest.approx(before[key])
    assert after["accuracy"] != before["accuracy"]


def test_renaming_classes_in_another_order_renames_the_numbers():
    generator = np.random.default_rng(2)
    labels, scores = generator.integers(0, 3, 60), generator.dirichlet([1, 1, 1], 60)
    straight = classification_metrics(labels, scores, THREE)
    turned = classification_metrics((labels + 1) % 3, np.roll(scores, 1, axis=1), ["cc", "background", "es"])
    assert turned == pytest.approx(straight)


@pytest.mark.parametrize(
    ("labels", "scores", "names", "message"),
    [
        ([0, 1], [[0.5, 0.5]], TWO, "do not fit"),
        ([0], [[0.2, 0.3, 0.5]], TWO, "do not fit"),
        ([2], [[0.5, 0.5]], TWO, "0 to 1"),
        ([-1], [[0.5, 0.5]], TWO, "0 to 1"),
        ([0], [[0.9, 0.9]], TWO, "not probabilities"),
        ([0], [[np.nan, np.nan]], TWO, "not probabilities"),
        ([0], [[-0.5, 1.5]], TWO, "not probabilities"),
        ([0], [[1.0]], ["all"], "two or more"),
        ([0], [[0.5, 0.5]], ["a", "a"], "two or more"),
        ([0], [[0.5, 0.5]], ["low", "b"], "two or more"),
    ],
)
def test_what_does_not_fit_together_is_refused(labels, scores, names, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(labels, scores, names)


@settings(max_examples=60)
@given(st.data())
def test_any_sample_gives_json_safe_metrics_within_their_intervals(data):
    n_classes = data.draw(st.integers(2, 4))
    n = data.draw(st.integers(0, 30))
    labels = data.draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n))
    weights = data.draw(
        st.lists(st.lists(st.integers(0, 3), min_size=n_classes, max_size=n_classes), min_size=n, max_size=n)
    )
    scores = np.array(weights, dtype=np.float32).reshape(n, n_classes)
    scores[scores.sum(axis=1) == 0] = 1
    metrics = classification_metrics(
        np.array(labels, int), scores / scores.sum(axis=1, keepdims=True), [f"class {c}" for c in range(n_classes)]
    )
    json.dumps(metrics, allow_nan=False)
    assert sum(metrics[f"n_class {c}"] for c in range(n_classes)) == metrics["n_test"] == n
    for key, low in metrics.items():
        if key.endswith("_low") and low is not None:
            base = key.removesuffix("_low")
            assert 0 <= low <= metrics[base] <= metrics[f"{base}_high"] <= 1


# ---------------------------------------------------------------------------- calibration
def test_calibration_error_of_scores_that_are_off_by_a_tenth():
    score = np.repeat([0.25, 0.65], 100)
    is_positive = np.concatenate([np.arange(100) < 35, np.arange(100) < 75])
    bins = calibration_bins(is_positive, score)
    assert bins.entries.tolist() == [100, 100]
    assert bins.positives.tolist() == [35, 75]
    assert bins.expected_error() == pytest.approx(0.1)


def test_calibration_keeps_the_score_of_one_and_needs_samples():
    bins = calibration_bins(np.array([True, True]), np.array([1.0, 0.95]))
    assert bins.entries.tolist() == [2]
    assert math.isnan(calibration_bins(np.zeros(0, bool), np.zeros(0)).expected_error())
