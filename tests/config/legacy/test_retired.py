"""Keys that a task no longer has: what is always so may be said, and changes nothing."""

import pytest

from python.commands.tasks import load_schema
from python.config.load import dump_config, parse_config
from python.general_purpose_libs import ConfigError
from python.tasks import TASKS

RETIRED = [(task, path, value) for task in TASKS for path, value in load_schema(task).older.retired.items()]


def with_value(task, path, value):
    schema = load_schema(task)
    raw = {"model_name": next(name for name, each in schema.architectures.items() if not each.meant_for_search)}
    section = raw
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = value
    return raw, schema


@pytest.mark.parametrize(("task", "path", "value"), RETIRED)
def test_at_its_only_value_it_is_as_if_it_were_not_there(task, path, value):
    raw, schema = with_value(task, path, value)
    written = dump_config(parse_config(raw, schema))
    assert written == dump_config(parse_config({"model_name": raw["model_name"]}, schema))
    assert path[-1] not in written[path[0]]
    assert raw == with_value(task, path, value)[0]


@pytest.mark.parametrize(("task", "path", "value"), RETIRED)
def test_at_another_value_it_is_refused_with_the_remedy(task, path, value):
    raw, schema = with_value(task, path, "another")
    with pytest.raises(ConfigError, match=rf'{".".join(path)}: must be "{value}".* not "another"; leave it out'):
        parse_config(raw, schema)


def test_a_tagger_still_chooses_how_volumes_are_loaded():
    raw = {"model_name": "simple_cnn", "dataset_parameters": {"loading": "streaming"}}
    assert parse_config(raw, load_schema("channel_tagging")).dataset_parameters.loading == "streaming"
