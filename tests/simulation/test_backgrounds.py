"""Backgrounds: rates, energies that add up, places and directions."""

import numpy as np
import pytest

from python.detector.geometry import DUNE_1X2X2, MAX_X_CM, WIRE_PLANE_X_CM
from python.simulation.backgrounds import (
    MARGIN_US,
    NOMINAL_RATES,
    NUCLIDES,
    TL208_GAMMA_MEV,
    WINDOW_US,
    background_particles,
)

N_EVENTS = 4000
Q_VALUES = {"ar39": 0.565, "kr85": 0.687, "k42": 3.525, "bi214": 3.270}  # MeV, ENSDF
HIGHEST_BRANCH_SUM = 0.0051  # MeV by which joined weak branches and rounded levels may miss the Q value


def draw(name, rate=1.0, n_events=N_EVENTS, seed=1):
    return background_particles(n_events, {name: rate}, np.random.default_rng(seed))


def drift_us(decays):
    return (np.abs(decays.position[:, 0]) - WIRE_PLANE_X_CM) / 0.16058  # cm/us


@pytest.mark.parametrize("name", NOMINAL_RATES)
def test_rate_is_that_of_a_window(name):
    decays = draw(name)
    first = decays.pdg == {"external_gamma": 22, "neutron_capture": 2112}.get(name, 11)
    arrival = decays.time + drift_us(decays)
    in_window = np.sum(first & (arrival >= 0) & (arrival < WINDOW_US))
    assert abs(in_window - N_EVENTS) < 4 * np.sqrt(N_EVENTS)
    assert not decays.is_signal.any()
    assert np.all(np.diff(decays.event) >= 0)


@pytest.mark.parametrize("name", NUCLIDES)
def test_branches_add_up_to_the_decay_energy(name):
    branches = NUCLIDES[name].branches
    assert sum(branch.probability for branch in branches) == pytest.approx(1, abs=0.01)
    for branch in branches:
        assert branch.end_point + sum(branch.gammas) == pytest.approx(Q_VALUES[name], abs=HIGHEST_BRANCH_SUM)


@pytest.mark.parametrize(("name", "mean"), [("ar39", 0.2188), ("kr85", 0.2514)])  # MeV, ENSDF
def test_beta_energies_have_the_published_mean(name, mean):
    energy = draw(name, rate=20.0).energy
    assert energy.min() >= 0
    assert energy.max() < Q_VALUES[name]
    assert energy.mean() == pytest.approx(mean, rel=0.05)  # the Fermi function is an approximation


def test_charge_arrives_evenly_over_the_window_and_its_margins():
    decays = draw("external_gamma", rate=5.0)
    counts, _ = np.histogram(decays.time + drift_us(decays), 10, (-MARGIN_US, WINDOW_US + MARGIN_US))
    assert counts.sum() == len(decays)
    assert np.all(np.abs(counts - counts.mean()) < 5 * np.sqrt(counts.mean()))


def test_dissolved_nuclides_fill_the_argon_evenly():
    position = draw("k42", rate=5.0).position
    assert np.all((np.abs(position[:, 0]) >= WIRE_PLANE_X_CM) & (np.abs(position[:, 0]) <= MAX_X_CM))
    for axis, low, high in list(zip(range(3), *DUNE_1X2X2.corners, strict=True))[1:]:
        counts, _ = np.histogram(position[:, axis], 8, (low, high))
        assert counts.sum() == len(position)
        assert np.all(np.abs(counts - counts.mean()) < 5 * np.sqrt(2 * counts.mean()))


def test_photons_from_outside_start_at_the_border_and_fly_inwards():
    photons = draw("external_gamma", rate=5.0)
    low, high = DUNE_1X2X2.corners
    at_low, at_high = photons.position == low, photons.position == high
    assert np.all((at_low | at_high).sum(axis=1) == 1)
    inward = np.where(at_low, photons.direction, 0) - np.where(at_high, photons.direction, 0)
    assert np.all(inward.sum(axis=1) > 0)
    assert inward.sum(axis=1).mean() == pytest.approx(2 / 3, abs=0.01)  # cosine law
    assert np.allclose(np.linalg.norm(photons.direction, axis=1), 1)
    assert np.all(photons.energy == TL208_GAMMA_MEV)


def test_polonium_follows_bismuth():
    decays = draw("bi214")
    alpha, beta = decays.pdg == 1000020040, decays.pdg == 11
    assert alpha.sum() == beta.sum()
    assert np.all(decays.energy[alpha] == 7.687)
    nearest = [np.min(np.abs(decays.position[beta] - place).sum(axis=1)) for place in decays.position[alpha][:50]]
    assert np.max(nearest) == 0


def test_same_generator_same_particles():
    one, other = (background_particles(50, NOMINAL_RATES, np.random.default_rng(3)) for _ in range(2))
    for name in vars(one):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_a_source_without_a_rate_has_no_decays():
    assert len(background_particles(5, {}, np.random.default_rng(1)).event) == 0
    one = background_particles(50, {"k42": 2.0}, np.random.default_rng(1))
    same = background_particles(50, dict.fromkeys(NOMINAL_RATES, 0.0) | {"k42": 2.0}, np.random.default_rng(1))
    np.testing.assert_array_equal(one.position, same.position)
    with pytest.raises(ValueError, match="k24: no such background"):
        background_particles(5, {"k24": 2.0}, np.random.default_rng(1))
