import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.commands.tasks import load_schema
from python.config.declared import Declaration
from python.config.differences import differences, no_settings
from python.config.load import parse_config
from python.config.problems import dotted
from python.tasks import TASKS

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8
)


def test_every_difference_is_named_with_its_path():
    there = {"plane": "X", "model": {"epochs": 3, "rate": 0.1}, "notes": "old"}
    asked = {"plane": "X", "model": {"epochs": 5, "rate": 0.1}, "notes": "new", "seed": 1}
    assert differences(there, asked, ignored=("notes",)) == [
        "model.epochs: there it is 3, asked for is 5",
        "seed: there it is None, asked for is 1",
    ]


def test_what_is_ignored_is_one_key_and_not_its_namesakes():
    assert differences({"run": 1, "job": {"run": 1}}, {"run": 2, "job": {"run": 2}}, ignored=("job.run",)) == [
        "run: there it is 1, asked for is 2"
    ]


@pytest.mark.parametrize("name", TASKS)
def test_every_key_that_names_a_folder_is_a_place_and_no_setting(name):
    task = load_schema(name)
    plain = next(name for name, network in task.architectures.items() if not network.meant_for_search)
    config = parse_config({"model_name": plain}, task)
    folders = {
        dotted((*path, key))
        for path, keys in Declaration.of(type(config)).sections
        for key, node in keys.items()
        if node.get("description", "").startswith("Folder")
    }
    assert {"output_folder", "data_directories", "continue_from.run", "batch_job.lcg_view"} <= folders
    assert folders <= set(no_settings(config))
    assert not {"plane", "continue_from.weights", "continue_from.with_optimizer"} & set(no_settings(config))


@given(VALUES)
def test_nothing_differs_from_itself(value):
    assert differences(value, value) == []
