"""When a burst's neutrinos come."""

import numpy as np
import pytest

from python.physics.light_curve import SPAN_S, rate, sample_times


def test_rate_is_that_of_one_event_in_all():
    at = np.linspace(0, SPAN_S, 100_001)
    assert np.trapezoid(rate(at), at) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(rate(np.array([-0.1, SPAN_S + 0.1])), [0, 0])


def test_drawn_times_follow_the_rate():
    times = sample_times(20_000, np.random.default_rng(1))
    assert times.min() >= 0
    assert times.max() <= SPAN_S
    at = np.linspace(0, SPAN_S, 10_001)
    for edge in (0.3, 1.0, 3.0, 7.0):
        expected = np.trapezoid(rate(at[at <= edge]), at[at <= edge])
        assert np.mean(times <= edge) == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(20_000))


def test_a_third_or_more_comes_in_the_first_second():
    """As of SN 1987A, of whose events 40 % did."""
    assert 0.3 < np.mean(sample_times(20_000, np.random.default_rng(2)) < 1) < 0.45
