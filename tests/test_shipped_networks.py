"""The networks that come with the project: each task has one, whole, small, with its card, and answering as it did."""

import pytest

from python.commands.tasks import load_task
from python.general_purpose_libs import read_json
from python.runs.shipped import check_whole, network_folder, read_card, shipped_networks
from python.tasks import TASKS
from python.training.shipping import NEAR, Recipe, example_difference
from python.training.trained import Trained

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
