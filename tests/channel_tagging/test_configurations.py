"""The shipped configurations of the channel tagger: what the reference recorded of its runs."""

from pathlib import Path

import pytest

from channel_tagging.network_parameters import CLASSES
from channel_tagging.schema import SCHEMA
from python.config.legacy.convert import convert
from python.config.load import dump_config, load_config, parse_config
from python.general_purpose_libs import read_json
from python.metrics.tagging import CLASSES as TAGGED

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "legacy_configs" / "channel_tagging"
FILES = {path.stem: path for path in sorted((ROOT / "json" / "channel_tagging").glob("*.json"))}
EXPECTED = {  # network, limit, limit of each class, loading, epochs, patience, trials
    "volume_v1_simple_50k": ("simple_cnn", 50_000, None, "memory", 100, 15, None),
    "volume_v1_streaming_50k": ("simple_cnn", 50_000, None, "streaming", 100, 15, None),
    "volume_v1_balanced_10k": ("simple_cnn", None, 10_000, "memory", 100, 15, None),
    "volume_v35_hyperopt_10k": ("simple_cnn", None, 5_000, "memory", 50, 15, 5),
    "volume_v43_deep_100k": ("deep_cnn", None, 50_000, "memory", 100, 20, None),
}
RECORDED = ["volume_v1_streaming_50k", "volume_v35_hyperopt_10k", "volume_v43_deep_100k"]
NOT_TRAINED = ("$schema", "version", "description", "notes", "output_folder", "es_directories", "cc_directories")


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_valid_and_trains_on_the_embedded_data_unless_told_otherwise(name):
    config = load_config(FILES[name], SCHEMA)
    assert config.task == SCHEMA.name
    assert config.data_directories is config.es_directories is config.cc_directories is None
    assert config.description


@pytest.mark.parametrize("name", EXPECTED)
def test_runs_of_the_reference_keep_their_values(name):
    config = load_config(FILES[name], SCHEMA)
    dataset, model = config.dataset_parameters, config.model_parameters
    assert EXPECTED[name] == (
        config.model_name,
        dataset.max_samples,
        dataset.max_samples_per_class,
        dataset.loading,
        model.epochs,
        model.early_stopping.patience,
        model.hp_max_evals,
    )


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the older configurations are not at hand")
@pytest.mark.parametrize("name", RECORDED)
def test_older_files_convert_to_what_is_shipped(name):
    converted = parse_config(convert(read_json(SAMPLES / f"{name}.json"), SCHEMA).config, SCHEMA)
    texts = [dump_config(config) for config in (converted, load_config(FILES[name], SCHEMA))]
    for text in texts:
        for key in (*NOT_TRAINED, "batch_job"):
            text.pop(key, None)
        del text["dataset_parameters"]["batch_pattern"]  # volumes of older code are named otherwise
    assert texts[0] == texts[1]


def test_networks_and_metrics_order_the_classes_alike():
    assert CLASSES == TAGGED
