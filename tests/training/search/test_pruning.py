"""The median stopping rule."""

import math

import pytest

from python.config.schema import Pruning, Search
from python.training.search.pruning import hopeless_above
from python.training.search.trials import Trial

CURVES = [[5, 3, 4, 1], [4, 4, 2, 2], [9, 8, 7, 6]]


def trial(curve, status="done"):
    return Trial(1, {}, status, 1.0, 1.0, "", len(curve), 1, 1.0, 100, [float(value) for value in curve])


def settings(warmup=0, startup=1, objective="val_loss"):
    return Search(objective=objective, pruning=Pruning(warmup_epochs=warmup, startup_trials=startup))


def test_median_of_the_best_so_far():
    assert hopeless_above([trial(curve) for curve in CURVES], 4, settings()) == [5, 4, 3, 2]


def test_larger_is_better_for_an_accuracy():
    curves = [[0.5, 0.7, 0.6], [0.6, 0.65, 0.9], [0.1, 0.2, 0.3]]
    trials = [trial(curve) for curve in curves]
    assert hopeless_above(trials, 3, settings(objective="val_accuracy")) == [-0.5, -0.65, -0.7]


def test_nobody_is_pruned_in_the_first_epochs():
    trials = [trial(curve) for curve in CURVES]
    assert hopeless_above(trials, 4, settings(warmup=2)) == [None, None, 3, 2]
    assert hopeless_above(trials, 4, settings(warmup=9)) == [None] * 4


@pytest.mark.parametrize("status", ["pruned", "failed"])
def test_only_trials_that_ran_to_their_end_count(status):
    trials = [trial(CURVES[0]), trial(CURVES[1]), trial([0, 0, 0, 0], status)]
    assert hopeless_above(trials, 4, settings(startup=3)) == [None] * 4
    assert hopeless_above(trials, 4, settings(startup=2)) == [4.5, 3.5, 2.5, 1.5]


def test_one_that_stopped_early_stands_for_the_rest():
    assert hopeless_above([trial([3, 2])], 4, settings()) == [3, 2, 2, 2]


def test_a_longer_one_counts_as_far_as_asked():
    assert hopeless_above([trial([3, 2, 1])], 2, settings()) == [3, 2]


def test_what_is_not_finite_is_no_bound():
    assert hopeless_above([trial([math.nan, 2, math.nan])], 3, settings()) == [None, 2, 2]


def test_without_pruning_there_are_no_bounds():
    assert hopeless_above([trial(CURVES[0])], 4, Search(pruning=None)) == []
