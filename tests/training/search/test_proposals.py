"""Proposals of a search: the same in every process, away from what failed, better than chance."""

import json
import logging
import math
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from python.config.search_space import Dimension
from python.training.search import proposals
from python.training.search.proposals import propose
from python.training.search.trials import Trial

SPACE = {
    "learning_rate": Dimension("loguniform", (1e-5, 1e-1)),
    "dropout_rate": Dimension("uniform", (0, 0.6)),
    "n_conv_layers": Dimension("quniform", (1, 5, 1)),
    "momentum": Dimension("quniform", (0.1, 0.9, 0.1)),
    "filters": Dimension("choice", ([8, 16], [16, 32], None, "wide", False)),
    "n_filters": Dimension("choice", (8, 16, 32, 64)),
}


def ended(number, values, loss, status="done"):
    return Trial(number, values, status, loss, loss, "", 1, 1, 1.0, 100, [])


def distance(values):
    """A closed form over SPACE; its minimum, 0, is at learning_rate 1e-3, dropout_rate 0.3, 3 layers, 32 filters."""
    return (
        (math.log10(values["learning_rate"]) + 3) ** 2
        + 5 * (values["dropout_rate"] - 0.3) ** 2
        + 0.2 * abs(values["n_conv_layers"] - 3)
        + 0.3 * abs(math.log2(values["n_filters"]) - 5)
    )


def never(_values):
    return False


def search(trials, seed, space=SPACE, loss=distance, fails=never, loss_of_failed=None):
    known = []
    for number in range(1, trials + 1):
        values = propose(space, known, [], number, seed)
        outcome = (loss_of_failed, "failed") if fails(values) else (loss(values), "done")
        known.append(ended(number, values, *outcome))
    return known


@pytest.fixture(scope="module")
def forty():
    return search(40, seed=1)


def test_values_are_json_values_of_the_space(forty):
    for trial in forty:
        values = trial.values
        assert json.loads(json.dumps(values)) == values
        assert list(values) == list(SPACE)
        assert type(values["learning_rate"]) is float
        assert 1e-5 <= values["learning_rate"] <= 1e-1
        assert 0 <= values["dropout_rate"] <= 0.6
        assert type(values["n_conv_layers"]) is int
        assert values["n_conv_layers"] in range(1, 6)
        assert values["momentum"] in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
        assert values["filters"] in SPACE["filters"].values
        assert values["n_filters"] in SPACE["n_filters"].values


