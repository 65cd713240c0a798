"""Older dialects in, the one dialect out, with nothing that changes a training lost on the way."""

import copy
from pathlib import Path

import pytest

from channel_tagging.schema import SCHEMA as CHANNEL_TAGGING
from electron_direction.schema import SCHEMA as ELECTRON_DIRECTION
from mt_identifier.schema import SCHEMA
from python.commands.tasks import load_schema
from python.config.legacy.convert import convert
from python.config.load import parse_config
from python.general_purpose_libs import ConfigError, read_json

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "legacy_configs"
TASKS = {task.name: task for task in (SCHEMA, CHANNEL_TAGGING, ELECTRON_DIRECTION)}
EXPECTED = {
    "mt_identifier/basic_training": {
        "model_name": "simple_cnn",
        "model_parameters.build_parameters.n_filters": 64,
        "model_parameters.build_parameters.decay_rate": 0.95,
        "model_parameters.epochs": 50,
        "model_parameters.early_stopping.patience": 10,
    },
    "mt_identifier/hyperopt_training": {
        "model_name": "hyperopt_simple_cnn",
        "dataset_parameters.aug_coefficient": 2,
        "model_parameters.hp_max_evals": 20,
        "model_parameters.space_options.learning_rate": {"uniform": [0.0001, 0.001]},
        "model_parameters.space_options.decay_rate": [0.90, 0.95, 0.99],
    },
    "mt_identifier/production_training_prod_main_v4": {
        "dataset_parameters.batch_pattern": "*_plane{plane}.npz",
        "dataset_parameters.random_seed": 42,
        "dataset_parameters.train_fraction": 0.7,
        "model_parameters.space_options.decay_rate": {"uniform": [0.95, 0.98]},
        "model_parameters.space_options.batch_size": [64, 128, 256],
        "notes.training_notes.date": "2025-11-04",
    },
    "mt_identifier/production_v13_incremental": {
        "dataset_parameters.max_samples": 40000,
        "model_parameters.epochs": 5,
        "model_parameters.batch_size": 64,
        "model_parameters.early_stopping": None,
        "model_parameters.build_parameters.n_dense_units": 256,
        "model_parameters.build_parameters.dropout_rate": 0.3,
        "model_parameters.build_parameters.decay_rate": 1.0,
    },
    "mt_identifier/quick_test": {"dataset_parameters.max_samples": 500, "model_parameters.batch_size": 16},
    "mt_identifier/v26_50k": {
        "version": "v26_50k",
        "dataset_parameters.balance_data": True,
        "dataset_parameters.max_samples": 50000,
        "model_parameters.build_parameters.learning_rate": 0.001,
        "model_parameters.early_stopping.patience": 50,
    },
    "channel_tagging/volume_v1_streaming_50k": {
        "model_name": "simple_cnn",
        "version": "v1_volume_streaming",
        "dataset_parameters.loading": "streaming",
        "model_parameters.build_parameters.n_dense_layers": 1,
        "model_parameters.build_parameters.n_dense_units": 128,
        "model_parameters.early_stopping.patience": 15,
    },
    "channel_tagging/volume_v35_hyperopt_10k": {
        "dataset_parameters.max_samples_per_class": 5000,
        "dataset_parameters.val_fraction": 0.1,
        "dataset_parameters.test_fraction": 0.1,
        "model_parameters.hp_max_evals": 5,
        "model_parameters.build_parameters.use_batch_norm": True,
        "model_parameters.space_options.learning_rate": {"loguniform": [0.0001, 0.001]},
        "model_parameters.space_options.dropout_rate": {"choice": [0.2, 0.3, 0.4, 0.5]},
        "model_parameters.space_options.n_dense_units": {"choice": [128, 256, 512]},
        "model_parameters.reduce_lr.patience": 8,
        "search.objective": "val_accuracy",
    },
    "channel_tagging/volume_v43_deep_100k": {
        "model_name": "deep_cnn",
        "model_parameters.build_parameters.filters": [28, 28, 29, 47, 48, 48],
        "model_parameters.build_parameters.kernel_size": 3,
        "model_parameters.build_parameters.pool_size": 2,
        "model_parameters.build_parameters.dense_units": [96, 32],
        "model_parameters.build_parameters.learning_rate": 0.0001,
    },
    "electron_direction/three_plane_hybrid_v6_50k": {
        "model_name": "three_plane_cnn",
        "model_parameters.loss.name": "hybrid",
        "model_parameters.input_shape": [128, 16, 1],
        "model_parameters.reduce_lr.patience": 5,
        "selection.complete_match": True,
        "dataset_parameters.max_samples": 50000,
        "dataset_parameters.val_fraction": 0.1,
        "dataset_parameters.augmentation.symmetries": [],
        "prediction.average_over": [],
        "model_parameters.hp_max_evals": None,
        "model_parameters.space_options": None,
    },
    "electron_direction/three_plane_v12_100k": {
        "model_name": "three_plane_cnn",
        "version": "three_plane_v12_100k",
        "model_parameters.loss.name": "angular",
        "model_parameters.reduce_lr.patience": 10,
        "model_parameters.build_parameters.n_conv_layers": 4,
        "model_parameters.build_parameters.n_filters": 64,
        "model_parameters.build_parameters.decay_rate": 1.0,
        "dataset_parameters.test_fraction": 0.15,
        "selection.complete_match": True,
        "prediction.average_over": [],
    },
    "electron_direction/three_plane_v14_10k_hyperopt": {
        "search.epochs_per_trial": 100,
        "model_parameters.optimizer.clipnorm": 1.0,
        "model_parameters.reduce_lr.min_lr": 1e-6,
        "model_parameters.space_options.learning_rate": {"choice": [0.0001, 0.001, 0.01]},
        "model_parameters.space_options.n_filters": [32, 64, 128],
        "model_parameters.space_options.dropout_rate": [0.2, 0.3, 0.4, 0.5],
        "selection.complete_match": True,
        "dataset_parameters.augmentation.symmetries": [],
    },
}


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


