"""A metric that is undefined on a part of the data: said before the training, null in what is saved, and never compared."""

import csv
from pathlib import Path

import numpy as np
import pytest

from python.data.data_origin import DataFolders
from python.data.image_file import write_image_file
from python.data.image_set import load_images
from python.general_purpose_libs import read_json
from python.runs.registry.registry import Registry
from python.samples.splits import split
from tests.synthetic import image_file
from tests.training.conftest import SMALL


@pytest.fixture(scope="module")
def tracks_to_train_only(tmp_path_factory):
    """Clusters of which the validation and the test part hold no main track."""
    folder = tmp_path_factory.mktemp("tracks_to_train_only")
    content = image_file(100, shape=(64, 16))
    content.metadata["event"] = np.arange(100)
    write_image_file(folder / "one_planeX.npz", content)
    images, parameters = load_images(DataFolders([folder]), "X"), SMALL["dataset_parameters"]
    fractions = [parameters[f"{part}_fraction"] for part in ("train", "val", "test")]
    parts = split(images.metadata, images.image_keys(), fractions, seed=42)
    for part in (parts.val, parts.test):
        content.metadata["is_main_track"][images.metadata["event"][part]] = 0
    write_image_file(folder / "one_planeX.npz", content)
    return folder


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (["model_parameters.early_stopping.monitor=val_auc"], "model_parameters.early_stopping.monitor"),
        (['model_parameters.reduce_lr={"monitor": "val_auc"}'], "model_parameters.reduce_lr.monitor"),
        (
            [
                "search.objective=val_auc",
                "model_parameters.hp_max_evals=2",
                'model_parameters.space_options={"n_filters": [2, 4]}',
            ],
            "search.objective",
        ),
    ],
)
def test_what_is_undefined_cannot_be_watched(workplace, tracks_to_train_only, settings, key):
    refused = workplace.train("--set", *settings, data=tracks_to_train_only)
    assert refused.code == 3
    assert f"{key}: val_auc is undefined, as the validation part has no main_track; watch val_loss" in refused.err
    assert not workplace.output.exists()


def test_what_is_undefined_is_said_and_ranks_nothing(workplace, tracks_to_train_only):
    result = workplace.train("--set", "model_parameters.epochs=2", "ensemble.members=2", data=tracks_to_train_only)
    assert result.code == 0, result.err
    before, _, _ = result.err.partition("epoch 1/2")
    for part in ("val", "test"):
        assert f"the {part} part has no main_track: its auc is undefined" in before
    assert "val_auc" not in result.err
    run = Path(result.last)
    history = read_json(run / "training_history.json")
    assert history["val_auc"] == [None, None]
    assert all(np.isfinite(history[name]).all() for name in ("auc", "val_accuracy", "val_loss"))
    with open(run / "training_history.csv") as file:
        assert [row["val_auc"] for row in csv.DictReader(file)] == ["", ""]
    metrics = read_json(run / "metrics.json")
    assert {
        name: metrics[name] for name in ("auc", "auc_main_track", "recall_main_track", "baseline_auc")
    } == dict.fromkeys(("auc", "auc_main_track", "recall_main_track", "baseline_auc"))
    (entry,) = Registry(workplace.output).entries()
    assert "accuracy" in entry["results"]
    assert not {"auc", "baseline_auc"} & set(entry["results"])


def test_a_defined_metric_is_left_as_it_is(workplace):
    result = workplace.train("--set", "model_parameters.epochs=1", "model_parameters.early_stopping.monitor=val_auc")
    assert result.code == 0, result.err
    assert "undefined" not in result.err
    assert np.isfinite(read_json(Path(result.last) / "training_history.json")["val_auc"]).all()
