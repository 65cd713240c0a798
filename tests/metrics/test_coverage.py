"""Shares inside regions and levels: against closed forms, and what is too little to tell."""

import numpy as np
import pytest

from python.metrics.coverage import LEVELS, DensityResults, coverage, coverage_error, density_metrics


def results(levels, energy=12.0, log_density=-1.0):
    n = len(levels)
    return DensityResults(np.full(n, log_density), np.asarray(levels, float), np.full(n, energy))


def test_levels_that_are_uniform_have_no_error():
    even = (np.arange(1000) + 0.5) / 1000
    np.testing.assert_allclose(coverage(even, LEVELS), LEVELS, atol=1e-9)
    assert coverage_error(even) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_the_error_of_levels_of_a_power(power):
    """Levels u^p are below x as often as u is below x^(1/p)."""
    levels = ((np.arange(10_000) + 0.5) / 10_000) ** power
    assert coverage_error(levels) == pytest.approx(np.max(np.abs(LEVELS ** (1 / power) - LEVELS)), abs=1e-3)


def test_metrics_overall_and_by_energy():
    even = (np.arange(500) + 0.5) / 500
    both = DensityResults(np.repeat([-1.0, 1.0], 500), np.concatenate([even, even / 2]), np.repeat([7.0, 40.0], 500))
    found = density_metrics(both)
    assert found["negative_log_likelihood"] == pytest.approx(0)
    assert found["negative_log_likelihood_high"] == pytest.approx(1 / np.sqrt(999))
    assert found["coverage_50"] == pytest.approx(0.75)
    assert found["coverage_error"] == pytest.approx(0.25)
    assert found["coverage_error_5_to_10_mev"] == pytest.approx(0, abs=1e-9)
    assert found["coverage_error_30_to_50_mev"] == pytest.approx(0.5)
    assert found["coverage_error_15_to_20_mev"] is None
    assert len(both.by_energy()["5_to_10_mev"]) == 500


@pytest.mark.parametrize("n", [0, 1, 99])
def test_too_few_events_have_no_error(n):
    found = density_metrics(results(np.full(n, 0.3)))
    assert found["coverage_error"] is None
    assert (found["negative_log_likelihood"] is None) == (n == 0)
    assert ("coverage_50" in found) == (n > 0)
