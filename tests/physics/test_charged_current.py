"""Absorption of electron neutrinos on argon against closed forms and figures of other calculations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from python.physics import charged_current as cc
from python.physics.flux import FLUENCES, Fluences, PinchedFluence

LEVELS = cc.allowed_levels()


def test_levels():
    assert (np.diff(LEVELS.excitation) > 0).all()
    assert LEVELS.excitation[LEVELS.is_fermi].tolist() == [4.3837]
    assert LEVELS.strength[LEVELS.is_fermi].tolist() == [4.0]
    measured = (LEVELS.excitation < 8) & ~LEVELS.is_fermi
    assert measured.sum() == 14
    assert LEVELS.strength[measured].sum() == pytest.approx(8.29)


def test_cross_section_against_marley():
    """SNOwGLoBES, xs_nue_Ar40_marley1: 4.12e-40 and 7.15e-40 cm^2 at 40 and 50 MeV, from strengths without g_A^2."""
    axial = np.where(LEVELS.is_fermi, 1.0, np.where(LEVELS.excitation < 8, 1.26**2, 1.23**2))
    without = (cc.level_cross_sections(np.array([40.0, 50.0])) / axial).sum(axis=1)
    assert without == pytest.approx([4.12e-40, 7.15e-40], rel=0.04)


def test_cross_section_starts_at_the_threshold():
    at = cc.threshold()
    assert at == pytest.approx(3.794, abs=0.001)
    assert cc.cross_section(np.array([0.0, at - 1e-6])).tolist() == [0.0, 0.0]
    sigma = cc.cross_section(np.linspace(at + 0.01, 80.0, 200))
    assert (np.diff(sigma) > 0).all()


def test_coulomb_factor():
    """Slow electrons are drawn in, F -> 2 pi eta; fast ones see a factor that falls to 1, about 1.4 at 50 MeV."""
    energy = np.array([1e-4, 1.0, 10.0, 50.0, 5000.0])
    factor = cc.coulomb_factor(energy)
    assert (np.diff(factor) < 0).all()
    momentum = np.sqrt(1e-4 * (1e-4 + 2 * cc.ELECTRON_MASS_MEV))
    eta = cc.FINE_STRUCTURE * 19 * cc.ELECTRON_MASS_MEV / momentum
    assert factor[0] == pytest.approx(2 * np.pi * eta, rel=0.2)
    assert factor[1:4] == pytest.approx([1.69, 1.59, 1.44], abs=0.01)
    assert factor[4] == pytest.approx(1.0, abs=0.01)


def test_published_numbers_of_events():
    """40 kt at 10 kpc without threshold."""
    assert cc.expected_events(FLUENCES["gkvm"], 40.0, 10.0) == pytest.approx(3303)
    assert cc.expected_events(FLUENCES["livermore"], 40.0, 10.0) == pytest.approx(2674)
    assert cc.expected_events(FLUENCES["gkvm"], 10.0, 20.0) == pytest.approx(3303 / 16)
    assert cc.normalisation(FLUENCES["gkvm"]) == pytest.approx(0.651, abs=0.002)
    other = Fluences(*(PinchedFluence(1e11, 12.0, 2.5),) * 3)
    assert cc.normalisation(other) == pytest.approx(0.650, abs=0.002)


@pytest.mark.parametrize(
    ("nu_energy", "expected"), [(10, 0.023), (15, 0.032), (20, 0.022), (30, -0.006), (40, -0.020), (50, -0.028)]
)
def test_mean_cosine(nu_energy, expected):
    """Reference figures without Coulomb correction."""
    rng, levels = np.random.default_rng(3), cc.allowed_levels()
    rates = cc.level_cross_sections(np.array([float(nu_energy)]))[0]
    level = rng.choice(len(rates), 200_000, p=rates / rates.sum())
    electron = nu_energy - cc.MASS_DIFFERENCE_MEV - levels.excitation[level]
    cosine = cc.sample_cosine(electron, levels.is_fermi[level], rng)
    assert cosine.mean() == pytest.approx(expected, abs=0.003 + 4 * cosine.std() / np.sqrt(len(cosine)))


@given(st.floats(0.01, 60.0), st.booleans())
def test_drawn_cosines_are_cosines(energy, is_fermi):
    cosine = cc.sample_cosine(np.full(50, energy), np.full(50, is_fermi), np.random.default_rng(1))
    assert (np.abs(cosine) <= 1 + 1e-12).all()


@pytest.mark.parametrize(("is_fermi", "slope"), [(True, 1.0), (False, -1 / 3)])
def test_angular_laws(is_fermi, slope):
    energy = np.full(20000, 30.0)
    cosine = cc.sample_cosine(energy, np.full(20000, is_fermi), np.random.default_rng(2))
    a = slope * np.sqrt(30.0 * (30.0 + 2 * cc.ELECTRON_MASS_MEV)) / (30.0 + cc.ELECTRON_MASS_MEV)
    assert stats.kstest(cosine, lambda c: (1 + c) / 2 + a * (c * c - 1) / 4).pvalue > 1e-3


def test_levels_are_drawn_by_their_cross_sections():
    count = 40000
    drawn = cc.sample_level(np.full(count, 30.0), np.random.default_rng(3))
    share = cc.level_cross_sections(np.array([30.0]))[0]
    share /= share.sum()
    assert np.bincount(drawn, minlength=len(share)) / count == pytest.approx(share, abs=0.01)
    assert share[LEVELS.excitation > 11].sum() == pytest.approx(0.27, abs=0.03)


def test_only_open_levels_are_drawn():
    nu_energy = cc.sample_flat((0.0, 8.0), 5000, np.random.default_rng(4))
    level = cc.sample_level(nu_energy, np.random.default_rng(5))
    assert nu_energy.min() > cc.threshold()
    assert (nu_energy > cc.MASS_DIFFERENCE_MEV + LEVELS.excitation[level]).all()


def test_a_burst_is_weighted_by_the_cross_section():
    fluences, bounds = FLUENCES["gkvm"], (10.0, 40.0)
    energy = cc.sample_fluences(fluences, bounds, 8000, np.random.default_rng(6))
    grid = np.linspace(*bounds, 3001)
    cumulative = np.cumsum(fluences.nue.density(grid) * cc.cross_section(grid))
    assert stats.kstest(energy, lambda x: np.interp(x, grid, cumulative / cumulative[-1])).pvalue > 1e-3
