"""Older dialects in, the one dialect out, with nothing that changes a training lost on the way."""

import pytest

from electron_direction.schema import SCHEMA as ELECTRON_DIRECTION
from mt_identifier.schema import SCHEMA
from python.commands.tasks import load_schema
from python.config.legacy.convert import convert
from python.config.load import parse_config
from python.general_purpose_libs import ConfigError


def at(config, path):
    for key in path.split("."):
        config = config[key]
    return config


def converted(raw, task="mt_identifier"):
    return convert(raw, load_schema(task), "FILE")


def refusal(raw, task="mt_identifier"):
    with pytest.raises(ConfigError) as caught:
        converted(raw, task)
    return str(caught.value)


def test_data_are_kept_and_folders_of_other_machines_named():
    raw = {
        "model_type": "simple_cnn",
        "data": {"es_directory": "/e", "cc_directory": "/c"},
        "output": {"base_dir": "/o"},
    }
    result = converted(raw, "channel_tagging")
    assert result.config["es_directories"] == ["/e"]
    assert result.config["cc_directories"] == ["/c"]
    assert [line.split(" ")[0] for line in result.not_carried_over] == ["output.base_dir"]
    both = converted({"model_name": "simple_cnn", "es_dir": "/e", "cc_dir": ["/c"], "data_path": "/d"})
    assert both.config["data_directories"] == ["/d", "/e", "/c"]


def test_contradictions_name_both_values():
    raw = {
        "model": {"name": "simple_cnn"},
        "training": {"learning_rate": 1e-4},
        "model_params": {"learning_rate": 5e-4},
    }
    [note] = [note for note in converted(raw).notes if "model_params.learning_rate" in note]
    assert "training.learning_rate is 0.0001" in note
    assert "model_params.learning_rate is 0.0005" in note
    assert "took 0.0005" in note


def test_a_copy_that_agrees_is_no_contradiction():
    raw = {"model": {"name": "simple_cnn"}, "training": {"epochs": 5}, "epochs": 5}
    result = converted(raw)
    assert at(result.config, "model_parameters.epochs") == 5
    assert not any("took" in note for note in result.notes)


@pytest.mark.parametrize(
    ("split", "fractions"),
    [
        ({"train_split": 0.8}, (0.8, 0.1, 0.1)),
        ({"train_split": 0.7, "val_split": 0.2}, (0.7, 0.2, 0.1)),
        ({"train_split": 0.6, "val_split": 0.3, "test_split": 0.1}, (0.6, 0.3, 0.1)),
    ],
)
def test_what_a_split_leaves_is_divided_evenly(split, fractions):
    result = converted({"model": {"name": "simple_cnn"}, "data": split})
    dataset = parse_config(result.config, SCHEMA).dataset_parameters
    assert (dataset.train_fraction, dataset.val_fraction, dataset.test_fraction) == pytest.approx(fractions)
    assert any("divided evenly" in note for note in result.notes) == (len(split) < 3)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"type": "float", "min": 0.1, "max": 0.3}, {"uniform": [0.1, 0.3]}),
        ({"type": "float", "min": 0.1, "max": 0.3, "sampling": "linear"}, {"uniform": [0.1, 0.3]}),
        ({"type": "float", "min": 0.01, "max": 0.3, "sampling": "log"}, {"loguniform": [0.01, 0.3]}),
        ({"type": "float", "min": 0.1, "max": 0.35, "step": 0.1}, {"choice": [0.1, 0.2, 0.3]}),
        ({"type": "choice", "values": [0.1, 0.2]}, {"choice": [0.1, 0.2]}),
        ([0.1, 0.2], [0.1, 0.2]),
    ],
)
def test_typed_ranges(written, expected):
    hyperopt = {"enabled": True, "n_trials": 3, "search_space": {"dropout_rate": written}}
    result = converted({"model": {"name": "simple_cnn"}, "hyperopt": hyperopt})
    assert at(result.config, "model_parameters.space_options.dropout_rate") == expected
    assert parse_config(result.config, SCHEMA).search_requested


