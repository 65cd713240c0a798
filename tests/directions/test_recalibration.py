"""Answers that are drawn from and recalibrated: what is wrong on purpose is found and mended."""

import json

import numpy as np
import pytest

from python.directions.densities import Densities, levels
from python.directions.find import answers
from python.directions.lobes import Lobes
from python.directions.recalibration import LEAST_EVENTS, WITH_SPREAD, WITHOUT_SPREAD, Likelihood, Recalibration
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
@pytest.mark.parametrize("with_spread", [False, True])
def test_the_fit_is_led_by_the_slope_of_the_likelihood(answer, with_spread):
    told, energy, truth = wrong(answer, 300, 4)
    spread = np.random.default_rng(6).uniform(1, 40, 300) if with_spread else None
    layout = WITH_SPREAD if with_spread else WITHOUT_SPREAD
    middle, bounds = np.array([1.5, 0.5, 2.5]), np.array([[-1.0, -1, 0], [3, 2, 3.5]])
    start = Recalibration(layout.begin(), *(each[..., : layout.variables] for each in (middle, middle, bounds)))
    likelihood = Likelihood(start, answer.lobes(told), energy, truth, spread)
    place = start.coefficients + np.random.default_rng(5).normal(size=len(start.coefficients)) * 0.3
    _, slope = likelihood.cost(place)
    steps = 1e-5 * np.eye(len(place))
    expected = [(likelihood.cost(place + step)[0] - likelihood.cost(place - step)[0]) / 2e-5 for step in steps]
    np.testing.assert_allclose(slope, expected, atol=1e-7)
    moved = Recalibration(place, start.centre, start.scale, start.bounds)
    density = moved.lobes(answer.lobes(told), energy, spread).log_density(truth[:, None])[:, 0]
    stiff = np.delete(place, start.layout.constant)
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
    before, after = Densities(answer, told), found.lobes(answer.lobes(told), energy)
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
    assert np.abs(coverage(levels(Densities(answer, told), truth, 150), LEVELS) - LEVELS).max() < 0.05
    found = Recalibration.fit(answer.lobes(told), energy, truth)
    assert found.lobes(answer.lobes(told), energy).probability[:, -1].max() < 0.03
    shares = coverage(levels(found.lobes(answer.lobes(told), energy), truth, 150), LEVELS)
    peaked = "log_sigma" in answer.columns  # more than lobes are
    assert np.abs(shares - LEVELS).max() < (0.08 if peaked else 0.05)


@pytest.mark.parametrize("with_spread", [False, True])
def test_a_corrected_density_is_one_and_saved_and_read_the_same(with_spread):
    lobes, energy, truth, spread = apart(500, 6)
    spread = spread if with_spread else None
    fitted, again = (Recalibration.fit(lobes, energy, truth, spread) for _ in range(2))
    found = Recalibration.of(json.loads(json.dumps(fitted.described())))
    assert len(found.centre) == (3 if with_spread else 2)
    places, area = sphere(answers()["two_lobes"])
    some = (lobes.take(slice(10)), energy[:10], spread[:10] if with_spread else None)
    densities = np.exp(found.lobes(*some).log_density(places))
    np.testing.assert_allclose(densities.sum(axis=1) * area, 1, atol=0.01)
    np.testing.assert_array_equal(densities, np.exp(again.lobes(*some).log_density(places)))
    np.testing.assert_allclose(found.lobes(*some).probability.sum(axis=1), 1)


# ---------------------------------------------------------------------------- the spread
def apart(n, seed):
    """One lobe an event that says kappa 30; it is true where the spread is 3 degrees, and a tenth as much where it is 30."""
    rng = np.random.default_rng(seed)
    lobes, spread = Lobes.single(30 * unit_vectors(n, seed)), np.exp(rng.uniform(np.log(3), np.log(30), n))
    truth = Lobes(lobes.eta * (3 / spread)[:, None, None], lobes.probability).draw(1, rng)[:, 0]
    return lobes, rng.uniform(5, 50, n), truth, spread


