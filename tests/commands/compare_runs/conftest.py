"""Run folders with invented predictions, and the command that compares them."""

import json

import numpy as np
import pytest

from python.commands.compare_runs import main
from python.general_purpose_libs import run_command
from python.metrics.classification import classification_metrics

CLASSES = ("background", "main_track")


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def write_run(folder, *, n=300, first=0, sharpness=2.0, version=None, state="done", leave_out=(), **config):
    """A run folder of the main-track identifier as a training leaves it, as far as the command reads it."""
    folder.mkdir(parents=True)
    event = np.arange(first, first + n)
    labels = (event % 3 == 0).astype(int)
    logit = sharpness * (labels - 0.5) + np.random.default_rng([first, n]).normal(size=n)
    scores = np.stack([1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit))], 1).astype(np.float32)
    arrays = {
        "scores": scores,
        "labels": labels,
        "class_names": np.array(CLASSES),
        "sources": np.array(["a.root", "b.root"]),
        "source": event % 2,
        "event": event // 2,  # in both files
        "plane": np.full(n, 2, np.int8),
        "match_id": np.full(n, -1),
        "cluster_energy": (5.0 + event % 40).astype(np.float32),
        "true_electron_energy": np.where(labels == 1, 6.0 + event % 40, np.nan),
        "true_nu_energy": np.full(n, 30.0),
    }
    config = {"task": "mt_identifier", "model_name": "simple_cnn", "version": version, "description": "", **config}
    contents = {
        "status.json": {"state": state},
        "config.json": config,
        "metrics.json": {**classification_metrics(labels, scores, CLASSES), "n_parameters": 1234},
        "training_history.json": {
            "loss": [2.0, 1.0],
            "val_loss": [2.0, 1.5],
            "auc": [0.5, 0.6],
            "val_auc": [0.5, None],
        },
    }
    for name in contents.keys() - set(leave_out):
        (folder / name).write_text(json.dumps(contents[name]))
    if "test_predictions.npz" not in leave_out:
        np.savez(
            folder / "test_predictions.npz", **{name: each for name, each in arrays.items() if name not in leave_out}
        )
    return folder


def written(folder):
    return json.loads((folder / "comparison.json").read_text())


def entries(found, key):
    return {entry["name"]: entry[key] for entry in found["runs"]}


@pytest.fixture
def runs(tmp_path):
    """Three runs on the same events, in no order."""
    return [
        write_run(
            tmp_path / "output" / version, version=version, sharpness=sharpness, model_parameters={"epochs": epochs}
        )
        for version, sharpness, epochs in (("v2", 2, 5), ("v1", 1, 5), ("v3", 3, 7))
    ]


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made but not drawn, which takes most of the time of a comparison: their files are empty."""

    def save(figures, folder):
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{name}.png" for name in figures]
        for path in paths:
            path.touch()
        return paths

    monkeypatch.setattr("python.plots.report.save_figures", save)
