"""The tagger's efficiency against brute force and closed forms; the temperature against its own closed forms."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from python.metrics.classification import binomial_interval, classification_metrics, decisions
from python.metrics.tagging import (
    CLASSES,
    TEMPERATURES,
    best_cut,
    es_efficiencies,
    es_efficiencies_passing,
    fit_temperature,
    passing_cut,
    tagging_metrics,
    temperature_at_bound,
    with_temperature,
)


def efficiency_at_contamination(labels, scores, contamination, *mixture, seed=0):
    return es_efficiencies(labels, scores, [contamination], *mixture, seed=seed)[0]


def two_columns(es_score):
    es_score = np.asarray(es_score, dtype=np.float64)
    return np.stack([1 - es_score, es_score], axis=1)


def normal_sample(n_es, n_cc, apart, seed):
    """ES and CC with normal log odds `apart` standard deviations; the scores are calibrated for as many ES as CC."""
    labels = np.repeat([1, 0], [n_es, n_cc])
    x = np.random.default_rng(seed).normal(np.where(labels == 1, apart / 2, -apart / 2), 1)
    return labels, two_columns(expit(apart * x))


def true_efficiency(apart, contamination, cc_per_es=10):
    def excess(cut):
        cc, es = cc_per_es * norm.sf(cut + apart / 2), norm.sf(cut - apart / 2)
        return cc / (es + cc) - contamination

    return norm.sf(brentq(excess, -10, 10) - apart / 2)


few_events = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), max_size=25)


def with_ties(events):
    labels, eighths = np.array(events, int).reshape(-1, 2).T
    return labels, two_columns(eighths / 8)


# ---------------------------------------------------------------------------- efficiency at a contamination
def test_cut_of_a_sample_counted_by_hand():
    labels = np.array([1, 1, 0, 1, 1, 0, 1, 0])
    scores = two_columns([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    # five ES, three CC, as many CC as ES: the share of CC is (k / 3) / (k / 3 + j / 5)
    for limit, threshold, efficiency, leakage in [
        (0.0, 0.8, 2 / 5, 0),
        (0.29, 0.8, 2 / 5, 0),
        (5 / 17, 0.5, 4 / 5, 1 / 3),
        (0.39, 0.5, 4 / 5, 1 / 3),
        (0.4, 0.3, 1, 2 / 3),
    ]:
        cut = best_cut(labels, scores, limit, cc_per_es=1)
        assert cut == pytest.approx((threshold, efficiency, leakage))
        assert cut.contamination(1) <= limit + 1e-9


@pytest.mark.parametrize(("contamination", "n_cc"), [(0.04, 240), (0.01, 990), (1 / 6, 50), (1 / 12, 110)])
def test_a_cut_that_reaches_the_limit_exactly_is_allowed(contamination, n_cc):
    # all ES and one CC: 10 / n_cc against 1
    numbers = [7, 1, n_cc - 1]
    labels, scores = np.repeat([1, 0, 0], numbers), two_columns(np.repeat([0.9, 0.9, 0.1], numbers))
    cut = best_cut(labels, scores, contamination)
    assert cut.es_efficiency == 1
    assert cut.contamination() == pytest.approx(contamination)
    assert best_cut(labels, scores, 0.99 * contamination).es_efficiency == 0


def test_a_looser_cut_is_found_behind_a_forbidden_one():
    labels = np.array([0, 1, 1, 1, 0])
    scores = two_columns([0.9, 0.8, 0.7, 0.6, 0.1])
    # the only event above 0.85 is CC; with all three ES it is (1/2) / (1/2 + 1)
    assert best_cut(labels, scores, 1 / 3, cc_per_es=1) == pytest.approx((0.6, 1, 0.5))
    assert best_cut(labels, scores, 0.3, cc_per_es=1) == (math.inf, 0, 0)


def test_nothing_allowed_is_no_efficiency_and_an_absent_class_is_unknown():
    reversed_scores = two_columns(np.repeat([0.1, 0.9], 50))
    value, low, high = efficiency_at_contamination(np.repeat([1, 0], 50), reversed_scores, 0.04)
    assert (value, low) == (0, 0)
    assert high == pytest.approx(float(binomial_interval(0, 50)[1]))
    for labels in (np.zeros(3, int), np.ones(3, int), np.zeros(0, int)):
        scores = two_columns(np.full(len(labels), 0.5))
        assert np.all(np.isnan(efficiency_at_contamination(labels, scores, 0.04)))
        assert np.all(np.isnan(best_cut(labels, scores, 0.04)))
        assert math.isnan(best_cut(labels, scores, 0.04).contamination())


@settings(max_examples=150, deadline=None)
@given(few_events, st.floats(0, 1), st.floats(0.1, 20))
def test_best_cut_is_the_best_of_all_cuts(events, limit, cc_per_es):
    labels, scores = with_ties(events)
    es, cc = scores[labels == 1, 1], scores[labels == 0, 1]
    if not (len(es) and len(cc)):
        return
    allowed = [0.0]
    for threshold in np.unique(scores[:, 1]):
        efficiency, leakage = np.mean(es >= threshold), cc_per_es * np.mean(cc >= threshold)
        if leakage / (efficiency + leakage) <= limit + 1e-12:
            allowed.append(efficiency)
    cut = best_cut(labels, scores, limit, cc_per_es)
    assert cut.es_efficiency == pytest.approx(max(allowed))
    assert cut.es_efficiency == pytest.approx(np.mean(es >= cut.threshold))
    assert cut.cc_leakage == pytest.approx(np.mean(cc >= cut.threshold))
    assert cut.contamination(cc_per_es) <= limit + 1e-9


@settings(max_examples=60, deadline=None)
@given(few_events, st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_intervals_hold_the_efficiency_which_grows_with_the_contamination(events, limits):
    labels, scores = with_ties(events)
    found = np.array(es_efficiencies(labels, scores, sorted(limits), replicas=20))
    if 0 < labels.sum() < len(labels):
        value, low, high = found.T
        assert np.all((low >= 0) & (low <= value) & (value <= high) & (high <= 1))
        assert np.all(np.diff(found, axis=0) >= 0)
        np.testing.assert_allclose(value, [best_cut(labels, scores, limit).es_efficiency for limit in sorted(limits)])
    else:
        assert np.isnan(found).all()


def test_the_ratio_of_the_test_sample_does_not_matter():
    labels, scores = normal_sample(500, 500, 3, seed=0)
    more_cc = np.concatenate([np.arange(1000), *4 * [np.arange(500, 1000)]])
    assert best_cut(labels[more_cc], scores[more_cc], 0.04) == pytest.approx(best_cut(labels, scores, 0.04))


def test_order_and_monotone_transforms_leave_the_efficiency_and_its_interval():
    labels, scores = normal_sample(300, 400, 2.5, seed=1)
    found = efficiency_at_contamination(labels, scores, 0.1, seed=3)
    order = np.random.default_rng(0).permutation(700)
    assert efficiency_at_contamination(labels[order], scores[order], 0.1, seed=3) == found
    assert efficiency_at_contamination(labels, two_columns(scores[:, 1] ** 2), 0.1, seed=3) == found
    assert efficiency_at_contamination(labels, scores, 0.1, seed=4)[1:] != found[1:]


def test_random_scores_select_nothing_below_the_mixture_and_all_at_it():
    labels, scores = normal_sample(2000, 2000, 0, seed=2)
    scores = two_columns(np.random.default_rng(2).random(4000))
    assert efficiency_at_contamination(labels, scores, 0.5).value < 0.01
    assert best_cut(labels, scores, 10 / 11).es_efficiency > 0.9
    assert best_cut(labels, scores, 1).es_efficiency == 1


def test_a_perfect_sample_leaves_room_for_what_it_has_not_seen():
    labels = np.repeat([1, 0], [400, 400])
    found = es_efficiencies(labels, two_columns(np.where(labels == 1, 0.9, 0.1)), [0.04, 0.0001])
    assert [estimate.value for estimate in found] == [1, 1]
    assert found[0].low == pytest.approx(float(binomial_interval(400, 400)[0]))
    assert found[1].low == 0  # 400 CC events do not show that only one in 100,000 leaks


@pytest.mark.parametrize(("apart", "contamination", "most"), [(3, 0.04, 0.85), (3, 0.01, 1.0)])
def test_interval_covers_the_truth_two_times_in_three_or_more(apart, contamination, most):
    truth = true_efficiency(apart, contamination)
    covered = 0
    for seed in range(100):
        labels, scores = normal_sample(1000, 1000, apart, seed)
        found = es_efficiencies(labels, scores, [contamination], seed=seed, replicas=100)[0]
        covered += found.low <= truth <= found.high
    assert 0.58 < covered / 100 <= most


def test_a_large_sample_finds_the_true_efficiency():
    labels, scores = normal_sample(200_000, 200_000, 3, seed=5)
    assert best_cut(labels, scores, 0.04).es_efficiency == pytest.approx(true_efficiency(3, 0.04), abs=0.02)
    assert best_cut(labels, scores, 0.04, cc_per_es=1).es_efficiency == pytest.approx(
        true_efficiency(3, 0.04, 1), abs=0.01
    )


@pytest.mark.parametrize(
    ("contamination", "cc_per_es", "message"),
    [
        (-0.1, 10, "share"),
        (1.1, 10, "share"),
        (math.nan, 10, "share"),
        (0.1, 0, "positive"),
        (0.1, math.inf, "positive"),
    ],
)
def test_impossible_contaminations_and_mixtures_are_refused(contamination, cc_per_es, message):
    for ask in (best_cut, efficiency_at_contamination):
        with pytest.raises(ValueError, match=message):
            ask([0, 1], two_columns([0.1, 0.9]), contamination, cc_per_es)


# ---------------------------------------------------------------------------- where a share of CC passes
def test_where_cc_pass_is_counted_by_hand():
    labels = np.array([1, 1, 0, 1, 1, 0, 1, 0])
    scores = two_columns([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    for share, threshold, efficiency, leakage in [
        (0.0, 0.8, 2 / 5, 0),
        (0.33, 0.8, 2 / 5, 0),
        (1 / 3, 0.5, 4 / 5, 1 / 3),
        (2 / 3, 0.3, 1, 2 / 3),
    ]:
        assert passing_cut(labels, scores, share) == pytest.approx((threshold, efficiency, leakage))
    assert passing_cut([0, 1], two_columns([0.9, 0.1]), 0.5) == (math.inf, 0, 0)
    assert np.all(np.isnan(passing_cut([1, 1], two_columns([0.9, 0.1]), 0.5)))


@settings(max_examples=60, deadline=None)
@given(few_events, st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_where_cc_pass_the_intervals_hold_the_efficiency_of_the_best_cut(events, limits):
    labels, scores = with_ties(events)
    found = np.array(es_efficiencies_passing(labels, scores, sorted(limits), replicas=20))
    if 0 < labels.sum() < len(labels):
        es, cc = scores[labels == 1, 1], scores[labels == 0, 1]
        value, low, high = found.T
        assert np.all((low >= 0) & (low <= value) & (value <= high) & (high <= 1))
        for limit, efficiency in zip(sorted(limits), value, strict=True):
            allowed = [np.mean(es >= cut) for cut in scores[:, 1] if np.mean(cc >= cut) <= limit + 1e-12]
            assert efficiency == pytest.approx(max(allowed, default=0.0))
    else:
        assert np.isnan(found).all()


def test_where_cc_pass_a_large_sample_finds_the_true_efficiency_and_small_ones_cover_it():
    truth = norm.sf(norm.isf(0.04) - 2)
    labels, scores = normal_sample(100_000, 20_000, 2, seed=5)
    assert passing_cut(labels, scores, 0.04).es_efficiency == pytest.approx(truth, abs=0.01)
    covered = 0
    for seed in range(100):
        labels, scores = normal_sample(500, 1000, 2, seed)
        found = es_efficiencies_passing(labels, scores, [0.04], seed=seed, replicas=100)[0]
        covered += found.low <= truth <= found.high
    assert 0.55 < covered / 100 < 0.85


# ---------------------------------------------------------------------------- metrics
def test_metrics_are_the_efficiencies_and_the_calibration_error():
    labels, scores = normal_sample(400, 600, 4, seed=6)
    energy = np.random.default_rng(6).uniform(0, 50, 1000)
    metrics = tagging_metrics(labels, scores, energy, seed=2)
    bins = {"": (0, 50), "_3_to_10_mev": (3, 10), "_10_to_20_mev": (10, 20), "_20_to_40_mev": (20, 40)}
    for group, (low, high) in bins.items():
        mine = (energy >= low) & (energy < high)
        for name, limit in (("4", 0.04), ("1", 0.01)):
            for meaning, efficiencies in {"": es_efficiencies, "_passing": es_efficiencies_passing}.items():
                key = f"es_efficiency_at_{name}_percent_cc{meaning}{group}"
                found = (metrics.pop(key), metrics.pop(f"{key}_low"), metrics.pop(f"{key}_high"))
                assert found == efficiencies(labels[mine], scores[mine], [limit], seed=2)[0]
    assert list(metrics) == ["expected_calibration_error"]
    # every ES at 0.75 although nine in ten of that score are ES
    labels = np.repeat([1, 0], [90, 10])
    assert tagging_metrics(labels, two_columns(np.full(100, 0.75)))["expected_calibration_error"] == pytest.approx(0.15)


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_metrics_without_both_classes_are_json_safe(labels):
    metrics = tagging_metrics(np.array(labels, int), two_columns(np.full(len(labels), 0.3)))
    json.dumps(metrics, allow_nan=False)
    assert (metrics.pop("expected_calibration_error") is None) == (not labels)
    assert len(metrics) == 12
    assert set(metrics.values()) == {None}


# ---------------------------------------------------------------------------- temperature
def test_temperature_of_one_score_has_a_closed_form():
    # every decision is given with 0.9, three in four are right: 0.9 must become 0.75, log 9 / T = log 3
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    scores = two_columns([0.9] * 4 + [0.1] * 4)
    temperature = fit_temperature(labels, scores)
    assert temperature == pytest.approx(2, rel=1e-4)
    np.testing.assert_allclose(with_temperature(scores, temperature), np.where(scores == 0.9, 0.75, 0.25), atol=1e-4)
    # and with 0.6 where three in four are right: too shy
    assert fit_temperature(labels, two_columns([0.6] * 4 + [0.4] * 4)) == pytest.approx(
        math.log(1.5) / math.log(3), rel=1e-4
    )


@pytest.mark.parametrize(
    ("labels", "scores"),
    [([1, 1, 1], [0.7, 0.8, 0.9]), ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9])],
    ids=["one channel", "without overlap", "always wrong"],
)
def test_a_temperature_that_the_events_do_not_tell_is_at_its_bound(labels, scores):
    assert temperature_at_bound(fit_temperature(labels, two_columns(scores)))
    assert not temperature_at_bound(fit_temperature([1, 1, 1, 0], two_columns([0.9] * 4)))
    assert not temperature_at_bound(fit_temperature([], two_columns([])))


def test_temperature_is_what_it_was_made_with():
    labels, scores = normal_sample(2000, 2000, 2, seed=7)
    own = fit_temperature(labels, scores)
    assert own == pytest.approx(1, abs=0.1)
    for factor in (0.4, 1.5):
        assert fit_temperature(labels, with_temperature(scores, 1 / factor)) == pytest.approx(factor * own, rel=1e-3)


def test_the_fitted_temperature_has_the_least_log_loss():
    labels, scores = normal_sample(300, 200, 1.5, seed=8)
    scores = with_temperature(scores, 0.5)

    def log_loss(temperature):
        return classification_metrics(labels, with_temperature(scores, temperature), CLASSES)["log_loss"]

    best = fit_temperature(labels, scores)
    assert all(log_loss(best) < log_loss(factor * best) for factor in (0.5, 0.98, 1.02, 2))


def test_temperature_mends_the_calibration_but_not_the_ranking():
    labels, scores = normal_sample(3000, 3000, 2, seed=9)
    scores = with_temperature(scores, 1 / 3)
    mended = with_temperature(scores, fit_temperature(labels, scores))
    before, after = tagging_metrics(labels, scores), tagging_metrics(labels, mended)
    assert after.pop("expected_calibration_error") < 0.3 * before.pop("expected_calibration_error")
    assert after == before


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 0], [0, 0, 1], [1, 1, 0], [0, 1, 0]])
@pytest.mark.parametrize("es_score", [[0.2, 0.4, 0.9], [0.0, 0.0, 1.0], [0.5, 0.5, 0.5], [0.0, 0.6, 1.0]])
def test_temperature_is_bounded_and_the_new_scores_are_probabilities(labels, es_score):
    temperature = fit_temperature(labels, two_columns(es_score))
    assert TEMPERATURES[0] <= temperature <= TEMPERATURES[1]
    classification_metrics(labels, with_temperature(two_columns(es_score), temperature), CLASSES)


def test_a_saturated_wrong_score_counts_as_the_last_of_single_precision():
    labels = np.array([1] * 30 + [0] * 31)
    good = np.concatenate([np.linspace(0.3, 1, 30), np.linspace(0, 0.7, 30)])
    saturated, last = (fit_temperature(labels, two_columns([*good, worst])) for worst in (1.0, 1 - 2.0**-24))
    assert saturated == pytest.approx(last)
    assert 1 < last < TEMPERATURES[1] / 2


def test_separable_parts_go_to_an_end_and_no_part_changes_nothing():
    scores = two_columns([0.3, 0.4, 0.6])
    assert fit_temperature([0, 0, 1], scores) == pytest.approx(TEMPERATURES[0], rel=1e-3)
    assert fit_temperature([1, 1, 0], scores) == pytest.approx(TEMPERATURES[1], rel=1e-3)
    assert fit_temperature(np.zeros(0, int), np.zeros((0, 2))) == 1
    assert with_temperature(np.zeros((0, 2)), 2).shape == (0, 2)


single_scores = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=10)


@settings(max_examples=100)
@given(single_scores, st.floats(*TEMPERATURES))
def test_temperature_keeps_decisions_and_ranking(es_score, temperature):
    scores = two_columns(np.sort(es_score))
    scaled = with_temperature(scores, temperature)
    np.testing.assert_allclose(scaled.sum(axis=1), 1)
    assert np.all(np.diff(scaled[:, 1]) >= 0)
    np.testing.assert_array_equal(decisions(scaled), decisions(scores))


@settings(max_examples=100)
@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=10), st.floats(0.5, 4), st.floats(0.5, 4))
def test_temperatures_multiply(es_score, first, second):
    scores = two_columns(es_score)
    np.testing.assert_allclose(with_temperature(scores, 1), scores, atol=1e-12)
    np.testing.assert_allclose(
        with_temperature(with_temperature(scores, first), second), with_temperature(scores, first * second), atol=1e-9
    )


@pytest.mark.parametrize("temperature", [0, -1, math.inf, math.nan])
def test_impossible_temperatures_are_refused(temperature):
    with pytest.raises(ValueError, match="positive"):
        with_temperature(two_columns([0.5]), temperature)