def test_what_the_spread_tells_is_learnt():
    lobes, energy, truth, spread = apart(1600, 1)
    found, without = Recalibration.fit(lobes, energy, truth, spread), Recalibration.fit(lobes, energy, truth)
    lobes, energy, truth, spread = apart(1600, 2)
    corrected = found.lobes(lobes, energy, spread)
    np.testing.assert_allclose(corrected.kappa[:, 0], 30 * 3 / spread, rtol=0.35)
    gain = corrected.log_density(truth[:, None]) - without.lobes(lobes, energy).log_density(truth[:, None])
    assert gain.mean() > 0.1
    for some in (spread < 6, spread > 15):
        shares = coverage(levels(corrected.take(some), truth[some], 150), LEVELS)
        assert np.abs(shares - LEVELS).max() < 0.06


def test_a_spread_that_tells_nothing_is_left_out():
    lobes, energy, truth, spread = apart(800, 5)
    found = Recalibration.fit(lobes, energy, truth, np.random.default_rng(5).permutation(spread))
    np.testing.assert_array_equal(found.coefficients, Recalibration.fit(lobes, energy, truth).coefficients)


def test_a_spread_that_is_not_known_is_the_middle_one():
    lobes, energy, truth, spread = apart(500, 3)
    found = Recalibration.fit(lobes, energy, truth, spread)
    middle = np.full(500, np.exp(np.log(spread).mean()))
    expected = found.lobes(lobes, energy, middle)
    for unknown in (None, np.full(500, np.nan)):
        np.testing.assert_allclose(found.lobes(lobes, energy, unknown).eta, expected.eta)


def test_events_of_unknown_spread_are_left_out_of_the_fit():
    lobes, energy, truth, spread = apart(500, 4)
    spread[:100], known = np.nan, np.arange(100, 500)
    found, expected = (
        Recalibration.fit(*each)
        for each in ((lobes, energy, truth, spread), (lobes.take(known), energy[known], truth[known], spread[known]))
    )
    np.testing.assert_array_equal(found.coefficients, expected.coefficients)


def test_a_calibration_without_the_spread_says_what_it_said():
    """In closed form: the log of the factor on kappa, bounded at 3, is a + b x + c e + d x^2 + f x e + g e^2."""
    a, b, c, d, f, g = sharpness = (0.1, 0.2, -0.3, 0.05, 0.07, -0.02)
    found = Recalibration.of(
        {
            "coefficients": [*sharpness, *[0] * 3, *(-40, 0, 0), *[0] * 3, *(-40, 0)],
            "centre": [2, 0.5],
            "scale": [0.5, 2],
            "bounds": [[0, -3], [6, 3]],
        }
    )
    kappa, energy = np.array([5.0, 20.0]), np.array([8.0, 30.0])
    x, e = (np.log(kappa) - 2) / 0.5, (np.log(energy / 10) - 0.5) / 2
    log_factor = a + b * x + c * e + d * x**2 + f * x * e + g * e**2
    expected = kappa * np.exp(3 * np.tanh(log_factor / 3))
    lobes = Lobes.single(kappa[:, None] * unit_vectors(2))
    for spread in (None, np.array([1.0, 50.0])):
        corrected = found.lobes(lobes, energy, spread)
        np.testing.assert_allclose(corrected.kappa[:, 0], expected)
        np.testing.assert_allclose(corrected.probability, [[1, 0, 0]] * 2, atol=1e-15)


@pytest.mark.parametrize(
    "described",
    [
        *({}, {"centre": None}, [], {"coefficients": [1]}, {"coefficients": ["a"] * 17}),
        *({"centre": [1, 2, 3]}, {"centre": 1}, {"centre": [1], "scale": [1], "bounds": [[1], [2]]}),
    ],
)
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