def test_every_value_of_a_stepped_range_is_as_likely():
    space = {"n": Dimension("quniform", (0.0, 6.0, 2.0))}
    drawn = [propose(space, [], [], number, 0)["n"] for number in range(1, 401)]
    counts = np.bincount(np.array(drawn) // 2, minlength=4)
    assert len(counts) == 4
    assert np.abs(counts - 100).max() < 4 * math.sqrt(75)  # standard deviations of a binomial


IN_ANOTHER_PROCESS = """
import json, sys
from python.config.search_space import Dimension
from python.training.search.proposals import propose
from python.training.search.trials import Trial
space, trials, pending, number, seed = json.load(sys.stdin)
space = {name: Dimension(form, tuple(values)) for name, (form, values) in space.items()}
print(json.dumps(propose(space, [Trial.from_json(trial) for trial in trials], pending, number, seed)))
"""


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_resumed_search_proposes_what_an_uninterrupted_one_does(forty, hash_seed):
    space = {name: (dimension.form, dimension.values) for name, dimension in SPACE.items()}
    pending = [forty[38].values]
    asked = [space, [trial.to_json() for trial in forty[:38]], pending, 40, 1]
    answer = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    assert json.loads(answer.stdout) == propose(SPACE, forty[:38], pending, 40, 1)
    assert answer.stderr == ""


def test_seed_and_number_make_proposals_differ(forty):
    points = [propose(SPACE, forty, [], number, seed) for number, seed in ((41, 1), (42, 1), (41, 2))]
    assert all(points[index] not in points[:index] for index in range(3))


def test_what_ended_and_in_which_order_counts(forty):
    best = [ended(number, forty[0].values, -1.0) for number in (41, 42)]
    assert propose(SPACE, forty + best, [], 43, 1) != propose(SPACE, forty, [], 43, 1)
    mixed = forty[20:] + forty[:20]  # the older ones are forgotten first
    assert [propose(SPACE, mixed, [], n, 1) for n in (41, 42, 43)] != [
        propose(SPACE, forty, [], n, 1) for n in (41, 42, 43)
    ]


def test_the_global_random_state_is_neither_used_nor_changed(forty, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the global state is what is tested
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = propose(SPACE, forty, [], 41, 1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    random.seed(6)
    np.random.seed(6)  # noqa: NPY002
    assert propose(SPACE, forty, [], 41, 1) == first
    assert caplog.records == []
    assert tuple(capfd.readouterr()) == ("", "")


# ---------------------------------------------------------------------------- what is learnt
def mean_best(seeds, trials):
    return np.mean([min(trial.loss for trial in search(trials, seed)) for seed in seeds])


@pytest.mark.parametrize("trials", [20, 50])
def test_better_than_random_search(trials, monkeypatch):
    learnt = mean_best(range(6), trials)
    monkeypatch.setattr(proposals, "RANDOM_TRIALS", trials)
    assert learnt < 0.8 * mean_best(range(6), trials)


@pytest.mark.parametrize(
    ("fails", "share"),
    [
        (lambda values: values["learning_rate"] > 1e-3, 0.5),
        (lambda values: values["n_filters"] == 64, 0.25),
        (lambda values: values["dropout_rate"] > 0.3 or values["learning_rate"] < 1e-4, 0.625),
    ],
    ids=["a rate", "a choice", "two together"],
)
@pytest.mark.parametrize("loss_of_failed", [None, math.nan])
def test_later_proposals_keep_away_from_where_trials_fail(fails, share, loss_of_failed):
    searches = [search(40, seed, fails=fails, loss_of_failed=loss_of_failed) for seed in range(3)]
    assert np.mean([fails(trial.values) for known in searches for trial in known[15:]]) < 0.6 * share


def test_a_search_in_which_everything_fails_goes_on_at_random():
    points = [trial.values for trial in search(30, seed=0, fails=lambda _: True)]
    assert all(points[index] not in points[:index] for index in range(30))
    assert {point["n_filters"] for point in points[15:]} == {8, 16, 32, 64}


def test_pruned_trials_count_with_the_loss_they_reached(forty):
    pruned = [Trial(**{**trial.to_json(), "status": "pruned"}) for trial in forty]
    assert propose(SPACE, pruned, [], 41, 1) == propose(SPACE, forty, [], 41, 1)


def test_parallel_proposals_spread(forty):
    pending = []
    for number in range(41, 49):
        pending.append(propose(SPACE, forty, pending, number, 1))
    assert all(pending[index] not in pending[:index] for index in range(8))
    assert len({values["learning_rate"] for values in pending}) == 8


def test_trials_that_run_push_others_away(forty):
    """TPE looks elsewhere when many trials run at a place already."""

    def near(values):
        return abs(math.log10(values["learning_rate"]) + 3) < 0.5

    crowd = [{**forty[0].values, "learning_rate": 10 ** (-3.5 + k / 20)} for k in range(20)]
    alone = sum(near(propose(SPACE, forty, [], number, 1)) for number in range(41, 71))
    crowded = sum(near(propose(SPACE, forty, crowd, number, 1)) for number in range(41, 71))
    assert crowded < 0.7 * alone


# ---------------------------------------------------------------------------- small spaces
def test_a_space_with_one_point():
    space = {"n_filters": Dimension("choice", (16,))}
    known = search(25, seed=0, space=space, loss=lambda _: 1.0)
    assert all(trial.values == {"n_filters": 16} for trial in known)


def test_every_point_of_a_small_space_is_tried_before_one_comes_again():
    space = {"n_filters": Dimension("choice", (4, 8, 16, 32, 64)), "n_layers": Dimension("quniform", (1, 4, 1))}
    known = search(20, seed=3, space=space, loss=lambda values: values["n_filters"] / values["n_layers"])
    assert len({tuple(trial.values.values()) for trial in known}) == 20
