"""Runs, trained or not, data with and without truth, and a way to ask the former about the latter."""

from types import SimpleNamespace

import numpy as np
import pytest

from python.commands import train
from python.commands.predict import main
from python.commands.tasks import load_task
from python.config.load import dump_config, parse_config
from python.data.image_file import parse_image_file, write_image_file
from python.data.metadata import COLUMNS
from python.data.npz import read_npz
from python.general_purpose_libs import run_command, write_json
from tests.electron_direction.conftest import SMALL as DIRECTIONS
from tests.synthetic import image_file
from tests.training.conftest import SMALL as TRACKS

TRUE = ("is_marley", "is_main_track", "is_es_interaction", "true_", "particle_", "nu_")
VOLUMES = {
    "task": "channel_tagging",
    "model_name": "simple_cnn",
    "device": "cpu",
    "model_parameters": {
        "build_parameters": {"n_filters": 2, "n_dense_units": 4, "input_mode": "resized", "resize_factor": [4, 24]},
    },
}
TRAINED_DIRECTIONS = {
    **DIRECTIONS,
    "model_name": "three_plane_energy",
    "model_parameters": {**DIRECTIONS["model_parameters"], "loss": {"name": "uncertainty_aware"}},
    "selection": {"min_energy": 8},
    "prediction": {"average_over": ["rotation"]},
}


def trained(folder, keys, data):
    """The folder of a run of `keys` that the command line has trained."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", keys)
    line = [keys["task"], "-j", folder / "config.json", "-o", folder / "output", "-d", data]
    assert run_command(lambda: train.main([str(part) for part in line])) == 0
    (status,) = (folder / "output").rglob("status.json")
    return status.parent


def untrained(folder, keys, state="done", seed=0, **files):
    """A finished run of `keys` as far as a prediction reads it; its network answers by its first weights.

    `files` are the contents of JSON files of these names.
    """
    from python.networks.saved import save_network
    from python.training.ensemble import joined

    config = parse_config(keys, load_task(keys["task"]).schema)
    model = network(config, seed)
    if config.ensemble:
        model = joined([model, network(config, seed + 1)], config.model_name)
    folder.mkdir(parents=True)
    save_network(model, folder / f"{config.model_name}.keras", load_task(config.task).architecture(config).classes)
    write_json(folder / "config.json", dump_config(config))
    for name, content in {"metrics": {}, "status": {"state": state}, **files}.items():
        write_json(folder / f"{name}.json", content)
    return folder


def network(config, seed=0):
    """The network of the configuration with its first weights."""
    import keras

    keras.utils.set_random_seed(seed)
    task, parameters = load_task(config.task), config.model_parameters
    outputs = task.problem_of(config).outputs()
    return task.architecture(config).build(parameters.input_shape, outputs, parameters.build_parameters)


def without_truth(source, folder, only=slice(None)):
    """A copy of the image files in `source` in which nothing is known that a detector does not tell."""
    for path in source.rglob("*_plane*.npz"):
        content = parse_image_file(read_npz(path), path)
        for column in COLUMNS:
            if column.name.startswith(TRUE):
                content.metadata[column.name][only] = -1 if column.is_integer else np.nan
        write_image_file(folder / path.name, content)
    return folder


def identities(found):
    names = ("event", "match_id", "first_channel", "first_tick")
    return list(zip(found["sources"][found["source"]].tolist(), *(found[name].tolist() for name in names), strict=True))


def rows_in(found, other):
    """The row of `found` for each row of `other`."""
    row_of = {key: row for row, key in enumerate(identities(found))}
    assert len(row_of) == len(found["event"])
    return np.array([row_of[key] for key in identities(other)])


@pytest.fixture(scope="session", autouse=True)
def small_runs(request):
    """Runs of these tests draw nothing unless they are asked to."""
    request.getfixturevalue("no_drawing")


@pytest.fixture
def predict(tmp_path, capsys):
    """`predict(run, data, ...)` asks by the command line and tells how it went and what was written."""

    def predict(run, *data, output=tmp_path / "answers.npz", more=("--force",)):
        capsys.readouterr()
        line = ["-m", run, "-d", *data, "-o", output, *more]
        code = run_command(lambda: main([str(part) for part in line]))
        said = capsys.readouterr()
        found = read_npz(output) if code == 0 else {}
        return SimpleNamespace(code=code, out=said.out, err=said.err, found=found)

    return predict


@pytest.fixture(scope="session")
def tracks(tmp_path_factory):
    """Images of clusters, two an event, told apart by place alone."""
    folder = tmp_path_factory.mktemp("tracks")
    for number in range(2):
        content = image_file(100, number, source=f"file{number}.root")
        content.metadata["first_channel"] = np.arange(100)
        write_image_file(folder / f"file{number}_planeX.npz", content)
    return folder


@pytest.fixture(scope="session")
def track_run(tmp_path_factory, tracks):
    return trained(tmp_path_factory.mktemp("track_run"), TRACKS, tracks)


@pytest.fixture(scope="session")
def untrained_track_run(tmp_path_factory):
    return untrained(tmp_path_factory.mktemp("untrained") / "run", TRACKS)


@pytest.fixture(scope="session")
def direction_run(tmp_path_factory, events):
    return trained(tmp_path_factory.mktemp("direction_run"), TRAINED_DIRECTIONS, events)


@pytest.fixture(scope="session")
def volume_run(tmp_path_factory):
    return untrained(tmp_path_factory.mktemp("volume_run") / "run", VOLUMES, calibration={"temperature": 2.0})
