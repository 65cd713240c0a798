"""Moments and densities of the pinched-thermal fluences; drawing from a tabulated density."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from python.physics.flux import FLAVOURS, FLUENCES, PinchedFluence, integrate, sample_tabulated

GRID = np.linspace(0.0, 300.0, 30001)


@given(st.floats(1e9, 1e12), st.floats(8.0, 22.0), st.floats(1.5, 4.0))
def test_moments_are_the_parameters(total, mean_energy, alpha):
    density = PinchedFluence(total, mean_energy, alpha).density(GRID)
    assert integrate(GRID, density) == pytest.approx(total, rel=1e-5)
    assert integrate(GRID, GRID * density) / total == pytest.approx(mean_energy, rel=1e-5)
    second = integrate(GRID, GRID**2 * density) / total
    assert second / mean_energy**2 == pytest.approx((alpha + 2.0) / (alpha + 1.0), rel=1e-5)


def test_there_is_nothing_below_zero_energy():
    assert PinchedFluence(1.0, 10.0, 2.5).density(np.array([-5.0, 0.0])).tolist() == [0.0, 0.0]


def test_each_flavour_has_its_fluence():
    fluences = FLUENCES["livermore"]
    assert [fluences.of(pdg).mean_energy for pdg in FLAVOURS] == [11.2, 15.5, 21.1, 21.1, 21.1, 21.1]


def test_samples_follow_the_density():
    fluence = FLUENCES["gkvm"].nue
    energy = fluence.sample(20000, np.random.default_rng(1))
    assert energy.mean() == pytest.approx(16.4, rel=0.02)
    cumulative = np.concatenate([[0], np.cumsum(fluence.density((GRID[1:] + GRID[:-1]) / 2) * 0.01)]) / fluence.total
    assert stats.kstest(energy, lambda x: np.interp(x, GRID, cumulative)).pvalue > 1e-3


@pytest.mark.parametrize("density", [[1.0, 1.0, 1.0], [0.0, 2.0, 0.0], [3.0, 0.0, 1.0], [0.0, 0.0, 5.0]])
def test_tabulated_densities_are_linear_between_points(density):
    grid, density = np.array([1.0, 2.0, 4.0]), np.array(density)
    drawn = sample_tabulated(grid, density, 20000, np.random.default_rng(2))
    fine = np.linspace(1.0, 4.0, 3001)
    values = np.interp(fine, grid, density)
    cumulative = np.concatenate([[0], np.cumsum((values[1:] + values[:-1]) / 2)])
    cumulative /= cumulative[-1]
    assert stats.kstest(drawn, lambda x: np.interp(x, fine, cumulative)).pvalue > 1e-3


def test_drawing_repeats_with_the_generator():
    first, second = (FLUENCES["gkvm"].nux.sample(9, np.random.default_rng(5)) for _ in range(2))
    assert first.tobytes() == second.tobytes()
