"""Simulated events, made once, and a place to train small networks on them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from electron_direction.models.three_plane_cnn import ARCHITECTURE
from electron_direction.samples import prepare
from electron_direction.schema import SCHEMA
from python.commands.train import main
from python.config.load import parse_config
from python.general_purpose_libs import run_command
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.production import produce
from python.simulation.settings import SimulationSettings
from python.training.preparation import configured_data
from tests.made_once import made_once

SMALL = {
    "task": "electron_direction",
    "model_name": "three_plane_cnn",
    "device": "cpu",
    "dataset_parameters": {"train_fraction": 0.5, "val_fraction": 0.25, "test_fraction": 0.25},
    "model_parameters": {
        "input_shape": [64, 16, 1],
        "build_parameters": {
            "n_conv_layers": 2,
            "n_filters": 2,
            "n_dense_layers": 1,
            "n_dense_units": 8,
            "learning_rate": 0.01,
        },
        "epochs": 1,
        "batch_size": 64,
    },
    "save_outputs": {"sample_images": 0, "tensorboard": False},
}


@pytest.fixture(scope="session", autouse=True)
def small_runs(request):
    """Runs of these tests draw nothing unless they are asked to."""
    request.getfixturevalue("no_drawing")


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """150 elastic scattering events without backgrounds: images of three planes and points."""
    settings = SimulationSettings(events=150, channel="es", background=dict.fromkeys(NOMINAL_RATES, 0.0))
    return made_once(tmp_path_factory, "es", lambda folder: produce(settings, folder))


@pytest.fixture(scope="session")
def start(tmp_path_factory, simulated):
    """`start(...)` trains by the command line and tells how it went; keywords are keys of the configuration."""

    def start(*arguments, data=simulated, resume=None, output=None, **keys):
        folder = tmp_path_factory.mktemp("training")
        (folder / "config.json").write_text(json.dumps({**SMALL, **keys}))
        line = ["electron_direction", "-j", folder / "config.json", "-o", output or folder / "output", "-d", data]
        if resume:
            line = ["electron_direction", "--resume", resume]
        return run_command(lambda: main([str(part) for part in (*line, *arguments)]))

    return start


@pytest.fixture
def train(start, capsys):
    """`start`, with what it said: exit code, output, errors, and the run's folder."""

    def train(*arguments, **keys):
        capsys.readouterr()
        code = start(*arguments, **keys)
        said = capsys.readouterr()
        last = said.out.strip().splitlines()[-1] if said.out.strip() else ""
        return SimpleNamespace(code=code, out=said.out, err=said.err, last=last)

    return train


def predictions(folder, part="test"):
    with np.load(folder / f"{part}_predictions.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def with_loss(name, **more):
    return {**SMALL["model_parameters"], "loss": {"name": name, **more}}


def config_of(data, **keys):
    return parse_config({**SMALL, "data_directories": [str(data)], **keys}, SCHEMA)


def prepared(data, architecture=ARCHITECTURE, **keys):
    config = config_of(data, **keys)
    return prepare(config, architecture, configured_data(config))
