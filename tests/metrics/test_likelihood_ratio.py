"""Likelihood ratios from scores."""

import numpy as np
import pytest

from python.general_purpose_libs import DataError
from python.metrics.likelihood_ratio import LikelihoodRatio, logit


def events(n, seed, second=0.3, sharpness=1.0):
    """Two classes with spectra of their own, told apart by a normal number; scores of a classifier that knows all of that, or is
    too sure of itself."""
    rng = np.random.default_rng(seed)
    is_second = rng.random(n) < second
    energy = np.where(is_second, 4 + rng.exponential(6, n), 4 + rng.exponential(12, n))
    place = rng.normal(np.where(is_second, 1.0, -1.0), 1.2)
    ratio = 2 * place / 1.2**2
    of_energy = (
        np.log(second / (1 - second)) + np.log(np.exp(-(energy - 4) / 6) / 6) - np.log(np.exp(-(energy - 4) / 12) / 12)
    )
    score = 1 / (1 + np.exp(-sharpness * (ratio + of_energy)))
    return is_second, score, energy, ratio


@pytest.mark.parametrize("sharpness", [1.0, 1.6])
@pytest.mark.parametrize("second", [0.5, 0.1])
def test_ratios_are_found_whatever_the_numbers_and_spectra(second, sharpness):
    is_second, score, energy, _ = events(30_000, 1, second, sharpness)
    found = LikelihoodRatio.fit(is_second, score, energy)
    _, score, energy, ratio = events(3_000, 2, 0.5 if second < 0.3 else second, 1.0)
    if sharpness == 1.0 and second >= 0.3:
        assert np.median(np.abs(found.log_ratio(score, energy) - ratio)) < 0.15


def test_ratios_average_to_one():
    """The mean of p(x | second) / p(x | first) over the first class is 1, at every energy."""
    is_second, score, energy, _ = events(40_000, 3)
    found = LikelihoodRatio.fit(is_second, score, energy)
    is_second, score, energy, _ = events(40_000, 4)
    ratio = np.exp(found.log_ratio(score, energy))
    for low, high in ((4, 7), (7, 12), (12, 20), (20, 40)):
        mine = ~is_second & (energy >= low) & (energy < high)
        assert ratio[mine].mean() == pytest.approx(1, abs=0.25)


def test_classes_that_do_not_overlap_stay_finite():
    rng = np.random.default_rng(5)
    is_second = rng.random(2_000) < 0.5
    score = np.where(is_second, 1.0, 0.0)
    found = LikelihoodRatio.fit(is_second, score, rng.uniform(3, 30, 2_000))
    ratio = found.log_ratio(np.array([0.0, 1.0]), np.array([10.0, 1e9]))
    assert np.all(np.isfinite(ratio))
    assert ratio[0] < -2 < 2 < ratio[1]


def test_round_trip_and_what_is_none():
    is_second, score, energy, _ = events(2_000, 6)
    found = LikelihoodRatio.fit(is_second, score, energy)
    again = LikelihoodRatio.of(found.described())
    assert np.array_equal(again.log_ratio(score, energy), found.log_ratio(score, energy))
    with pytest.raises(ValueError, match="likelihood ratio"):
        LikelihoodRatio.of({"of_score": [1.0]})
    with pytest.raises(ValueError, match="another release"):
        LikelihoodRatio.of({"of_score": [1.0], "of_energy": [1.0], "bounds": [0.0]})
    with pytest.raises(ValueError, match="another release"):
        LikelihoodRatio.of({**found.described(), "bounds_beside": [0.0, 1.0]})
    with pytest.raises(ValueError, match="likelihood ratio"):
        LikelihoodRatio.of([])


def test_too_few_of_a_class_are_told():
    with pytest.raises(DataError, match="3 events of a class"):
        LikelihoodRatio.fit(np.arange(500) < 3, np.full(500, 0.5), np.full(500, 10.0))


def test_logits_are_bounded():
    assert np.all(np.isfinite(logit(np.array([0.0, 1.0, 0.5]))))


def test_what_is_beside_the_score_counts_for_what_the_score_leaves_out():
    """Two independent normal numbers, of which the score knows the first: the ratio with the other is that of both."""
    rng = np.random.default_rng(7)
    is_second = rng.random(60_000) < 0.4
    energy = 5 + rng.exponential(8, len(is_second))
    known, other = rng.normal(np.where(is_second, 0.5, -0.5)), rng.normal(np.where(is_second, 0.4, -0.4))
    score = 1 / (1 + np.exp(-(known + np.log(0.4 / 0.6))))
    found = LikelihoodRatio.fit(is_second, score, energy, other)
    expected = known + 0.8 * other
    assert np.median(np.abs(found.log_ratio(score, energy, other) - expected)) < 0.06
    again = LikelihoodRatio.of(found.described())
    assert np.array_equal(again.log_ratio(score, energy, other), found.log_ratio(score, energy, other))
    with pytest.raises(ValueError, match="beside"):
        found.log_ratio(score, energy)
