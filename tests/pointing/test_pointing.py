"""From candidates to the star: closed forms, invariances, and bursts that are drawn."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from python.directions.lobes import Lobes
from python.directions.sphere import mean_length_of, unit
from python.pointing.burst_likelihood import BurstLikelihood
from python.pointing.candidates import Candidates
from python.pointing.judging import judgement, true_star
from python.pointing.numbers import FIT
from python.pointing.pointing import Pointing
from python.pointing.scattering import es_mean_cosines
from python.pointing.sky_map import ICRS, angle_between
from tests.pointing.bursts import candidates_of, drawn_burst

STAR = unit(np.array([[0.3, -0.8, 0.5]]))[0]


@pytest.fixture(scope="module")
def burst():
    return drawn_burst(STAR, 150, 1500, seed=1)


@pytest.fixture(scope="module")
def found(burst):
    return Pointing.of(burst, 5.0, "gkvm")


def test_one_electron_points_back_along_its_flight():
    """Its map is the lobe of the electron, widened by the scattering, about the opposite direction."""
    kappa, energy = 50.0, np.array([12.0])
    one = candidates_of(energy, Lobes(kappa * -STAR[None, None], np.ones((1, 1))))
    found = Pointing.of(one, 5.0, "gkvm")
    assert angle_between(found.star, STAR) < 1
    share = found.likelihood.shares[0, 0]
    expected = share * mean_length_of(np.array(kappa)) * es_mean_cosines(energy, "gkvm")[0].mean()
    assert np.linalg.norm(found.sky.mean) == pytest.approx(expected, rel=0.02)
    assert "1 candidate" in found.warnings()[0]


def test_nothing_says_nothing():
    none = candidates_of(np.empty(0), Lobes(np.empty((0, 2, 3)), np.empty((0, 2))))
    found = Pointing.of(none, 5.0)
    assert found.sky.information == pytest.approx(0, abs=1e-9)
    assert found.warnings() == ["no candidate: the map says next to nothing"]
    assert found.vector_mean is None
    assert judgement(found) is None


def test_a_burst_points_to_its_star(found):
    assert angle_between(found.star, STAR) < 3 * found.sky.radius(0.68)
    assert found.numbers["es"] == pytest.approx(150, abs=50)
    assert abs(found.consistency) < 3
    assert found.warnings() == []
    assert angle_between(found.vector_mean, STAR) < 15


def test_the_judgement_knows_the_star(found):
    judged = judgement(found)
    assert np.allclose(judged["true_star_detector_axes"], STAR, atol=1e-6)
    assert judged["degrees_off"] == pytest.approx(float(angle_between(found.star, STAR)))
    assert judged["true_numbers"] == {"es": 150, "cc": 1500, "other": 0}
    assert 0 < judged["probability_searched"] < 1


def test_truth_decides_nothing(burst, found):
    n = len(burst)
    nothing = candidates_of(np.full(n, 10.0), burst.lobes).truth
    again = Pointing.of(Candidates(**{**vars(burst), "truth": nothing}), 5.0, "gkvm")
    assert np.array_equal(again.sky.density, found.sky.density)
    assert true_star(nothing) is None


def test_regions_are_true():
    """The star lies in the 68 % region of two thirds of the bursts."""
    levels = []
    for seed in range(30):
        star = unit(np.random.default_rng(seed).normal(size=(1, 3)))[0]
        found = Pointing.of(drawn_burst(star, 30, 120, seed=1000 + seed), 5.0, "gkvm")
        levels.append(float(found.sky.level_of(star)))
    inside = np.mean(np.array(levels) < 0.68)
    assert inside == pytest.approx(0.68, abs=3 * np.sqrt(0.68 * 0.32 / 30))
    assert np.mean(np.array(levels) < 0.95) > 0.85


def test_turned_candidates_turn_the_map(burst, found):
    turn = Rotation.from_rotvec([0.4, -1.1, 0.3])
    eta = turn.apply(burst.lobes.eta.reshape(-1, 3)).reshape(burst.lobes.eta.shape)
    turned = Candidates(
        **{**vars(burst), "lobes": Lobes(eta, burst.lobes.probability), "direction": turn.apply(burst.direction)}
    )
    again = Pointing.of(turned, 5.0, "gkvm")
    assert angle_between(again.star, turn.apply(found.star)) < 0.3
    assert again.sky.area(0.68) == pytest.approx(found.sky.area(0.68), rel=0.02)


def test_the_sky_is_the_same_burst_seen_from_outside(burst, found):
    rotation = Rotation.from_rotvec([1.0, 0.2, -0.7]).as_matrix()
    outside = Pointing.of(burst, 5.0, "gkvm", rotation)
    assert outside.sky.frame == ICRS
    assert angle_between(outside.sky.peak, rotation @ found.star) < 0.3
    assert angle_between(outside.star, found.star) < 0.3


def test_parts_add_up(burst):
    """The map of candidates that came in two files is that of all of them."""
    parts = [burst.take(np.arange(700)), burst.take(np.arange(700, len(burst)))]
    joined = Candidates.concatenate(parts)
    assert np.array_equal(joined.energy, burst.energy)
    assert joined.clusters.sources.tolist() == ["drawn", "drawn"]
    likelihoods = [BurstLikelihood.of(each, 5.0, "gkvm") for each in (joined, burst)]
    told = [each.log_likelihood(STAR[None]) for each in likelihoods]
    assert np.allclose(*told)


def test_what_is_no_burst_from_anywhere_is_noticed():
    """Electrons of two stars at once fit neither, and the answer says so."""
    one, other = (drawn_burst(star, 60, 0, seed=8, kappa=200.0, head=0.99) for star in (STAR, -STAR))
    assert any(
        "worse than they should" in words for words in Pointing.of(Candidates.concatenate([one, other]), 5.0).warnings()
    )


def test_other_spectra_are_told(found):
    others = found.other_fluxes()
    assert set(others) == {"livermore", FIT}
    assert others[FIT]["degrees_away"] < 5


def test_isotropic_candidates_do_not_point():
    found = Pointing.of(drawn_burst(STAR, 0, 400, seed=3), 5.0)
    assert found.sky.information < 2
    assert any("do not point" in words for words in found.warnings())
