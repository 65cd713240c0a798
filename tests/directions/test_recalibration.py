"""Answers that are drawn from and recalibrated: what is wrong on purpose is found and mended."""

import json

import numpy as np
import pytest

from python.directions.densities import Densities, levels
from python.directions.find import answers
from python.directions.lobes import Lobes
from python.directions.recalibration import CONSTANT, LEAST_EVENTS, Likelihood, Recalibration
from python.general_purpose_libs import DataError
from python.metrics.coverage import coverage
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
def test_the_fit_is_led_by_the_slope_of_the_likelihood(answer):
    told, energy, truth = wrong(answer, 300, 4)
    start = Recalibration.fit(answer.lobes(told), energy, truth)
    likelihood = Likelihood(start, answer.lobes(told), energy, truth)
    place = start.coefficients + np.random.default_rng(5).normal(size=len(start.coefficients)) * 0.3
    _, slope = likelihood.cost(place)
    steps = 1e-5 * np.eye(len(place))
    expected = [(likelihood.cost(place + step)[0] - likelihood.cost(place - step)[0]) / 2e-5 for step in steps]
    np.testing.assert_allclose(slope, expected, atol=1e-7)
    moved = Recalibration(place, start.centre, start.scale, start.bounds)
    density = moved.lobes(answer.lobes(told), energy).log_density(truth[:, None])[:, 0]
    stiff = np.delete(place, CONSTANT)
    assert likelihood.cost(place)[0] == pytest.approx(-density.mean() + np.sum(stiff**2) / 300)


def wrong(answer, n, seed):
    """Answers that are twice as sharp as is true at low energy and right at high, of an ill-told head; the truths, energies."""
    rng = np.random.default_rng(seed)
    told = outputs(answer, n, seed, size=6.0)
    energy = rng.uniform(5, 50, n)
    lobes = answer.lobes(told)
    unsure = lobes.probability**0.6
    eta = lobes.eta * np.interp(energy, [5, 50], [0.5, 1])[:, None, None]
    truth = Lobes(eta, unsure / unsure.sum(axis=1, keepdims=True)).draw(1, rng)[:, 0]
    lost = rng.random(n) < 0.05
    truth[lost] = unit_vectors(n, seed + 1)[lost]
    return told, energy, truth


@TELLING
def test_what_is_wrong_on_purpose_is_mended(answer):
    told, energy, truth = wrong(answer, 1600, 1)
    found = Recalibration.fit(answer.lobes(told), energy, truth)
    told, energy, truth = wrong(answer, 1600, 2)
    before, after = Densities(answer, told, energy), Densities(answer, told, energy, found)
    assert after.log_density(truth[:, None]).mean() > before.log_density(truth[:, None]).mean() + 0.02
    for chosen in (energy < 25, energy > 25):
        shares = [coverage(levels(each, truth, 150)[chosen], LEVELS) for each in (before, after)]
        assert np.abs(shares[1] - LEVELS).max() < 0.06
        assert np.abs(shares[1] - LEVELS).max() < np.abs(shares[0] - LEVELS).max()


@TELLING
def test_what_is_true_stays_so(answer):
    told = outputs(answer, 1200, 3)
    energy = np.random.default_rng(3).uniform(5, 50, 1200)
    truth = answer.draw(told, 1, np.random.default_rng(4))[:, 0]
    assert np.abs(coverage(levels(Densities(answer, told, energy), truth, 150), LEVELS) - LEVELS).max() < 0.05
    found = Recalibration.fit(answer.lobes(told), energy, truth)
    assert found.lobes(answer.lobes(told), energy).probability[:, -1].max() < 0.03
    shares = coverage(levels(Densities(answer, told, energy, found), truth, 150), LEVELS)
    peaked = "log_sigma" in answer.columns  # more than lobes are
    assert np.abs(shares - LEVELS).max() < (0.08 if peaked else 0.05)


def test_a_corrected_density_is_one_and_saved_and_read_the_same():
    answer = answers()["two_lobes"]
    told, energy, truth = wrong(answer, 500, 6)
    found = Recalibration.of(json.loads(json.dumps(Recalibration.fit(answer.lobes(told), energy, truth).described())))
    again = Recalibration.fit(answer.lobes(told), energy, truth)
    places, area = sphere(answer)
    some = answer.lobes(told[:10])
    densities = np.exp(found.lobes(some, energy[:10]).log_density(places))
    np.testing.assert_allclose(densities.sum(axis=1) * area, 1, atol=0.01)
    np.testing.assert_array_equal(densities, np.exp(again.lobes(some, energy[:10]).log_density(places)))
    np.testing.assert_allclose(found.lobes(some, energy[:10]).probability.sum(axis=1), 1)


@pytest.mark.parametrize("described", [{}, {"centre": None}, [], {"coefficients": [1]}, {"coefficients": ["a"] * 17}])
def test_what_is_no_recalibration_is_refused(described):
    answer = answers()["von_mises_fisher"]
    told, energy, truth = wrong(answer, 300, 6)
    sound = Recalibration.fit(answer.lobes(told), energy, truth).described()
    with pytest.raises(ValueError, match="not a recalibration of directions"):
        Recalibration.of({**sound, **described} if described else described)


def test_beyond_what_was_fitted_nothing_runs_away():
    answer = answers()["von_mises_fisher"]
    told, energy, truth = wrong(answer, 500, 7)
    found = Recalibration.fit(answer.lobes(told), energy, truth)
    far = answer.lobes(np.array([[1e-8, 0, 0], [1e5, 0, 0], [0, 0, 30]]))
    for energies in (np.full(3, 1e-3), np.full(3, 1e4), np.full(3, np.nan)):
        corrected = found.lobes(far, energies)
        assert np.all(np.isfinite(corrected.eta))
        factor = np.linalg.norm(corrected.eta[:, 0], axis=1) / np.linalg.norm(far.eta[:, 0], axis=1)
        assert np.all((factor > 0.04) & (factor < 21))
        assert np.all((corrected.probability > 0) & (corrected.probability < 1))
        np.testing.assert_allclose(corrected.probability.sum(axis=1), 1)


def test_too_few_events_are_refused():
    answer = answers()["von_mises_fisher"]
    told, energy, truth = wrong(answer, LEAST_EVENTS + 5, 8)
    truth[:10] = np.nan
    with pytest.raises(DataError, match=f"{LEAST_EVENTS - 5} events of known direction are too few"):
        Recalibration.fit(answer.lobes(told), energy, truth)
