"""Energy bins hold every known sample, have round edges and enough entries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.metrics.binning import bin_index, energy_bins


def test_many_energies_give_round_regular_edges():
    edges = energy_bins(np.random.default_rng(0).uniform(5, 65, 20000))
    np.testing.assert_allclose(edges, np.arange(5, 70, 5))


def test_few_energies_give_few_bins_with_ten_entries_each():
    energies = np.random.default_rng(0).exponential(10, 60)
    edges = energy_bins(energies)
    counts = np.bincount(bin_index(energies, edges))
    assert 2 <= len(counts) <= 6
    assert counts.min() >= 10


def test_one_outlier_does_not_stretch_the_bins():
    energies = np.append(np.random.default_rng(0).uniform(0, 50, 1000), 5000.0)
    edges = energy_bins(energies)
    assert edges[-1] <= 60
    assert bin_index(np.array([5000.0, -3.0]), edges).tolist() == [len(edges) - 2, 0]


def test_unknown_energies_are_ignored():
    known = np.random.default_rng(0).uniform(0, 50, 100)
    np.testing.assert_array_equal(energy_bins(np.append(known, [np.nan, np.inf])), energy_bins(known))
    assert energy_bins(np.full(3, np.nan)).size == 0


@pytest.mark.parametrize("energy", [0.0, 10.0, -3.0, 1e-6, 1e6])
def test_equal_energies_share_one_bin_that_holds_them(energy):
    low, high = energy_bins(np.full(30, energy))
    assert low <= energy <= high


@given(st.lists(st.floats(-1e3, 1e5), min_size=1, max_size=100), st.integers(1, 30))
def test_bins_ascend_and_hold_every_sample(energies, max_bins):
    energies = np.array(energies)
    edges = energy_bins(energies, max_bins=max_bins)
    assert np.all(np.diff(edges) > 0)
    assert len(edges) <= max_bins + 3
    counts = np.bincount(bin_index(energies, edges), minlength=len(edges) - 1)
    assert counts.sum() == len(energies)
    assert len(counts) == 1 or counts.min() >= 10
