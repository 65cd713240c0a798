"""The networks that come with the project: each task has one, whole, small, with its card, and answering as it did."""

import numpy as np
import pytest

from python.commands.tasks import load_task
from python.detector.geometry import DUNE_1X2X6
from python.general_purpose_libs import read_json
from python.ingest.products import make_products
from python.runs.shipped import check_whole, network_folder, read_card, shipped_networks
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.event_list import plan_events
from python.simulation.events import simulate_readout
from python.simulation.settings import SimulationSettings
from python.tasks import TASKS
from python.training.shipping import NEAR, Recipe, example_difference
from python.training.trained import Trained
from tests.ingest.root_files import moved_along_z

LARGEST_MB = 5


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_recipe_whose_network_is_there(task):
    recipe = Recipe.of(task)
    folder = network_folder(None, task)
    assert folder.name == recipe.name
    card = read_card(folder)
    assert "--try" not in card["made_by"]
    assert set(card["figures"]) == set(recipe.figures)
    for value, *bounds in card["figures"].values():
        assert sorted([value, *bounds]) == [*bounds[:1], value, *bounds[1:]]
    assert card["answers"]
    assert "simulated" in card["not_for"]
    assert read_json(folder / "config.json")["task"] == task


SHIPPED = [(task, folder) for task in TASKS for folder in shipped_networks(task).values()]


@pytest.mark.parametrize(("task", "folder"), SHIPPED, ids=[f"{task} {folder.name}" for task, folder in SHIPPED])
def test_shipped_networks_are_small_whole_and_answer_as_they_did(task, folder):
    check_whole(folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST_MB * 1e6
    assert example_difference(Trained.load(load_task(task), folder)) < NEAR


@pytest.fixture(scope="module")
def electron_direction():
    return Trained.load(load_task("electron_direction"), network_folder(None, "electron_direction"))


def simulated(n, **more):
    quiet = dict.fromkeys(NOMINAL_RATES, 0.0)
    settings = SimulationSettings(events=n, channel="es", energy=(15.0, 40.0), background=quiet, **more)
    return simulate_readout(settings, plan_events(settings), 0)


def test_events_that_are_moved_by_whole_rows_get_the_same_answers(electron_direction):
    readout = simulated(40)
    one, other = (
        electron_direction.answers(electron_direction.samples_of(make_products(each)))
        for each in (readout, moved_along_z(readout, 3))
    )
    assert len(one.direction) > 20
    np.testing.assert_array_equal(other.clusters.apa, one.clusters.apa + 6)
    np.testing.assert_allclose(other.direction, one.direction, atol=0.02)


def test_electrons_in_twelve_apas_are_pointed_too(electron_direction):
    """Half of the main tracks to better than 30 degrees, where guesses are off by 90; in the smaller geometry it is the same."""
    products = make_products(simulated(100, geometry=DUNE_1X2X6))
    network = electron_direction
    samples = network.task.prepare(network.config, network.architecture, products)
    found = network.answers_of(samples, np.arange(len(samples.set)))
    assert len(np.unique(found.clusters.apa)) > 8
    assert np.median(found.results().angle) < 30