def test_integer_ranges():
    space = {
        "n_conv_layers": {"type": "int", "min": 1, "max": 3},
        "n_filters": {"type": "int", "min": 8, "max": 512, "step": 8},
    }
    raw = {"model": {"name": "simple_cnn"}, "hyperopt": {"n_trials": 3, "search_space": space}}
    options = at(converted(raw).config, "model_parameters.space_options")
    assert options == {"n_conv_layers": {"choice": [1, 2, 3]}, "n_filters": {"quniform": [8, 512, 8]}}
    parse_config(converted(raw).config, SCHEMA)


def test_two_rates_are_a_range_in_one_dialect_and_choices_in_the_other():
    rates = [0.001, 0.01]
    old = {
        "model_name": "simple_cnn",
        "model_parameters": {"hp_max_evals": 2, "space_options": {"learning_rate": rates}},
    }
    typed = {"model": {"name": "simple_cnn"}, "hyperopt": {"n_trials": 2, "search_space": {"learning_rate": rates}}}
    assert at(converted(old).config, "model_parameters.space_options.learning_rate") == {"uniform": rates}
    assert at(converted(typed).config, "model_parameters.space_options.learning_rate") == {"choice": rates}


def test_longer_lists_of_rates_say_what_older_code_did():
    model = {"hp_max_evals": 2, "space_options": {"decay_rate": [0.9, 0.95, 0.99]}}
    notes = converted({"model_name": "simple_cnn", "model_parameters": model}).notes
    assert any("uniform range of the first two" in note for note in notes)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"data": {"shuffle": False}}, "data.shuffle"),
        ({"data": {"input_data": "x.npy"}}, "data.input_data: separate NPY arrays"),
        ({"input_label": "x.npy"}, "input_label: separate NPY arrays"),
        ({"hyperopt": {"enabled": True, "n_trials": 3}}, "hyperopt: a search needs"),
        ({"hyperopt": {"n_trials": 3, "search_space": {"n_fliters": [1]}}}, 'did you mean "n_filters"'),
        ({"hyperopt": {"n_trials": 3, "search_space": {"n_filters": {"type": "normal"}}}}, "search_space.n_filters"),
        (
            {"hyperopt": {"n_trials": 3, "search_space": {"n_filters": [1]}, "executions_per_trial": 2}},
            "executions_per_trial",
        ),
        ({"hyperopt": {"enabled": False, "tuner": "bayes"}}, "hyperopt.tuner"),
        ({"training": {"space_options": 3}}, "training.space_options"),
        ({"num_batches": 3}, "belong together"),
        ({"task_label": "channel_tagging"}, "task_label"),
        ({"dataset": {"plane": "U", "batch_pattern": "*_planeX.npz"}}, "files of plane X"),
        ({"early_stopping": None, "training": {"early_stopping_patience": 4}}, "contradicts"),
        ({"description": float("nan")}, "too large"),
    ],
)
def test_what_cannot_be_converted_fails_by_name(raw, named):
    assert named in refusal({"model": {"name": "simple_cnn"}, **raw})


def test_all_failures_at_once():
    message = refusal({"model": {"name": "simple_cnn", "layers": 3}, "training": {"momentum": 0.9}, "qqq": 1})
    assert message.startswith("FILE: 3 mistakes")


@pytest.mark.parametrize("key", ["require_three_plane_match", "use_matched"])
def test_matched_clusters_are_a_selection(key):
    result = converted({"model": {"name": "three_plane_cnn"}, "data": {key: True}}, "electron_direction")
    assert parse_config(result.config, ELECTRON_DIRECTION).selection.complete_match
    assert f"data.{key} -> selection.complete_match" in result.mapped


def test_clusters_that_need_no_match_on_all_planes():
    raw = {"model": {"name": "three_plane_cnn"}, "data": {"require_three_plane_match": False}}
    config = parse_config(converted(raw, "electron_direction").config, ELECTRON_DIRECTION)
    assert not config.selection.complete_match
    raw["data"] = {"use_matched": False}
    assert "data.use_matched: false has no counterpart" in refusal(raw, "electron_direction")


