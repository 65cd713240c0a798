"""Real configurations of older code: what each becomes, that its numbers are still there, and why some are refused."""

import copy
import re
from pathlib import Path

import pytest

from python.commands.tasks import load_schema
from python.config.legacy.convert import convert
from python.config.load import parse_config
from python.general_purpose_libs import ConfigError, read_json

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "legacy_configs"
REFUSED = {  # and why
    "electron_direction/three_plane_v11_50k_hyperopt": "a search needs search_space",
    "electron_direction/v53_200k_ed3p": "a search needs search_space",
    "electron_direction/three_plane_v17_500k_hyperopt": "can be halved 5 times",
    "electron_direction/three_plane_v18_200k_aug": "rotations by any angle and zoom",
}
EXPECTED = {
    "mt_identifier/basic_training": {
        "model_name": "simple_cnn",
        "model_parameters.build_parameters.n_filters": 64,
        "model_parameters.build_parameters.decay_rate": 0.95,
        "model_parameters.optimizer.decay_steps": 10000,
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
        "model_parameters.build_parameters.conv_dropout_rate": 0.15,
        "model_parameters.build_parameters.decay_rate": 1.0,
    },
    "mt_identifier/quick_test": {"dataset_parameters.max_samples": 500, "model_parameters.batch_size": 16},
    "mt_identifier/v26_50k": {
        "version": "v26_50k",
        "dataset_parameters.balance_data": True,
        "dataset_parameters.max_samples": 50000,
        "model_parameters.build_parameters.learning_rate": 0.001,
        "model_parameters.build_parameters.n_conv_layers": 4,
        "model_parameters.build_parameters.n_filters": 64,
        "model_parameters.build_parameters.n_dense_units": 256,
        "model_parameters.build_parameters.dropout_rate": 0.3,
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
        "model_parameters.build_parameters.learning_rate": 0.0005,
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
        "model_parameters.build_parameters.n_conv_layers": 3,
        "model_parameters.build_parameters.n_filters": 32,
        "model_parameters.build_parameters.use_batch_norm": True,
        "model_parameters.build_parameters.dropout_rate": 0.3,
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
    "mt_identifier/test_incremental_local": {
        "dataset_parameters.max_samples": 200,
        "model_parameters.epochs": 2,
        "model_parameters.batch_size": 32,
        "model_parameters.build_parameters.conv_dropout_rate": 0.15,
    },
    "channel_tagging/v72_deeper_10k": {
        "model_name": "deep_cnn",
        "version": "ct_volume_v72_deeper_10k",
        "dataset_parameters.batch_pattern": "*_plane{plane}.npz",
        "model_parameters.build_parameters.filters": [28, 28, 48, 64, 80, 96, 112, 128],
        "model_parameters.build_parameters.pool_last": False,
        "model_parameters.build_parameters.global_pooling": True,
        "model_parameters.reduce_lr.patience": 3,
    },
    "channel_tagging/v62_three_plane_200k": {
        "model_name": "three_plane_cnn",
        "model_parameters.build_parameters.use_batch_norm": True,
        "model_parameters.build_parameters.n_dense_layers": 2,
    },
    "channel_tagging/v77_second_test": {"model_name": "simple_cnn", "version": "v77_second_test"},
    "channel_tagging/volume_v7_incremental_50k": {
        "model_name": "simple_cnn",
        "dataset_parameters.max_samples": 50000,
        "dataset_parameters.val_fraction": 0.04,
        "model_parameters.epochs": 5,
    },
    "channel_tagging/production_v5": {"model_parameters.batch_size": 32},
    "electron_direction/three_plane_hybrid_v6_10k": {
        "model_parameters.loss": {"name": "hybrid", "alpha": 0.7},
        "model_parameters.space_options.n_filters": [16, 32, 64],
    },
    "electron_direction/three_plane_v16_incremental_50k": {
        "model_name": "three_plane_cnn",
        "model_parameters.build_parameters.global_pooling": True,
        "model_parameters.optimizer.clipnorm": 1.0,
    },
    "channel_tagging/test_cluster": {
        "model_name": "cluster_cnn",
        "version": "ct_cluster_test",
        "selection.main_track": False,
        "dataset_parameters.max_samples_per_class": 50,
        "model_parameters.build_parameters.filters": [32, 64],
        "model_parameters.build_parameters.dense_units": [64],
        "model_parameters.build_parameters.use_batch_norm": True,
        "model_parameters.early_stopping": None,
        "model_parameters.reduce_lr": None,
    },
    "channel_tagging/v73_cluster_batch_reload_50k": {
        "model_name": "cluster_cnn",
        "plane": "X",
        "dataset_parameters.test_fraction": 0.15,
        "model_parameters.build_parameters.filters": [32, 64, 64, 128, 256],
        "model_parameters.build_parameters.dropout_rate": 0.3,
        "model_parameters.build_parameters.global_pooling": False,
    },
    "electron_direction/ed_volumes_local_test": {
        "model_name": "three_plane_volume_cnn",
        "version": "ed_volumes_local_test",
        "model_parameters.input_shape": [208, 1242, 1],
        "model_parameters.loss.name": "cosine_similarity",
        "model_parameters.build_parameters.n_conv_layers": 5,
        "model_parameters.build_parameters.n_filters": 32,
        "model_parameters.build_parameters.global_pooling": True,
        "model_parameters.build_parameters.use_batch_norm": True,
        "model_parameters.build_parameters.dropout_rate": 0.3,
        "model_parameters.early_stopping.patience": 15,
        "model_parameters.reduce_lr.patience": 5,
    },
    "electron_direction/ed_volumes_v02_test": {
        "model_name": "volume_cnn",
        "selection.complete_match": False,
        "dataset_parameters.train_fraction": 0.64,
        "model_parameters.epochs": 10,
        "model_parameters.loss.name": "cosine_similarity",
        "model_parameters.build_parameters.n_conv_layers": 4,
        "model_parameters.build_parameters.n_dense_layers": 1,
        "model_parameters.build_parameters.global_pooling": False,
        "model_parameters.early_stopping": None,
        "model_parameters.reduce_lr.min_lr": 1e-7,
    },
    "electron_direction/v59_400k_es_cc": {
        "selection.channel": "mixed",
        "model_parameters.build_parameters.use_batch_norm": True,
        "model_parameters.optimizer.clipnorm": 0.4,
    },
}

FOUND = [f"{path.parent.name}/{path.stem}" for path in sorted(SAMPLES.glob("*/*.json"))]
CONVERTED = [name for name in FOUND or EXPECTED if name not in REFUSED]

NOT_OF_THE_TRAINING = {  # how much is held or saved at a time
    "checkpoint_frequency", "save_every_n_epochs", "reload_every_n_epochs", "refresh_every_n_epochs", "samples_per_batch",
    "batch_samples", "max_samples_per_batch", "max_files", "output_dim", "n_classes", "executions_per_trial",
}  # fmt: skip
OF_PARTS = {"incremental_batch_size", "num_batches", "epochs_per_batch", "val_samples"}  # see what a sample becomes
NOW = {  # where a number stands that is called otherwise today
    "train_split": "train_fraction", "val_split": "val_fraction", "test_split": "test_fraction",
    "early_stopping_patience": "early_stopping.patience", "reduce_lr_patience": "reduce_lr.patience",
    "reduce_lr_factor": "reduce_lr.factor", "reduce_lr_min_lr": "reduce_lr.min_lr", "min_lr": "reduce_lr.min_lr",
    "filter_list": "filters", "total_samples_per_class": "max_samples_per_class", "n_trials": "hp_max_evals",
    "max_trials": "hp_max_evals", "max_epochs_per_trial": "epochs_per_trial", "num_conv_layers_base": "n_conv_layers",
    "base_filters": "n_filters", "num_dense_layers": "n_dense_layers",
}  # fmt: skip
OVERRULED = {("channel_tagging/volume_v43_deep_100k", "training.learning_rate")}  # by model_params, which was read


def at(config, path):
    for key in path.split("."):
        config = config[key]
    return config


def sample(name):
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip("the older configurations under ../shared are not here")
    return read_json(path)


def converted(name):
    return convert(sample(name), load_schema(name.partition("/")[0]), "FILE")


def numbers_of(section, path=""):
    """Every number and list of numbers of a file with its dotted path, without what it says in words."""
    for key, value in section.items():
        here = f"{path}.{key}" if path else key
        if key in ("metadata", "training_notes", "incremental") or (
            key == "hyperopt" and not value.get("enabled", True)
        ):
            continue
        if isinstance(value, dict):
            yield from numbers_of(value, here)
        elif isinstance(value, int | float | list) and not isinstance(value, bool) and not _texts(value):
            yield here, value


def _texts(value):
    return isinstance(value, list) and any(isinstance(one, str) for one in value)


def flat(config, path=""):
    for key, value in config.items():
        here = f"{path}.{key}" if path else key
        yield here, value
        if isinstance(value, dict):
            yield from flat(value, here)


def same(written, here):
    if isinstance(here, dict):  # a range or choices
        return sorted(*here.values()) == sorted(written)
    if isinstance(written, list) and not isinstance(here, list):  # sides that are all the same
        return {here} == {side for one in written for side in (one if isinstance(one, list) else [one])}
    return here == written


@pytest.mark.parametrize("name", CONVERTED)
def test_every_number_that_shapes_the_training_is_kept(name):
    raw, result = sample(name), list(flat(converted(name).config))
    lost = []
    for path, value in numbers_of(raw):
        key = path.rpartition(".")[2]
        if key in NOT_OF_THE_TRAINING | OF_PARTS or (name, path) in OVERRULED or "search_space" in path.split(".")[:-2]:
            continue
        if path.startswith("model.conv_blocks"):  # a block a section
            value = [block["filters"] for block in value]
            key = "filter_list"
        names = [NOW.get(key, key), *(["kernel_size"] if key == "kernel_sizes" else [])]
        if key in ("dense_units", "dense_layers"):
            names = ["dense_units", "n_dense_units"]
        if not any(place.endswith(f".{other}") and same(value, here) for other in names for place, here in result):
            lost.append((path, value))
    assert lost == []


@pytest.mark.parametrize("name", CONVERTED)
def test_a_sample_converts_and_validates(name):
    parse_config(converted(name).config, load_schema(name.partition("/")[0]))


@pytest.mark.parametrize("name", REFUSED)
def test_a_sample_that_cannot_be_carried_over_is_refused_by_name(name):
    raw, schema = sample(name), load_schema(name.partition("/")[0])
    with pytest.raises(ConfigError, match=REFUSED[name]):
        parse_config(convert(raw, schema, "FILE").config, schema)


def test_no_other_is_refused():
    if not FOUND:
        pytest.skip("the older configurations under ../shared are not here")
    assert set(REFUSED) <= set(FOUND)
    assert set(EXPECTED) <= set(CONVERTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_sample_becomes(name):
    result, task = converted(name), load_schema(name.partition("/")[0])
    for path, value in EXPECTED[name].items():
        assert at(result.config, path) == value, path
    config = parse_config(result.config, task, "FILE")
    raw = sample(name)
    asked = raw.get("hyperopt", {}).get("enabled") or "hp_max_evals" in raw.get("model_parameters", {})
    assert config.search_requested == bool(asked)


@pytest.mark.parametrize("name", CONVERTED)
def test_every_key_of_a_sample_is_accounted_for(name):
    raw = sample(name)
    result = converted(name)
    report = " ".join([*result.mapped, *result.not_carried_over])
    sections = {"data", "model", "training", "output", "dataset", "hyperopt", "data_parameters", "model_params"}
    sections |= {"training_parameters", "dataset_parameters", "model_parameters", "save_outputs"}
    for key, value in raw.items():
        if key in sections and isinstance(value, dict):
            assert [f"{key}.{inner}" for inner in value if f"{key}.{inner}" not in report and inner != "enabled"] == []
        else:
            assert key in report


@pytest.mark.parametrize("name", CONVERTED)
def test_a_key_unheard_of_fails_by_name_wherever_it_stands(name):
    raw = sample(name)
    places = [
        (),
        *(
            (key,)
            for key, value in raw.items()
            if isinstance(value, dict) and key not in ("metadata", "training_notes", "data_paths", "incremental")
        ),
    ]
    for place in places:
        changed = copy.deepcopy(raw)
        (changed[place[0]] if place else changed)["label_smoothing"] = 0.1
        with pytest.raises(ConfigError, match=re.escape(".".join((*place, "label_smoothing")))):
            convert(changed, load_schema(name.partition("/")[0]))