def sample(name):
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip("the older configurations under ../shared are not here")
    return read_json(path)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_sample_converts_and_validates(name):
    task = TASKS[name.partition("/")[0]]
    result = converted(sample(name), task.name)
    for path, value in EXPECTED[name].items():
        assert at(result.config, path) == value, path
    config = parse_config(result.config, task, "FILE")
    asked = "hyperopt" in name or name.endswith("_v4")
    assert config.search_requested == asked


@pytest.mark.parametrize("name", EXPECTED)
def test_every_key_of_a_sample_is_accounted_for(name):
    raw = sample(name)
    result = converted(raw, name.partition("/")[0])
    report = " ".join([*result.mapped, *result.not_carried_over])
    sections = {"data", "model", "training", "output", "dataset", "hyperopt", "data_parameters", "model_params"}
    sections |= {"training_parameters", "dataset_parameters", "model_parameters", "save_outputs"}
    for key, value in raw.items():
        if key in sections and isinstance(value, dict):
            assert [f"{key}.{inner}" for inner in value if f"{key}.{inner}" not in report and inner != "enabled"] == []
        else:
            assert key in report


@pytest.mark.parametrize("name", EXPECTED)
def test_a_key_unheard_of_fails_by_name_wherever_it_stands(name):
    raw = sample(name)
    places = [
        (),
        *(
            (key,)
            for key, value in raw.items()
            if isinstance(value, dict) and key not in ("metadata", "training_notes")
        ),
    ]
    for place in places:
        changed = copy.deepcopy(raw)
        (changed[place[0]] if place else changed)["label_smoothing"] = 0.1
        assert ".".join((*place, "label_smoothing")) in refusal(changed, name.partition("/")[0])


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
    assert "es_directory" in refusal({"model_name": "simple_cnn", "es_directory": "/e"})


def test_contradictions_name_both_values():
    raw = {
        "model": {"name": "simple_cnn"},
        "training": {"learning_rate": 1e-4},
        "model_params": {"learning_rate": 5e-4},
    }
    [note] = [note for note in converted(raw).notes if "model_params.learning_rate" in note]
    assert "training.learning_rate is 0.0001" in note
    assert "model_params.learning_rate is 0.0005" in note
    assert "took 0.0001" in note


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
