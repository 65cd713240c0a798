"""The shipped configurations: what each run of the reference trained, and that its network can be built."""

from pathlib import Path

import keras
import pytest

from electron_direction.main import TASK
from electron_direction.schema import SCHEMA
from python.config.legacy.convert import convert
from python.config.load import dump_config, load_config, parse_config
from python.general_purpose_libs import read_json
from python.training.fitting import build_model

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "json" / "electron_direction"
SAMPLES = ROOT.parent / "shared" / "legacy_configs" / "electron_direction"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.json"))}
COLUMNS = ("architecture", "samples", "layers", "filters", "loss", "epochs", "patience", "trials")
EXPECTED = {  # as COLUMNS say; layers and filters where the search leaves them, trials None without a search
    "bootstrap_ensemble_v1": ("three_plane_attention", 50_000, 3, 32, "cosine_similarity", 100, 15, None),
    "single_plane_x_angular_v5": ("single_plane_cnn", 50_000, 3, 32, "angular", 100, 15, 20),
    "single_plane_x_focal_v5": ("single_plane_cnn", 50_000, 3, 32, "focal_angular", 100, 15, 20),
    "single_plane_x_hybrid_v5": ("single_plane_cnn", 50_000, 3, 32, "hybrid", 100, 15, 20),
    "three_plane_attention_v5": ("three_plane_attention", 50_000, 3, 32, "cosine_similarity", 100, 15, 20),
    "three_plane_hybrid_v6_50k": ("three_plane_cnn", 50_000, 3, 32, "hybrid", 100, 15, None),
    "three_plane_v7_10k_cosine": ("three_plane_cnn", 10_000, 3, 32, "cosine_similarity", 200, 20, None),
    "three_plane_v8_10k_angular": ("three_plane_cnn", 10_000, 3, 32, "angular", 200, 20, None),
    "three_plane_v9_10k_focal": ("three_plane_cnn", 10_000, 3, 32, "focal_angular", 200, 20, None),
    "three_plane_v10_50k": ("three_plane_cnn", 50_000, 4, 64, "angular", 200, 20, None),
    "three_plane_v11_50k_hyperopt": ("three_plane_cnn", 50_000, 4, 64, "angular", 200, 20, 20),
    "three_plane_v12_100k": ("three_plane_cnn", 100_000, 4, 64, "angular", 200, 20, None),
    "three_plane_v13_100k_hyperopt": ("three_plane_cnn", 100_000, 4, 64, "angular", 200, 20, 20),
    "three_plane_v14_10k_hyperopt": ("three_plane_cnn", 10_000, 4, 64, "angular", 200, 30, 20),
    "three_plane_v15_200k": ("three_plane_cnn", 200_000, 4, 64, "angular", 300, 50, None),
    "three_plane_v17_200k_hyperopt": ("three_plane_cnn", 200_000, 4, 64, "angular", 300, 50, 50),
    "three_plane_v18_residual_200k": ("three_plane_residual", 200_000, 6, 64, "angular", 300, 50, None),
    "three_plane_v19_cross_attention_200k": ("three_plane_cross_attention", 200_000, 4, 64, "angular", 300, 50, None),
    "three_plane_v20_multi_scale_200k": ("three_plane_multi_scale", 200_000, 4, 64, "angular", 300, 50, None),
    "three_plane_v21_uncertainty_200k": ("three_plane_cnn", 200_000, 4, 64, "uncertainty_aware", 300, 50, None),
    "three_plane_v22_energy_200k": ("three_plane_energy", 200_000, 4, 64, "angular", 300, 50, None),
}
PROPOSED = [name for name in EXPECTED if "200k" in name and "v15" not in name]
OLDER_IMAGES = list(EXPECTED)[:6]  # of 16 channels
WITHOUT_SEARCH = [name for name, row in EXPECTED.items() if row[-1] is None]
RECORDED = ["three_plane_v12_100k", "three_plane_v14_10k_hyperopt"]  # whose configurations are kept, sizes included
NOT_TRAINED = ("$schema", "description", "notes", "data_directories")


