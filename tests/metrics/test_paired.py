"""Changes between two answers for the same events."""

import numpy as np
import pytest

from python.metrics.paired import change_of_mean, change_of_quantile


def test_a_change_common_to_all_is_known_exactly():
    before = np.random.default_rng(0).exponential(10, 500)
    for found in (change_of_mean(before, before + 3), change_of_quantile(before, before + 3, 0.68)):
        assert tuple(found) == pytest.approx((3, 3, 3))


def test_the_interval_holds_the_true_change_in_two_of_three_samples():
    generator = np.random.default_rng(1)
    inside = []
    for seed in range(120):
        before = generator.uniform(0, 1, 300)
        after = generator.uniform(0, 2, 300)  # the 68 % quantile goes from 0.68 to 1.36
        found = change_of_quantile(before, after, 0.68, seed)
        inside.append(found.low <= 0.68 <= found.high)
    assert np.mean(inside) == pytest.approx(0.68, abs=0.15)


def test_few_events_have_no_interval():
    assert np.isnan(change_of_quantile(np.empty(0), np.empty(0), 0.68).value)
    one = change_of_quantile(np.array([1.0]), np.array([3.0]), 0.68)
    assert (one.value, np.isnan(one.low)) == (2, True)
