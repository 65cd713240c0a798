"""Channel tagging on images of clusters: from which it learns, how they are turned, a whole training, and what is refused."""

import json

import numpy as np
import pytest

from channel_tagging.main import TASK
from channel_tagging.models.cluster_cnn import ARCHITECTURE
from channel_tagging.samples import prepare
from channel_tagging.schema import SCHEMA
from python.commands import predict, train
from python.config.load import parse_config
from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.data.npz import read_npz
from python.general_purpose_libs import ConfigError, read_json, run_command
from python.training.preparation import configured_data

BUILD = {"filters": [2, 4], "dense_units": [4]}


def config_of(name="cluster_cnn", **keys):
    build = {"build_parameters": BUILD} if name == "cluster_cnn" else {}
    return parse_config({"task": SCHEMA.name, "model_name": name, "model_parameters": build, **keys}, SCHEMA)


def samples_of(**keys):
    config = config_of(**keys)
    return prepare(config, TASK.architecture(config), configured_data(config))


# ---------------------------------------------------------------------------- which clusters
@pytest.mark.parametrize("plane", ["U", "X"])
def test_it_learns_from_main_tracks_or_from_every_cluster(events, plane):
    every = load_images(DataFolders([events]), plane).metadata
    tracks = samples_of(data_directories=[str(events)], plane=plane)
    assert np.all(tracks.set.metadata["is_main_track"] == 1)
    assert len(tracks.set) == np.count_nonzero(every["is_main_track"] == 1)
    assert np.array_equal(tracks.labels, tracks.set.metadata["is_es_interaction"])
    clusters = samples_of(data_directories=[str(events)], plane=plane, selection={"main_track": False})
    assert len(tracks.set) < len(clusters.set) <= len(every)
    assert clusters.set.network_inputs(np.arange(2)).shape == (2, 128, 32, 1)


def test_points_are_those_of_every_matched_cluster_where_that_is_asked_for(events):
    keys = {"name": "point_network", "data_directories": [str(events)]}
    tracks, matched = samples_of(**keys), samples_of(**keys, selection={"main_track": False})
    assert np.all(tracks.set.metadata["is_main_track"] == 1)
    assert len(tracks.set) < len(matched.set)
    assert np.any(matched.set.metadata["is_main_track"] == 0)


# ---------------------------------------------------------------------------- the network
def test_sizes_counted_by_hand():
    """Five blocks leave 4 x 1 places of 256 maps; each map and each feature has four numbers of its normalisation."""
    model = ARCHITECTURE.build((128, 32, 1), ARCHITECTURE.classes, ARCHITECTURE.parameters())
    weights = sum(
        9 * below * above + 5 * above for below, above in [(1, 32), (32, 64), (64, 64), (64, 128), (128, 256)]
    )
    features = 4 * 1 * 256
    dense = sum((below + 1) * above for below, above in [(features, 256), (256, 128), (128, 64), (64, 1)])
    assert model.count_params() == weights + 4 * features + dense


def test_channels_of_clusters_are_columns_and_are_reversed_for_training():
    config = config_of(dataset_parameters={"prob_per_flip": 1.0})
    images = np.random.default_rng(1).uniform(0, 900, (3, 128, 32, 1)).astype("float32")
    shown, labels = TASK.problem_of(config).augmentation()(images, np.ones((3, 1)), np.random.default_rng(2))
    assert np.array_equal(shown, images[:, :, ::-1])
    assert labels.tolist() == [[1]] * 3


# ---------------------------------------------------------------------------- a whole training
@pytest.mark.usefixtures("no_drawing")
def test_a_training_is_judged_beside_trees_on_numbers_of_the_cluster(events, tmp_path, capsys):
    keys = {
        "task": "channel_tagging",
        "model_name": "cluster_cnn",
        "device": "cpu",
        "dataset_parameters": {"train_fraction": 0.5, "val_fraction": 0.25, "test_fraction": 0.25},
        "model_parameters": {"build_parameters": BUILD, "epochs": 1, "batch_size": 32},
        "save_outputs": {"sample_images": 0, "tensorboard": False},
    }
    (tmp_path / "config.json").write_text(json.dumps(keys))
    line = ["channel_tagging", "-j", tmp_path / "config.json", "-d", events, "-o", tmp_path / "output"]
    assert run_command(lambda: train.main([str(part) for part in line])) == 0
    run = capsys.readouterr().out.splitlines()[-1]
    metrics = read_json(f"{run}/metrics.json")
    assert 0 <= metrics["baseline_accuracy"] <= 1
    assert "baseline_cluster_number_accuracy" not in metrics
    line = ["-m", run, "-d", events, "-o", tmp_path / "answers.npz"]
    assert run_command(lambda: predict.main([str(part) for part in line])) == 0
    tested, asked = read_npz(f"{run}/test_predictions.npz"), read_npz(tmp_path / "answers.npz")
    assert len(asked["event"]) == len(load_images(DataFolders([events]), "X"))
    names = ("event", "first_channel", "first_tick")
    row_of = {key: row for row, key in enumerate(zip(*(asked[name].tolist() for name in names), strict=True))}
    rows = [row_of[key] for key in zip(*(tested[name].tolist() for name in names), strict=True)]
    np.testing.assert_allclose(asked["scores"][rows], tested["scores"], atol=1e-5)


# ---------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("cluster_cnn", {"dataset_parameters": {"loading": "streaming"}}, "only networks on the volumes of one plane"),
        ("resnet", {"selection": {"main_track": False}}, "there is one volume an event"),
        ("resnet", {"dataset_parameters": {"old_flips": "none"}}, "is of images of clusters, not of volumes"),
    ],
)
def test_what_does_not_go_together_is_named(name, keys, said):
    with pytest.raises(ConfigError, match=said):
        config_of(name, **keys)


def test_old_flips_are_of_clusters():
    assert config_of(dataset_parameters={"old_flips": "upstream"}).dataset_parameters.old_flips == "upstream"