def config_of(name):
    return load_config(FILES[name], SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_valid_and_trains_on_the_embedded_data_unless_told_otherwise(name):
    config = config_of(name)
    assert config.task == SCHEMA.name
    assert config.data_directories is None
    assert config.dataset_parameters.frame == "drift"
    assert config.description


def test_every_run_of_the_reference_has_its_file():
    assert [name for name in EXPECTED if name not in FILES] == []
    versions = [version for name in FILES if (version := config_of(name).version) is not None]
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize("name", EXPECTED)
def test_values_of_the_reference(name):
    config = config_of(name)
    model = config.model_parameters
    found = (
        config.model_name,
        config.dataset_parameters.max_samples,
        model.build_parameters.n_conv_layers,
        model.build_parameters.n_filters,
        model.loss.name,
        model.epochs,
        model.early_stopping.patience,
        model.hp_max_evals,
    )
    assert dict(zip(COLUMNS, found, strict=True)) == dict(zip(COLUMNS, EXPECTED[name], strict=True))
    assert model.input_shape == (128, 16 if name in OLDER_IMAGES else 32, 1)
    assert model.batch_size == 32
    assert model.build_parameters.decay_rate == 1
    assert config.selection.channel == "es"
    assert config.selection.complete_match
    assert ("not recorded" in config.notes) == (name not in RECORDED)


@pytest.mark.parametrize("name", EXPECTED)
def test_only_what_the_reference_proposes_uses_the_rotation(name):
    expected = ("rotation",) if name in PROPOSED else ()
    config = config_of(name)
    assert config.dataset_parameters.augmentation.symmetries == config.prediction.average_over == expected


@pytest.mark.parametrize(
    "name", [name for name, row in EXPECTED.items() if row[0] == "three_plane_cnn" and "v21" not in name]
)
def test_the_three_plane_network_always_had_normalisation_and_dropout(name):
    build = config_of(name).model_parameters.build_parameters
    assert (build.use_batch_norm, build.dropout_rate) == (True, 0.3)


@pytest.mark.parametrize("name", EXPECTED)
def test_gradients_are_clipped_from_v14_on(name):
    late = "v14" in name or "200k" in name
    assert config_of(name).model_parameters.optimizer.clipnorm == (1.0 if late else None)


def test_parameters_of_losses():
    for name in ("single_plane_x_focal_v5", "three_plane_v9_10k_focal"):
        assert config_of(name).model_parameters.loss.gamma == 2.0
    for name in ("single_plane_x_hybrid_v5", "three_plane_hybrid_v6_50k"):
        assert config_of(name).model_parameters.loss.alpha == 0.7


def test_the_ensemble():
    config = config_of("bootstrap_ensemble_v1")
    assert (config.ensemble.members, config.ensemble.resampling) == (5, "bootstrap")
    assert config.dataset_parameters.random_seed == 42
    build = config.model_parameters.build_parameters
    assert (build.kernel_size, build.n_dense_layers, build.n_dense_units, build.dropout_rate) == (5, 2, 512, 0.3)
    assert [name for name in EXPECTED if config_of(name).ensemble] == ["bootstrap_ensemble_v1"]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in WITHOUT_SEARCH])
def test_searches(name):
    config = config_of(name)
    assert config.search_requested
    assert config.search.epochs_per_trial == (20 if "v17" in name else 100)
    space = dict(config.model_parameters.space_options)
    depths = {"single_plane": [3, 4], "three_plane_attention": [2, 3]}  # what images of 16 channels allow
    expected = next((value for prefix, value in depths.items() if name.startswith(prefix)), [3, 4, 5])
    assert space.pop("n_conv_layers") == expected
    other = dict(config_of("three_plane_v14_10k_hyperopt").model_parameters.space_options)
    del other["n_conv_layers"]
    assert space == other


@pytest.mark.parametrize("name", [*WITHOUT_SEARCH, "quick_test"])
def test_networks_are_built(name):
    model = build_model(TASK, config_of(name))
    n_outputs = 7 if name == "quick_test" else 4 if "uncertainty" in name else 3
    assert model.output.shape == (None, n_outputs)
    assert model.count_params() > 1e5
    keras.backend.clear_session()


def own_and_converted(name):
    """The resolved configurations of the shipped file and of the reference's own."""
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip("the older configurations under ../shared are not here")
    converted = parse_config(convert(read_json(path), SCHEMA).config, SCHEMA)
    both = [dump_config(config) for config in (config_of(name), converted)]
    for config in both:
        for key in NOT_TRAINED:
            del config[key]
    return both


@pytest.mark.parametrize("name", RECORDED)
def test_the_reference_s_own_file_asks_for_the_same_training(name):
    own, converted = own_and_converted(name)
    assert own == converted


def test_v6_is_its_own_file_with_what_the_older_scripts_did_unasked():
    own, converted = own_and_converted("three_plane_hybrid_v6_50k")
    assert own == converted
