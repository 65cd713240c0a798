"""A saved network loads where nothing of this project is, or with it where it has layers of the project's own."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from electron_direction.models import point_network
from python.commands.tasks import load_task
from python.config.load import parse_config
from python.directions.answers.two_lobes import ANSWER as TWO_LOBES
from python.directions.answers.two_lobes import TwoLobesParameters
from python.directions.training import direction_loss
from python.networks.class_output import ClassProbabilities
from python.networks.saved import load_network, save_network, saved_classes
from python.training.ensemble import joined
from python.training.fitting import build_model

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import sys
from python.networks.saved import load_network
print(*(load_network(path).count_params() for path in sys.argv[1:]))
"""
PLAIN = """
import sys
import keras, numpy as np
first, *others = [keras.models.load_model(path) for path in sys.argv[1:]]
np.save("answers.npy", first.predict_on_batch(np.ones((2, *first.input_shape[1:]), "float32")))
print(sorted({name for name in sys.modules if name.split(".")[0] in ("python", "mt_identifier", "channel_tagging")}))
"""
OF_PLAIN_LAYERS = [
    ("mt_identifier", "simple_cnn", {"input_shape": [16, 8, 1], "loss": {"name": "focal"}}),
    ("channel_tagging", "simple_cnn", {"build_parameters": {"input_mode": "resized", "resize_factor": [4, 24]}}),
    ("channel_tagging", "resnet", {"build_parameters": {"filters": [2, 3]}}),
    ("channel_tagging", "three_plane_resnet", {"build_parameters": {"filters": [2, 3]}}),
]


def test_networks_of_plain_layers_load_in_plain_keras(tmp_path):
    models = {}
    for task_name, name, parameters in OF_PLAIN_LAYERS:
        task = load_task(task_name)
        config = parse_config({"model_name": name, "model_parameters": parameters}, task.schema)
        path = tmp_path / f"{task_name}_{name}.keras"
        models[path] = build_model(task, config)
        save_network(models[path], path, task.architecture(config).classes)
        assert saved_classes(path, models[path]) == task.architecture(config).classes
    line = [sys.executable, "-I", "-c", PLAIN, *map(str, models)]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    first = next(iter(models.values()))
    expected = first.predict_on_batch(np.ones((2, *first.input_shape[1:]), "float32"))
    np.testing.assert_array_equal(np.load(tmp_path / "answers.npy"), expected)


def test_networks_with_layers_and_losses_of_the_project_load_in_a_fresh_process(tmp_path):
    """One network, and an ensemble of some as they come from their trainings."""
    parameters = point_network.PointNetworkParameters(n_point_units=4, dense_units=[4])
    members = [point_network.build((), TWO_LOBES, parameters) for _ in range(2)]
    for member in members:
        member.compile(loss=direction_loss("two_lobes", TwoLobesParameters()))
    paths = [tmp_path / "network.keras", tmp_path / "ensemble.keras"]
    for path, model in zip(paths, (members[0], joined(members, "both")), strict=True):
        save_network(model, path, ())
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *map(str, paths)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    n = members[0].count_params()
    assert done.stdout.splitlines()[-1] == f"{n} {2 * n}"


# ---------------------------------------------------------------------------- classes
def test_the_classes_of_an_ensemble(tmp_path):
    members = [keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]) for _ in range(2)]
    save_network(joined(members, "both"), tmp_path / "both.keras", ("cc", "es"))
    loaded = load_network(tmp_path / "both.keras")
    assert saved_classes(tmp_path / "both.keras", loaded) == ("cc", "es")
    assert loaded.output.shape == (None, 2, 1)


def old_classifier(*classes):
    """As older releases saved it."""
    return keras.Sequential([keras.Input((3,)), ClassProbabilities(classes, units=1, activation="sigmoid")])


def test_networks_of_older_releases_say_their_classes(tmp_path):
    single, both = old_classifier("cc", "es"), joined([old_classifier("cc", "es") for _ in range(2)], "both")
    for model in (single, both):
        model.save(tmp_path / "old.keras")
        loaded = load_network(tmp_path / "old.keras")
        assert saved_classes(tmp_path / "old.keras", loaded) == ("cc", "es")
        features = np.ones((2, 3), "float32")
        np.testing.assert_array_equal(loaded.predict_on_batch(features), model.predict_on_batch(features))


def test_a_network_without_or_with_several_sets_of_classes_is_refused(tmp_path):
    without = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    for model in (without, joined([old_classifier("cc", "es"), old_classifier("es", "cc")], "both")):
        model.save(tmp_path / "unclear.keras")
        with pytest.raises(ValueError, match="which classes"):
            saved_classes(tmp_path / "unclear.keras", model)
