"""What a search may vary, and how it is written."""

import pytest

from mt_identifier.schema import SCHEMA
from python.config.load import parse_config
from python.config.search_space import Dimension, read_dimension, read_space
from python.general_purpose_libs import ConfigError


def with_space(space, trials=3, **model):
    raw = {
        "model_name": "hyperopt_simple_cnn",
        "model_parameters": {"hp_max_evals": trials, "space_options": space, **model},
    }
    return parse_config(raw, SCHEMA, "FILE")


@pytest.mark.parametrize(
    ("name", "written", "form", "values"),
    [
        ("n_filters", [16, 32], "choice", (16, 32)),
        ("learning_rate", [1e-4, 1e-2], "loguniform", (1e-4, 1e-2)),
        ("decay_rate", [0.9, 0.99], "uniform", (0.9, 0.99)),
        ("learning_rate", [1e-4, 1e-3, 1e-2], "choice", (1e-4, 1e-3, 1e-2)),
        ("learning_rate", [1e-3], "choice", (1e-3,)),
        ("learning_rate", {"uniform": [1e-4, 1e-2]}, "uniform", (1e-4, 1e-2)),
        ("learning_rate", {"choice": [1e-4, 1e-2]}, "choice", (1e-4, 1e-2)),
        ("n_filters", {"quniform": [16, 64, 16]}, "quniform", (16, 64, 16)),
        ("dropout_rate", {"quniform": [0.1, 0.5, 0.1]}, "quniform", (0.1, 0.5, 0.1)),
    ],
)
def test_forms(name, written, form, values):
    assert read_dimension(name, written) == Dimension(form, values)
    config = with_space({name: written})
    assert config.search_requested
    dimensions, problems = read_space({name: written}, config, SCHEMA.architectures["hyperopt_simple_cnn"])
    assert dimensions == {name: Dimension(form, values)}
    assert problems == []


@pytest.mark.parametrize(
    "space",
    [
        {"batch_size": [32, 64], "aug_coefficient": [1, 2], "prob_per_flip": {"uniform": [0, 1]}},
        {"loss": ["focal", "binary_crossentropy"], "gamma": [1, 2], "alpha": [0.25, None]},
    ],
)
def test_what_stands_outside_the_network_can_be_searched(space):
    assert with_space(space).search_requested


def test_parameters_of_the_configured_loss():
    assert with_space({"gamma": [1.0, 3.0]}, loss={"name": "focal"}).search_requested
    with pytest.raises(ConfigError, match="gamma: nothing of this name can be searched"):
        with_space({"gamma": [1.0, 3.0]})


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"n_fliters": [8]}, r'n_fliters: nothing of this name can be searched; did you mean "n_filters"\?'),
        ({"n_filters": 8}, r"must be a list of choices, .*, not 8"),
        ({"n_filters": []}, "choice needs a list of values"),
        ({"n_filters": [8, 0]}, "from 1 to 1024, not 0"),
        ({"n_filters": [8, 16.5]}, r"from 1 to 1024, not 16\.5"),
        ({"n_filters": [8, 8]}, "lists 8 twice"),
        ({"n_filters": {"unifrom": [1, 2]}}, r'did you mean "uniform"\?'),
        ({"n_filters": {"uniform": [1, 2]}}, "is an integer"),
        ({"n_filters": {"quniform": [1, 2, 0.5]}}, "is an integer"),
        ({"n_filters": {"quniform": [10, 64, 16]}}, "multiples of the step"),
        ({"n_filters": {"quniform": [16, 64, 0]}}, "multiples of the step"),
        ({"learning_rate": {"uniform": [1e-3]}}, "uniform needs 2 numbers"),
        ({"learning_rate": {"uniform": [1e-3, "b"]}}, "uniform needs 2 numbers"),
        ({"learning_rate": [1e-2, 1e-3]}, "low below high"),
        ({"learning_rate": {"loguniform": [0, 0.1]}}, "low above 0"),
        ({"learning_rate": {"uniform": [0.0, 0.1]}}, "above 0 and at most 1, not 0"),
        ({"learning_rate": {"uniform": [0.1, 1.5]}}, r"above 0 and at most 1, not 1\.5"),
        ({"learning_rate": {"uniform": [0.1, 0.2], "choice": [1]}}, "must be a list of choices"),
        ({"loss": {"uniform": [0, 1]}}, "takes no numbers"),
        ({"loss": ["focal", "angular"]}, 'must be one of "binary_crossentropy", "focal", not "angular"'),
        ({"n_conv_layers": [2, 6]}, "128 x 32 can be halved 5 times"),
        ({"n_conv_layers": {"quniform": [1, 6, 1]}}, "128 x 32 can be halved 5 times"),
        ({}, "names nothing to search"),
    ],
)
def test_what_cannot_be_searched(space, message):
    with pytest.raises(ConfigError, match=r"model_parameters\.space_options.*" + message):
        with_space(space)


