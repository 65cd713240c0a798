import copy
import json
from types import SimpleNamespace

import numpy as np
import pytest

from python.commands.train import main
from python.general_purpose_libs import run_command
from tests.children import run_in, training
from tests.synthetic import write_folder

SMALL = {
    "task": "mt_identifier",
    "model_name": "simple_cnn",
    "device": "cpu",
    "dataset_parameters": {"train_fraction": 0.6, "val_fraction": 0.2, "test_fraction": 0.2},
    "model_parameters": {
        "input_shape": [64, 16, 1],
        "build_parameters": {
            "n_conv_layers": 2,
            "n_filters": 4,
            "n_dense_layers": 1,
            "n_dense_units": 8,
            "learning_rate": 0.01,
        },
        "epochs": 3,
        "batch_size": 16,
    },
    "save_outputs": {"sample_images": 2, "tensorboard": False},
}


@pytest.fixture(scope="session", autouse=True)
def small_runs(request):
    """Runs of these tests draw nothing unless they are asked to."""
    request.getfixturevalue("no_drawing")


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"), n=100, files=2)


@pytest.fixture
def workplace(tmp_path, data, capsys):
    """A configuration file, data and an output folder; `train(...)` runs the command line and tells how it went."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SMALL))
    output = tmp_path / "output"

    def train(*arguments, resume=None, data=data, json=config):
        line = ["mt_identifier", "--resume", str(resume)] if resume else ["mt_identifier", "-j", str(json)]
        if not resume:
            line += ["-o", str(output)] + (["-d", str(data)] if data else [])
        code = run_command(lambda: main([*line, *map(str, arguments)]))
        said = capsys.readouterr()
        last = said.out.strip().splitlines()[-1] if said.out.strip() else ""
        return SimpleNamespace(code=code, out=said.out, err=said.err, last=last)

    return SimpleNamespace(config=config, output=output, data=data, train=train, path=tmp_path)


@pytest.fixture
def start(workplace):
    """Starts a training of the workplace in a process of its own; what still runs at the end of the test is killed."""
    started = []

    def start(*arguments, limit=None):
        line = ["mt_identifier", "-j", workplace.config, "-d", workplace.data, "-o", workplace.output, *arguments]
        errors = workplace.path / f"errors_{len(started)}"
        started.append(training(*line, errors=errors, limit=limit))
        return started[-1]

    yield start
    for child in started:
        child.kill()


def after_an_epoch(child, output):
    """The folder of the run that the child trains, once a checkpoint is in it."""
    child.wait_until(lambda: list(output.glob("**/checkpoints/0001.json")))
    return run_in(output)


def weights(folder):
    import keras

    (model,) = folder.glob("*.keras")
    return keras.models.load_model(model).get_weights()


def same_weights(one, other):
    return all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


@pytest.fixture
def trial_job(data):
    """Makes the job of a small trial, its model_parameters changed as told."""

    def make(objective="val_loss", hopeless=(), max_samples=None, **changes):
        build = SMALL["model_parameters"]["build_parameters"] | changes.pop("build_parameters", {})
        model = {**SMALL["model_parameters"], "build_parameters": build, **changes}
        return {
            "number": 7,
            "task": "mt_identifier",
            "run": str(data / "nowhere"),
            "config": copy.deepcopy({**SMALL, "data_directories": [str(data)], "model_parameters": model}),
            "max_samples": max_samples,
            "hopeless": list(hopeless),
            "objective": objective,
            "skip_bad_files": False,
        }

    return make
