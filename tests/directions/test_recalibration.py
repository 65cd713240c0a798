"""Answers that are drawn from, reshaped and recalibrated: what is wrong on purpose is found and mended."""

import numpy as np
import pytest

from python.directions.densities import Densities, coverage
from python.directions.find import answers
from python.directions.recalibration import LEAST_EVENTS, Recalibration
from python.general_purpose_libs import DataError
from tests.directions.samples import unit_vectors
from tests.directions.test_contract import TELLING, outputs, sphere

LEVELS = np.array([0.1, 0.3, 0.5, 0.68, 0.9, 0.95])


@TELLING
def test_draws_follow_the_density(answer):
    """The mean, and the mean of the squares, of each component, against the integral over the sphere."""
    told = outputs(answer, 6)
    places, area = sphere(answer)
    density = np.exp(answer.log_density(told, places)) * area
    drawn = answer.draw(told, 4000, np.random.default_rng(3))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=2), 1)
    for power in (1, 2):
        expected = density @ places**power
        spread = np.sqrt(np.maximum(density @ places ** (2 * power) - expected**2, 1e-6) / 4000)
        assert np.all(np.abs((drawn**power).mean(axis=1) - expected) < 5 * spread + 2e-3)


@TELLING
def test_a_reshaped_answer_is_as_much_sharper_as_asked_and_points_where_it_did(answer):
    told = outputs(answer)
    same = answer.reshaped(told, np.ones_like, np.ones(len(told)))
    at = unit_vectors(40, 5)
    np.testing.assert_allclose(answer.log_density(same, at), answer.log_density(told, at), atol=1e-6)
    factor = np.linspace(0.3, 2, len(told))
    other = answer.reshaped(told, lambda sharpness: factor * np.ones_like(sharpness), np.ones(len(told)))
    np.testing.assert_allclose(answer.sharpness(other), factor * answer.sharpness(told), rtol=1e-4)
    np.testing.assert_allclose(answer.estimates(other).direction, answer.estimates(told).direction, atol=1e-9)


def wrong(answer, n, seed):
    """Answers that are twice as sharp as is true at low energy and right at high, of an ill-told head; the truths, energies."""
    rng = np.random.default_rng(seed)
    told = outputs(answer, n, seed, size=6.0)
    energy = rng.uniform(5, 50, n)
    true = answer.reshaped(
        told, lambda sharpness: np.ones_like(sharpness) * np.interp(energy, [5, 50], [0.5, 1]), np.full(n, 0.6)
    )
    truth = answer.draw(true, 1, rng)[:, 0]
    lost = rng.random(n) < 0.05
    truth[lost] = unit_vectors(n, seed + 1)[lost]
    return told, energy, truth


@TELLING
def test_what_is_wrong_on_purpose_is_mended(answer):
    told, energy, truth = wrong(answer, 1600, 1)
    found = Recalibration.fit(answer, told, energy, truth)
    told, energy, truth = wrong(answer, 1600, 2)
    before, after = Densities(answer, told, energy), Densities(answer, told, energy, found)
    assert after.log_density(truth[:, None]).mean() > before.log_density(truth[:, None]).mean() + 0.02
    for chosen in (energy < 25, energy > 25):
        shares = [coverage(each.levels(truth, 150)[chosen], LEVELS) for each in (before, after)]
        assert np.abs(shares[1] - LEVELS).max() < 0.06
        assert np.abs(shares[1] - LEVELS).max() < np.abs(shares[0] - LEVELS).max()


@TELLING
def test_what_is_true_stays_so(answer):
    told = outputs(answer, 1200, 3)
    energy = np.random.default_rng(3).uniform(5, 50, 1200)
    truth = answer.draw(told, 1, np.random.default_rng(4))[:, 0]
    levels = Densities(answer, told, energy).levels(truth, 150)
    assert np.abs(coverage(levels, LEVELS) - LEVELS).max() < 0.05
    found = Recalibration.fit(answer, told, energy, truth)
    assert found.isotropic_share(energy).max() < 0.03
    levels = Densities(answer, told, energy, found).levels(truth, 150)
    assert np.abs(coverage(levels, LEVELS) - LEVELS).max() < 0.05


def test_a_corrected_density_is_one_and_saved_and_read_the_same():
    answer = answers()["two_lobes"]
    told, energy, truth = wrong(answer, 500, 6)
    found = Recalibration.of(Recalibration.fit(answer, told, energy, truth).described())
    again = Recalibration.fit(answer, told, energy, truth)
    places, area = sphere(answer)
    densities = np.exp(found.log_density(answer, told[:10], energy[:10], places))
    np.testing.assert_allclose(densities.sum(axis=1) * area, 1, atol=0.01)
    np.testing.assert_array_equal(densities, np.exp(again.log_density(answer, told[:10], energy[:10], places)))
    drawn = found.draw(answer, told[:3], energy[:3], 50, np.random.default_rng(1))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=2), 1)


def test_beyond_what_was_fitted_nothing_runs_away():
    answer = answers()["von_mises_fisher"]
    told, energy, truth = wrong(answer, 500, 7)
    found = Recalibration.fit(answer, told, energy, truth)
    far = np.array([[1e-8, 0, 0], [1e5, 0, 0], [0, 0, 30]])
    for energies in (np.full(3, 1e-3), np.full(3, 1e4)):
        corrected = np.linalg.norm(found.outputs(answer, far, energies), axis=1)
        assert np.all(np.isfinite(corrected))
        assert np.all((corrected / np.linalg.norm(far, axis=1) > 0.04) & (corrected / np.linalg.norm(far, axis=1) < 21))
        assert np.all((found.isotropic_share(energies) > 0) & (found.isotropic_share(energies) < 0.5))


def test_too_few_events_are_refused():
    answer = answers()["von_mises_fisher"]
    told, energy, truth = wrong(answer, LEAST_EVENTS + 5, 8)
    truth[:10] = np.nan
    with pytest.raises(DataError, match=f"{LEAST_EVENTS - 5} events of known direction are too few"):
        Recalibration.fit(answer, told, energy, truth)
