"""Weights turn one spectrum into another; the spectrum of elastic scattering is that of the simulation."""

from itertools import pairwise

import numpy as np
import pytest

from python.metrics.spectrum_weights import elastic_scattering_spectrum, spectrum_weights
from python.physics.elastic_scattering import sample_fluences
from python.physics.flux import FLUENCES


@pytest.mark.parametrize("flux", FLUENCES)
def test_spectrum_is_that_of_simulated_scatterings(flux):
    energies, density = elastic_scattering_spectrum(flux)
    sampled = sample_fluences(FLUENCES[flux], (0.0, np.inf), 40_000, np.random.default_rng(0))[2]
    mean = np.trapezoid(energies * density, energies) / np.trapezoid(density, energies)
    assert mean == pytest.approx(sampled.mean(), abs=4 * sampled.std() / 200)
    above = [np.trapezoid(np.where(energies >= t, density, 0), energies) for t in (0, 10)]
    assert above[1] / above[0] == pytest.approx(np.mean(sampled > 10), abs=0.02)


def test_mean_energy_of_gkvm_scatterings():
    energies, density = elastic_scattering_spectrum()
    mean = np.trapezoid(energies * density, energies) / np.trapezoid(density, energies)
    assert mean == pytest.approx(9.38, abs=0.02)  # integrated independently


def test_an_unknown_flux_is_refused():
    with pytest.raises(ValueError, match="gkvm"):
        elastic_scattering_spectrum("gkwm")


@pytest.mark.parametrize("sample", ["flat", "falling"])
def test_weighted_sample_has_the_wanted_distribution(sample):
    rng = np.random.default_rng(1)
    energies = rng.uniform(2, 60, 20_000) if sample == "flat" else 2 + rng.exponential(12, 20_000)
    energies = energies[energies < 60]

    def wanted(energy):
        return energy * np.exp(-energy / 8)

    weights = spectrum_weights(energies, wanted)
    assert weights.mean() == pytest.approx(1)
    grid = np.linspace(2, 60, 2000)
    truth, edges = wanted(grid), [2, 5, 10, 20, 40, 60]
    for low, high in pairwise(edges):
        expected = truth[(grid >= low) & (grid < high)].sum() / truth.sum()
        found = weights[(energies >= low) & (energies < high)].sum() / weights.sum()
        assert found == pytest.approx(expected, rel=0.06, abs=0.002)


def test_the_own_spectrum_needs_no_weights():
    energies = np.random.default_rng(2).uniform(5, 30, 5000)
    weights = spectrum_weights(energies, lambda energy: np.full_like(energy, 3.0))
    np.testing.assert_allclose(weights, 1, atol=0.35)
    assert weights.std() < 0.1


def test_nothing_beyond_the_spectrum_and_nothing_for_unknown_energies():
    energies = np.array([1.0, 5, 6, 7, 8, np.nan, 50])
    weights = spectrum_weights(energies, ([4, 10], [2, 2]))
    assert np.all((weights > 0) == [False, True, True, True, True, False, False])
    assert weights.mean() == pytest.approx(1)


def test_few_equal_or_hopeless_energies():
    np.testing.assert_allclose(spectrum_weights(np.full(10, 7.0), ([0, 20], [1, 1])), 1)
    np.testing.assert_allclose(spectrum_weights(np.array([7.0]), ([0, 20], [1, 1])), 1)
    assert spectrum_weights(np.empty(0), ([0, 20], [1, 1])).shape == (0,)
    np.testing.assert_array_equal(spectrum_weights(np.array([30.0, 40]), ([0, 20], [1, 1])), 0)
    np.testing.assert_array_equal(spectrum_weights(np.array([np.nan]), ([0, 20], [1, 1])), 0)
    with pytest.raises(ValueError, match="negative"):
        spectrum_weights(np.array([1.0, 2]), lambda energy: -energy)
