"""Neutrino-electron scattering against conservation laws, closed forms and event rates of other calculations."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from python.physics import elastic_scattering as es
from python.physics.flux import FLAVOURS, FLUENCES
from tests.ingest.root_files import real_tree

M = es.ELECTRON_MASS_MEV
RATES = Path(__file__).resolve().parents[3] / "shared" / "physics" / "es_weight.json"
energies = st.floats(1.0, 120.0)
species = st.sampled_from(FLAVOURS)


@given(energies, st.floats(0.001, 0.999))
def test_four_momentum_is_conserved(nu_energy, fraction):
    """The outgoing neutrino is massless: (E + m - E_e)^2 = |k - p|^2."""
    t = fraction * es.max_electron_energy(nu_energy)
    cosine = es.cosine(nu_energy, t)
    momentum = np.sqrt(t * (t + 2 * M))
    momentum_left = nu_energy**2 + momentum**2 - 2 * nu_energy * momentum * cosine
    assert (nu_energy - t) ** 2 == pytest.approx(momentum_left, rel=1e-9)


@pytest.mark.root_data
def test_angles_of_simulated_events():
    """Events of the official simulation."""
    truth = real_tree("es", "mctruths")
    momentum = 1e3 * np.stack([truth[name] for name in ("px", "py", "pz")], axis=-1)
    nu = np.flatnonzero((truth["status_code"] == 0) & (truth["pdg"] != 11))
    electron = np.flatnonzero((truth["status_code"] == 1) & (truth["pdg"] == 11))
    assert truth["Event"][nu].tolist() == truth["Event"][electron].tolist()
    size = np.linalg.norm(momentum, axis=1)
    cosine = (momentum[nu] * momentum[electron]).sum(axis=1) / size[nu] / size[electron]
    formula = es.cosine(1e3 * truth["energy"][nu], 1e3 * truth["energy"][electron] - M)
    assert len(cosine) == 10
    assert cosine == pytest.approx(formula, abs=2e-5)


@given(energies)
def test_the_hardest_electron_goes_forward(nu_energy):
    limit = es.max_electron_energy(nu_energy)
    assert es.cosine(nu_energy, limit) == pytest.approx(1.0, abs=1e-12)
    assert es.min_neutrino_energy(limit) == pytest.approx(nu_energy, rel=1e-9)


@given(energies, species, st.floats(0.0, 0.5), st.floats(0.5, 1.0))
def test_the_closed_form_is_the_integral(nu_energy, pdg, low, high):
    bounds = (low * nu_energy, high * nu_energy)
    stop = min(bounds[1], es.max_electron_energy(nu_energy))
    numeric, _ = integrate.quad(lambda t: 1e45 * es.differential_cross_section(nu_energy, t, pdg), bounds[0], stop)
    assert 1e45 * es.cross_section(nu_energy, pdg, bounds) == pytest.approx(numeric, rel=1e-9, abs=1e-12)


def test_cross_sections_at_high_energy():
    """sigma = sigma_0 E / m (gL^2 + gR^2 / 3) where the mass is small: 9.5e-45 cm^2 a MeV, in ratios 1 : 0.42 : 0.16 : 0.14."""
    sigma = es.cross_section(np.full(4, 100.0), np.array([12, -12, 14, -14])) / 100.0
    left, right = es.couplings(np.array([12, -12, 14, -14]))
    assert sigma == pytest.approx(es.SIGMA_0_CM2 / M * (left**2 + right**2 / 3), rel=0.01)
    assert sigma[0] == pytest.approx(9.5e-45, rel=0.02)
    assert abs(es.SIGMA_0_CM2 / 88.06e-46 - 1.0) < 1e-3
    assert sigma / sigma[0] == pytest.approx([1, 0.42, 0.16, 0.14], abs=0.01)


def test_nothing_is_scattered_beyond_the_kinematic_limit():
    assert es.differential_cross_section(10.0, 9.9, 12) == 0
    assert es.cross_section(10.0, 12, (9.9, 20.0)) == 0


@pytest.mark.parametrize(("flux", "key"), [("gkvm", "gvkm"), ("livermore", "livermore")])
def test_rates_agree_with_those_of_the_files(flux, key):
    """40 kt at 10 kpc; the reference folds the same cross-section with the fluences as shipped by SNOwGLoBES."""
    if not RATES.exists():
        pytest.skip("the reference rates under ../shared are not here")
    reference = json.loads(RATES.read_text())[key]
    for threshold in (0, 2, 4, 5, 7, 10):
        rate = sum(es.expected_events(FLUENCES[flux], 40.0, 10.0, (threshold, np.inf)).values())
        assert rate == pytest.approx(reference[f"N_T>{threshold}"], rel=0.02)


def test_published_rates_and_scaling():
    gkvm, livermore = (es.expected_events(FLUENCES[flux], 40.0, 10.0) for flux in ("gkvm", "livermore"))
    assert sum(gkvm.values()) == pytest.approx(331.4, rel=0.05)
    assert sum(livermore.values()) == pytest.approx(591.3, rel=0.05)
    assert gkvm[12] == pytest.approx(161, rel=0.05)
    assert gkvm[14] + gkvm[16] == pytest.approx(54, rel=0.05)
    near = es.expected_events(FLUENCES["gkvm"], 10.0, 5.0)
    assert near[-12] == pytest.approx(gkvm[-12])


@pytest.mark.parametrize("pdg", [12, -12, 14, -14])
def test_drawn_electron_energies_follow_the_cross_section(pdg):
    nu_energy = np.full(4000, 15.0)
    t = es.sample_electron_energy(nu_energy, np.full(4000, pdg), (3.0, 12.0), np.random.default_rng(3))
    assert t.min() >= 3.0
    assert t.max() <= 12.0
    total = es.cross_section(15.0, pdg, (3.0, 12.0))
    cumulative = np.vectorize(lambda x: es.cross_section(15.0, pdg, (3.0, x)) / total)
    assert stats.kstest(t, cumulative).pvalue > 1e-3


def test_a_burst_is_drawn_in_the_right_proportions():
    fluences, bounds = FLUENCES["gkvm"], (5.0, np.inf)
    pdg, nu_energy, t = es.sample_fluences(fluences, bounds, 40000, np.random.default_rng(4))
    rates = es.expected_events(fluences, 40.0, 10.0, bounds)
    for number in FLAVOURS:
        assert np.mean(pdg == number) == pytest.approx(rates[number] / sum(rates.values()), abs=0.01)
    assert t.min() >= 5.0
    assert (t <= es.max_electron_energy(nu_energy) * (1 + 1e-12)).all()
    above = sum(es.expected_events(fluences, 40.0, 10.0, (10.0, np.inf)).values())
    assert np.mean(t > 10.0) == pytest.approx(above / sum(rates.values()), abs=0.01)


def test_neutrino_energies_for_a_given_electron():
    """A flat spectrum weighted by dsigma/dT."""
    t = np.full(4000, 12.0)
    nu_energy = es.sample_flat_neutrino_energy(t, np.random.default_rng(5))
    grid = np.linspace(es.min_neutrino_energy(12.0) * (1 + 1e-9), es.FLAT_MAX_NU_ENERGY, 20001)
    cumulative = np.cumsum(es.differential_cross_section(grid, 12.0, 12))
    assert stats.kstest(nu_energy, lambda x: np.interp(x, grid, cumulative / cumulative[-1])).pvalue > 1e-3
