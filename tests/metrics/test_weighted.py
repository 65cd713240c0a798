"""Weighted quantiles, means and shares against numpy, a plain bootstrap and invariances."""

import numpy as np
import pytest

from python.metrics.classification import binomial_interval
from python.metrics.weighted import (
    effective_number,
    mean_estimate,
    quantile_estimates,
    share_estimate,
    weighted_quantiles,
)

LEVELS = [0.0, 0.25, 0.5, 0.68, 0.95, 1.0]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 100, 101])
def test_quantiles_are_those_of_numpy(n):
    rng = np.random.default_rng(n)
    values, weights = rng.normal(size=n), rng.exponential(size=n)
    for w in (np.ones(n), weights):
        oracle = np.quantile(values, LEVELS, weights=w, method="inverted_cdf")
        np.testing.assert_array_equal(weighted_quantiles(values, w, LEVELS), oracle)


def test_an_event_of_weight_three_is_three_events():
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=50), rng.integers(0, 4, 50)
    repeated = np.repeat(values, counts)
    np.testing.assert_array_equal(
        weighted_quantiles(values, counts, LEVELS), weighted_quantiles(repeated, np.ones(len(repeated)), LEVELS)
    )
    assert mean_estimate(values, counts.astype(float)).value == pytest.approx(repeated.mean())


@pytest.mark.parametrize("n", [200, 10_000])  # one by one, and in blocks
def test_quantile_intervals_are_those_of_a_plain_bootstrap(n):
    rng = np.random.default_rng(1)
    values, weights = rng.exponential(size=n), rng.exponential(size=n)
    samples = [weighted_quantiles(values, weights * rng.poisson(1, n), [0.5, 0.9]) for _ in range(300)]
    plain = np.quantile(samples, [0.15865, 0.84135], axis=0).T
    for estimate, (low, high) in zip(
        quantile_estimates(values, weights, [0.5, 0.9], replicas=2000), plain, strict=True
    ):
        width = high - low
        assert estimate.low == pytest.approx(low, abs=0.15 * width)
        assert estimate.high == pytest.approx(high, abs=0.15 * width)


def test_quantile_interval_covers_the_truth_two_times_in_three():
    rng = np.random.default_rng(2)
    covered = 0
    for repetition in range(300):
        (estimate,) = quantile_estimates(rng.exponential(size=100), np.ones(100), [0.5], seed=repetition, replicas=100)
        covered += estimate.low <= np.log(2) <= estimate.high
    assert 0.60 < covered / 300 < 0.76


def test_intervals_follow_the_seed():
    values = np.random.default_rng(3).normal(size=300)
    assert quantile_estimates(values, np.ones(300), [0.68], 5) == quantile_estimates(values, np.ones(300), [0.68], 5)
    assert quantile_estimates(values, np.ones(300), [0.68], 5) != quantile_estimates(values, np.ones(300), [0.68], 6)


def test_mean_has_its_standard_error():
    values = np.random.default_rng(4).normal(3, 2, 500)
    estimate = mean_estimate(values, np.full(500, 0.1))
    error = values.std(ddof=1) / np.sqrt(500)
    assert estimate == pytest.approx((values.mean(), values.mean() - error, values.mean() + error))


def test_share_of_equal_weights_is_binomial():
    estimate = share_estimate(np.arange(10) < 9, np.full(10, 0.5))
    assert estimate == pytest.approx((0.9, *map(float, binomial_interval(9, 10))))
    assert effective_number(np.full(10, 0.5)) == pytest.approx(10)
    assert effective_number(np.array([1.0, 0, 0])) == 1


def test_one_event_has_no_interval_and_none_has_no_value():
    one, none = np.ones(1), np.ones(0)
    assert quantile_estimates(one, one, [0.68])[0].value == mean_estimate(one, one).value == 1
    assert np.isnan(quantile_estimates(one, one, [0.68])[0][1:]).all()
    assert np.isnan(mean_estimate(one, one)[1:]).all()
    for found in (quantile_estimates(none, none, [0.68])[0], mean_estimate(none, none), share_estimate(none > 0, none)):
        assert np.isnan(found).all()
    assert np.isnan(quantile_estimates(one, 0 * one, [0.68])[0]).all()
