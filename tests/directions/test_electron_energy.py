"""Energies that are estimated from the points around clusters."""

import json

import numpy as np
import pytest

from python.directions.electron_energy import LEAST_EVENTS, SIZES, EnergyEstimate, resolution
from python.general_purpose_libs import DataError

ADC_PER_MEV = 4100


def invented(n, seed=0):
    """Sums around n clusters, and energies: the charge on X, of which a fifth is lost, and 0.1 MeV for each point."""
    rng = np.random.default_rng(seed)
    charge, share = rng.uniform(3, 60, n), rng.uniform(0.5, 0.95, n)
    number = rng.poisson([[6.0, 4.0, 18.0]], (n, 3)) + 1
    integral = ADC_PER_MEV * charge[:, None] * np.stack([share, 1 - share, np.full(n, 0.5)], axis=1)
    sums = np.stack([number, integral, integral / 20], axis=2)
    return sums, charge / 0.8 + 0.1 * number[:, :2].sum(axis=1)


def test_what_was_lost_is_learnt_whatever_a_few_events_say():
    sums, energy = invented(3000)
    false = np.random.default_rng(1).random(3000) < 0.05
    estimate = EnergyEstimate.fit(sums, np.where(false, 3 * energy, energy))
    unseen, truth = invented(500, 2)
    found = estimate.energy(unseen)
    np.testing.assert_allclose(found, truth, rtol=0.03)
    charge = unseen[:, :2, 1].sum(axis=1) / ADC_PER_MEV
    told, plain = resolution(found, truth), resolution(charge, truth)
    assert abs(told.bias) < 0.005 < 0.15 < abs(plain.bias)
    assert told.half_width < 0.01 < plain.half_width


def test_beyond_what_was_fitted_it_goes_with_the_charge():
    sums, energy = invented(1000)
    estimate = EnergyEstimate.fit(sums, energy)
    far = 1e4 * sums[:5]
    np.testing.assert_allclose(estimate.energy(2 * far), 2 * estimate.energy(far))
    nothing = estimate.energy(np.zeros((1, 3, 3)))
    assert 0 < nothing < 1


def test_it_is_kept_as_plain_numbers():
    sums, energy = invented(LEAST_EVENTS)
    estimate = EnergyEstimate.fit(sums, energy)
    kept = json.loads(json.dumps(estimate.described()))
    np.testing.assert_array_equal(EnergyEstimate.of(kept).energy(sums), estimate.energy(sums))
    for wrong in (
        {},
        None,
        1.0,
        {**kept, "scale": [1.0]},
        {**kept, "coefficients": [np.nan] * SIZES["coefficients"][0]},
    ):
        with pytest.raises(ValueError, match="not an estimate of energies"):
            EnergyEstimate.of(wrong)


def test_too_few_events_of_known_energy_are_told():
    sums, energy = invented(LEAST_EVENTS + 5)
    energy[:10] = np.nan
    with pytest.raises(DataError, match=f"{LEAST_EVENTS - 5} events of known energy are too few"):
        EnergyEstimate.fit(sums, energy)


def test_resolution_is_that_of_a_normal_distribution():
    truth = np.random.default_rng(3).uniform(5, 50, 200_000)
    found = resolution(truth * np.random.default_rng(4).normal(1.02, 0.1, len(truth)), truth)
    np.testing.assert_allclose(found, (0.02, 0.1), atol=1e-3)
