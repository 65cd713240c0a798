"""What is expected of electrons, by reconstructed energy, against the generator that draws them."""

import json
from itertools import pairwise

import numpy as np
import pytest

from python.physics.flux import FLUENCES
from python.pointing.scattering import (
    ELECTRON_GRID,
    RESPONSE,
    cc_asymmetry,
    es_mean_cosines,
    es_share_in_training,
    spectrum,
    true_spectrum,
)
from python.simulation.generator import Source, expected_events, make_interactions

FLIGHT = np.array([0.0, 0.6, 0.8])


@pytest.fixture(scope="module")
def drawn():
    """Electrons and neutrinos of either channel, of the same spectrum, and reconstructed energies by the table of responses."""
    is_es = np.repeat([True, False], 60_000)
    rng = np.random.default_rng(3)
    found = make_interactions(is_es, Source(flux="gkvm", direction=tuple(FLIGHT)), rng)[0]
    table = json.loads(RESPONSE.read_text())
    place = np.clip(np.searchsorted(table["edges_mev"], found.electron_energy) - 1, 0, len(table["matched"]) - 1)
    column = rng.integers(0, len(table["es"][0]), len(place))
    ratio = np.where(found.is_es == 1, np.array(table["es"])[place, column], np.array(table["cc"])[place, column])
    seen = rng.random(len(place)) < np.array(table["matched"])[place]
    return found, np.where(seen, ratio * found.electron_energy, 0.0)


def chosen(drawn, is_es, low, high):
    found, energy = drawn
    mine = (found.is_es == is_es) & (energy > low) & (energy < high)
    return energy[mine], found.electron_direction[mine] @ FLIGHT


@pytest.mark.parametrize(("low", "high"), [(4.5, 5.5), (9.0, 11.0), (19.0, 21.0)])
def test_mean_cosine_of_elastic_scattering_is_that_of_the_generator(drawn, low, high):
    energy, cosine = chosen(drawn, 1, low, high)
    expected = es_mean_cosines(energy, "gkvm").mean()
    assert cosine.mean() == pytest.approx(expected, abs=4 * cosine.std() / np.sqrt(len(cosine)) + 0.001)


@pytest.mark.parametrize(("low", "high"), [(4.0, 8.0), (10.0, 16.0), (20.0, 40.0)])
def test_asymmetry_of_the_charged_current_is_that_of_the_generator(drawn, low, high):
    """The mean cosine of 1 + a cos is a third of a."""
    energy, cosine = chosen(drawn, 0, low, high)
    expected = cc_asymmetry(energy, "gkvm").mean() / 3
    assert cosine.mean() == pytest.approx(expected, abs=4 * 0.58 / np.sqrt(len(cosine)))


@pytest.mark.parametrize(("channel", "is_es"), [("es", 1), ("cc", 0)])
def test_spectra_are_those_of_the_generator(drawn, channel, is_es):
    found, energy = drawn
    edges = np.array([5.0, 8.0, 12.0, 18.0, 25.0, 40.0])
    counts = np.histogram(energy[found.is_es == is_es], edges)[0]
    expected = np.array([spectrum(channel, np.linspace(*each, 50), "gkvm").mean() for each in pairwise(edges)])
    expected *= np.diff(edges)
    assert counts / counts.sum() == pytest.approx(expected / expected.sum(), abs=0.02)


@pytest.mark.parametrize("flux", list(FLUENCES))
def test_there_are_as_many_electrons_as_in_a_burst(flux):
    expected = expected_events(FLUENCES[flux], 1.0, 10.0, min_electron_energy=float(ELECTRON_GRID[0]))
    step = ELECTRON_GRID[1] - ELECTRON_GRID[0]
    for channel in ("es", "cc"):
        every, seen = (np.sum(function(channel, ELECTRON_GRID, flux)) * step for function in (true_spectrum, spectrum))
        assert every == pytest.approx(sum(expected[channel].values()), rel=0.04), channel
        assert 0.7 * every < seen < every


def test_forward_scattering_at_high_energy():
    low, high = es_mean_cosines(np.array([5.0, 40.0]), "gkvm")
    assert np.all(high > low)
    assert low.mean() > 0.9
    assert low[0] > low[1]


def test_low_energies_are_of_elastic_scattering():
    share = es_share_in_training(np.array([3.0, 6.0, 20.0, 40.0]))
    assert np.all(np.diff(share) < 0)
    assert share[0] > 0.8 > 0.4 > share[-1] > 0