def test_all_mistakes_of_a_space_at_once():
    with pytest.raises(ConfigError, match="FILE: 3 mistakes"):
        with_space({"n_fliters": [8], "dropout_rate": [2.0], "decay_rate": [1.0, 0.9], "kernel_size": [3, 5]})


@pytest.mark.parametrize(
    ("model_name", "model", "path"),
    [
        ("simple_cnn", {"hp_max_evals": 3}, "hp_max_evals"),
        ("simple_cnn", {"space_options": {"n_filters": [1, 2]}}, "space_options"),
        ("hyperopt_simple_cnn", {}, "model_name"),
        ("hyperopt_simple_cnn", {"hp_max_evals": 3}, "hp_max_evals"),
    ],
)
def test_half_a_search_is_an_error(model_name, model, path):
    with pytest.raises(ConfigError) as caught:
        parse_config({"model_name": model_name, "model_parameters": model}, SCHEMA, "FILE")
    assert path in str(caught.value).split(": ")[1]
    assert "\n" not in str(caught.value)


def test_any_architecture_can_be_searched():
    model = {"hp_max_evals": 3, "space_options": {"n_filters": [8, 16]}}
    assert parse_config({"model_name": "simple_cnn", "model_parameters": model}, SCHEMA).search_requested


# ---------------------------------------------------------------------------- how the search is done
def with_search(**search):
    raw = {
        "model_name": "hyperopt_simple_cnn",
        "model_parameters": {"hp_max_evals": 3, "space_options": {"n_filters": [8, 16]}},
        "search": search,
    }
    return parse_config(raw, SCHEMA, "FILE").search


def test_defaults_of_the_search():
    search = with_search()
    assert (search.objective, search.engine, search.workers) == ("val_loss", "local", 1)
    limits = (search.epochs_per_trial, search.max_samples_per_trial, search.time_budget_minutes, search.patience)
    assert limits == (None, None, None, None)
    assert search.pruning.warmup_epochs > 0
    assert search.pruning.startup_trials > 1


def test_what_a_search_may_be_told():
    written = {
        "objective": "val_auc",
        "epochs_per_trial": 10,
        "max_samples_per_trial": 5000,
        "time_budget_minutes": 90.5,
        "patience": 15,
        "pruning": {"warmup_epochs": 0, "startup_trials": 1},
        "engine": "slurm",
        "workers": 8,
    }
    assert with_search(**written).model_dump() == written
    assert with_search(pruning=None).pruning is None
    assert with_search(time_budget_minutes=90).time_budget_minutes == 90


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"objective": "val_los"}, r"search\.objective.*val_loss"),
        ({"epochs_per_trial": 0}, r"search\.epochs_per_trial.*at least 1"),
        ({"max_samples_per_trial": 1.5}, r"search\.max_samples_per_trial.*an integer"),
        ({"time_budget_minutes": 0}, r"search\.time_budget_minutes.*above 0"),
        ({"patience": 0}, r"search\.patience.*at least 1"),
        ({"pruning": True}, r"search\.pruning.*\{warmup_epochs, startup_trials\} or null"),
        ({"pruning": {"warmup": 3}}, r'search\.pruning\.warmup.*did you mean "warmup_epochs"'),
        ({"pruning": {"startup_trials": 0}}, r"search\.pruning\.startup_trials.*at least 1"),
        ({"engine": "condor"}, r'search\.engine.*"htcondor"'),
        ({"workers": 0}, r"search\.workers.*from 1 to 1000"),
        ({"worker": 2}, r'search\.worker\b.*did you mean "workers"'),
    ],
)
def test_mistakes_in_how_the_search_is_done(search, message):
    with pytest.raises(ConfigError, match=message):
        with_search(**search)
