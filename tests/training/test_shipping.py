"""A run as it ships: it answers as before, says what it is, tells when it is changed, and is found by its name."""

import json
import shutil

import numpy as np
import pytest

from python.commands.tasks import load_task
from python.data.npz import read_npz, write_npz
from python.general_purpose_libs import ConfigError
from python.ingest.products import make_products
from python.runs import shipped
from python.runs.finished import task_of_finished_run
from python.runs.shipped import check_whole, network_folder, read_card, shipped_networks
from python.simulation.event_list import plan_events
from python.simulation.events import simulate_readout
from python.simulation.settings import SimulationSettings
from python.training.shipping import NEAR, example_difference, ship
from python.training.trained import Trained
from tests.commands.conftest import TRACKS, VOLUMES, untrained


@pytest.fixture(scope="module")
def example():
    settings = SimulationSettings(events=12, seed=8)
    return simulate_readout(settings, plan_events(settings), 0)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory, example):
    """A shipped network `first` of two tasks, in the folders that `pretrained` would name."""
    home = tmp_path_factory.mktemp("boxes")
    for keys, files in ((TRACKS, {}), (VOLUMES, {"calibration": {"temperature": 2.0}})):
        run = untrained(home / "runs" / keys["task"], {**keys, "data_directories": ["/of/this/machine"]}, **files)
        ship(Trained.load(load_task(keys["task"]), run), example, {"name": "first"}, home / keys["task"] / "first")
        (home / keys["task"] / "recipe.json").write_text('{"name": "first"}')
    return home


@pytest.fixture
def shelf(boxes, tmp_path, monkeypatch):
    """The same, to change."""
    for task in (TRACKS["task"], VOLUMES["task"]):
        shutil.copytree(boxes / task, tmp_path / task)
    monkeypatch.setattr(shipped, "pretrained", lambda task: tmp_path / task)
    return tmp_path


@pytest.mark.parametrize("task", [TRACKS["task"], VOLUMES["task"]])
def test_what_ships_answers_as_the_run_and_tells_nothing_of_its_machine(boxes, example, task):
    folder = boxes / task / "first"
    assert task_of_finished_run(folder, task) == task
    products = make_products(example)
    run, box = (Trained.load(load_task(task), each) for each in (boxes / "runs" / task, folder))
    before, after = (each.answers(each.samples_of(products)) for each in (run, box))
    np.testing.assert_allclose(after.scores, before.scores, atol=1e-6)
    assert after.temperature == before.temperature == (2.0 if task == VOLUMES["task"] else None)
    assert (folder / "calibration.json").exists() == (task == VOLUMES["task"])
    assert len(after) > 5
    assert "/of/this/machine" not in (folder / "config.json").read_text()
    assert example_difference(box) < NEAR
    assert sorted(read_card(folder)["files"]) == sorted(
        path.name for path in folder.iterdir() if path.name != "card.json"
    )


def test_other_answers_are_told_from_those_of_the_example(shelf):
    folder = shelf / TRACKS["task"] / "first"
    arrays = read_npz(folder / "example.npz")
    task = load_task(TRACKS["task"])
    write_npz(folder / "example.npz", {**arrays, "scores": arrays["scores"] + 0.01})
    assert example_difference(Trained.load(task, folder)) == pytest.approx(0.01 / 1.5, rel=0.5)
    write_npz(folder / "example.npz", {**arrays, "primitive_integral": arrays["primitive_integral"] // 100})
    assert example_difference(Trained.load(task, folder)) == np.inf


def test_networks_are_found_by_task_name_and_folder(shelf):
    track, volume = (shelf / task / "first" for task in (TRACKS["task"], VOLUMES["task"]))
    assert network_folder(None, TRACKS["task"]) == track
    assert network_folder("first", VOLUMES["task"]) == volume
    assert network_folder(str(volume), None) == volume
    assert network_folder(str(volume), TRACKS["task"]) == volume  # whether it is of the task is asked elsewhere
    assert shipped_networks(TRACKS["task"]) == {"first": track}
    assert shipped_networks("electron_direction") == {}


@pytest.mark.parametrize(
    ("named", "task", "message"),
    [
        (None, None, "name a network with -m, or a task with -t"),
        (None, "electron_direction", "no network of electron_direction is shipped; train one"),
        ("first", None, "networks of several tasks have this name; say which task with -t"),
        ("frist", None, 'did you mean "first"'),
        ("output/nowhere", None, "no such folder, and no shipped network"),
        ("first", "electron_direction", "none are shipped"),
    ],
)
@pytest.mark.usefixtures("shelf")
def test_what_is_no_network_is_refused_with_the_remedy(named, task, message):
    with pytest.raises(ConfigError, match=message):
        network_folder(named, task)


def test_a_shipped_network_that_was_changed_is_refused(shelf):
    folder = shelf / TRACKS["task"] / "first"
    check_whole(folder)
    metrics = (folder / "metrics.json").read_text()
    (folder / "metrics.json").write_text(json.dumps({"temperature": 3}))
    with pytest.raises(
        ConfigError, match=r"metrics\.json is not what the card lists; take the folder from the project again"
    ):
        network_folder("first", TRACKS["task"])
    (folder / "metrics.json").write_text(metrics)
    (folder / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"config\.json is not what the card lists"):
        network_folder(None, TRACKS["task"])
