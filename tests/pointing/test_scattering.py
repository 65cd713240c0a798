"""Angles between electrons and their neutrinos, against the generator that draws them."""

import numpy as np
import pytest

from python.physics.flux import FLUENCES
from python.pointing.scattering import ELECTRON_GRID, cc_asymmetry, es_mean_cosine, spectrum
from python.simulation.generator import Source, expected_events, make_interactions


@pytest.fixture(scope="module")
def drawn():
    """Electrons and neutrinos of either channel, of the same spectrum."""
    is_es = np.repeat([True, False], 40_000)
    source = Source(flux="gkvm", direction=(0.0, 0.6, 0.8))
    return make_interactions(is_es, source, np.random.default_rng(3))[0]


@pytest.mark.parametrize(("low", "high"), [(4.5, 5.5), (9.0, 11.0), (19.0, 21.0)])
def test_mean_cosine_of_elastic_scattering_is_that_of_the_generator(drawn, low, high):
    mine = (drawn.is_es == 1) & (drawn.electron_energy > low) & (drawn.electron_energy < high)
    cosine = drawn.electron_direction[mine] @ np.array([0, 0.6, 0.8])
    expected = es_mean_cosine(drawn.electron_energy[mine], "gkvm").mean()
    assert cosine.mean() == pytest.approx(expected, abs=4 * cosine.std() / np.sqrt(mine.sum()))


@pytest.mark.parametrize(("low", "high"), [(4.0, 8.0), (10.0, 16.0), (20.0, 40.0)])
def test_asymmetry_of_the_charged_current_is_that_of_the_generator(drawn, low, high):
    """The mean cosine of 1 + a cos is a third of a."""
    mine = (drawn.is_es == 0) & (drawn.electron_energy > low) & (drawn.electron_energy < high)
    cosine = drawn.electron_direction[mine] @ np.array([0, 0.6, 0.8])
    expected = cc_asymmetry(drawn.electron_energy[mine], "gkvm").mean() / 3
    assert cosine.mean() == pytest.approx(expected, abs=4 * 0.58 / np.sqrt(mine.sum()))


@pytest.mark.parametrize("flux", list(FLUENCES))
def test_spectra_hold_as_many_events_as_a_burst(flux):
    expected = expected_events(FLUENCES[flux], 1.0, 10.0, min_electron_energy=float(ELECTRON_GRID[0]))
    step = ELECTRON_GRID[1] - ELECTRON_GRID[0]
    for channel in ("es", "cc"):
        found = np.sum(spectrum(channel, ELECTRON_GRID, flux)) * step
        assert found == pytest.approx(sum(expected[channel].values()), rel=0.04), channel


def test_forward_scattering_at_high_energy():
    assert es_mean_cosine(np.array([40.0]), "gkvm")[0] > es_mean_cosine(np.array([5.0]), "gkvm")[0] > 0.9