def test_older_direction_networks_used_no_symmetry():
    raw = {"model": {"name": "three_plane_cnn"}}
    config = parse_config(converted(raw, "electron_direction").config, ELECTRON_DIRECTION)
    assert config.dataset_parameters.augmentation.symmetries == config.prediction.average_over == ()
    assert sum("symmetries of the drift frame" in note for note in converted(raw, "electron_direction").notes) == 2
    assert "prediction" not in converted({"model": {"name": "simple_cnn"}}).config


def test_a_file_without_an_architecture():
    assert "names no architecture" in refusal({"training": {"epochs": 3}})


@pytest.mark.parametrize(
    ("raw", "name", "version"),
    [
        ({"model_name": "simple_cnn"}, "simple_cnn", None),
        ({"model": "SimpleCNN", "model_name": "RUN_7"}, "simple_cnn", "RUN_7"),
        ({"model": {"name": "run_7", "architecture": "deep"}}, "deep_cnn", "run_7"),
        ({"model_type": "deep_cnn", "model": {"architecture": "deep"}, "version": "v3"}, "deep_cnn", "v3"),
    ],
)
def test_architectures_and_labels_are_told_apart(raw, name, version):
    config = converted(raw, "channel_tagging").config
    assert config["model_name"] == name
    assert config.get("version") == version


def test_a_search_that_is_switched_off():
    hyperopt = {"enabled": False, "n_trials": 20, "search_space": {"n_filters": [8, 16]}}
    result = converted({"model": {"name": "simple_cnn"}, "hyperopt": hyperopt})
    assert not parse_config(result.config, SCHEMA).search_requested
    assert {line.split(" ")[0] for line in result.not_carried_over} == {"hyperopt.n_trials", "hyperopt.search_space"}


def test_blocks_that_differ_have_no_counterpart():
    block = {"filters": 8, "kernel_size": [3, 5], "pool_size": [2, 2]}
    message = refusal({"model_type": "deep_cnn", "model": {"conv_blocks": [block]}}, "channel_tagging")
    assert "model.conv_blocks" in message


def test_todays_dialect_passes_through_unchanged():
    raw = {
        "task": "mt_identifier",
        "model_name": "simple_cnn",
        "plane": "U",
        "dataset_parameters": {"train_fraction": 0.8, "val_fraction": 0.1, "test_fraction": 0.1, "old_flips": "none"},
        "model_parameters": {
            "build_parameters": {"n_filters": 8, "decay_rate": 0.9},
            "loss": {"name": "focal", "gamma": 1.0},
            "optimizer": {"name": "sgd", "clipnorm": 1.0},
            "early_stopping": {"monitor": "val_auc", "patience": 3, "restore_best_weights": False},
            "reduce_lr": None,
        },
        "batch_job": {"request_cpus": 4},
    }
    assert converted(raw).config == raw


def test_todays_dialect_of_directions_passes_through_unchanged():
    raw = {
        "task": "electron_direction",
        "model_name": "three_plane_residual",
        "selection": {"channel": "mixed", "main_track": False, "max_energy": 60.0},
        "dataset_parameters": {
            "train_fraction": 0.8,
            "val_fraction": 0.1,
            "test_fraction": 0.1,
            "augmentation": {"symmetries": ["rotation"], "noise_adc": 16.0},
            "frame": "drift",
        },
        "model_parameters": {
            "build_parameters": {"n_conv_layers": 4, "decay_rate": 0.9},
            "early_stopping": {"monitor": "val_loss", "patience": 3, "restore_best_weights": True},
            "reduce_lr": None,
        },
        "ensemble": {"members": 3, "resampling": "none"},
        "prediction": {"average_over": ["rotation"]},
    }
    assert converted(raw, "electron_direction").config == raw
    parse_config(raw, ELECTRON_DIRECTION)
