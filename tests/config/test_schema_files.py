"""The generated files under json/schema are current and say the same as the loader; the shipped configurations are valid."""

import copy
import functools
import json

import jsonschema
import pytest

from channel_tagging.schema import SCHEMA as CHANNEL_TAGGING
from electron_direction.schema import SCHEMA as ELECTRON_DIRECTION
from python.commands.tasks import load_schema
from python.commands.write_schemas import FOLDER, generated_files
from python.config.json_schema import task_json_schema
from python.config.load import dump_config, load_config, parse_config
from python.general_purpose_libs import ConfigError, read_json
from python.tasks import TASKS

CONFIGURATIONS = [path for task in TASKS for path in sorted((FOLDER.parent / task).glob("*.json"))]
MINIMAL = {"model_name": "simple_cnn"}


@functools.cache
def validator(task_name):
    schema = task_json_schema(load_schema(task_name))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture
def mt_validator():
    return validator("mt_identifier")


def test_committed_files_are_current():
    remedy = "run: python -m python.commands.write_schemas"
    generated = generated_files()
    assert {path.name for path in FOLDER.iterdir()} == set(generated)
    for name, text in generated.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, remedy


def test_expected_configurations_are_shipped():
    names = {path.stem for path in CONFIGURATIONS if path.parent.name == "mt_identifier"}
    assert names >= {"quick_test", "basic_training", "hyperopt_training", *(f"production_v{n}" for n in range(1, 5))}


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path):
    task = load_schema(path.parent.name)
    config = load_config(path, task)
    assert config.output_folder == "output"
    assert config.data_directories is None
    raw = read_json(path)
    assert (path.parent / raw["$schema"]).resolve() == (FOLDER / f"{task.name}.schema.json").resolve()
    schema_check = validator(task.name)
    schema_check.validate(raw)
    schema_check.validate(dump_config(config))


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"model_name": "simple_cn"},
        {"model_name": "hyperopt_simple_cnn"},
        MINIMAL | {"epochs": 3},
        MINIMAL | {"plane": "Y"},
        MINIMAL | {"model_parameters": {"build_parameters": {"n_fliters": 3}}},
        MINIMAL | {"model_parameters": {"build_parameters": {"dropout_rate": 1}}},
        MINIMAL | {"model_parameters": {"loss": {"name": "categorical_crossentropy"}}},
        MINIMAL | {"model_parameters": {"loss": {"name": "binary_crossentropy", "gamma": 1}}},
        MINIMAL | {"model_parameters": {"early_stopping": {"monitor": "loss"}}},
        MINIMAL | {"model_parameters": {"hp_max_evals": 3, "space_options": {"n_fliters": [3]}}},
        MINIMAL | {"model_parameters": {"hp_max_evals": 3, "space_options": {"n_filters": [0]}}},
        MINIMAL | {"model_parameters": {"hp_max_evals": 3, "space_options": {"n_filters": {"uniform": [1, 2]}}}},
        MINIMAL | {"model_parameters": {"input_shape": [128, 16, 3]}},
    ],
    ids=json.dumps,
)
def test_editors_and_the_loader_refuse_the_same(raw, mt_validator):
    assert not mt_validator.is_valid(raw)
    with pytest.raises(ConfigError):
        parse_config(raw, load_schema("mt_identifier"))


def test_resolved_configurations_of_every_kind_are_valid(mt_validator):
    space = {
        "gamma": {"uniform": [1, 2]},
        "loss": ["focal"],
        "alpha": [None, 0.5],
        "n_filters": {"quniform": [2, 8, 2]},
    }
    raw = {"model_name": "simple_cnn", "model_parameters": {"hp_max_evals": 2, "space_options": space, "reduce_lr": {}}}
    mt_validator.validate(raw)
    mt_validator.validate(dump_config(parse_config(raw, load_schema("mt_identifier"))))


@pytest.mark.parametrize("task", [CHANNEL_TAGGING, ELECTRON_DIRECTION], ids=lambda task: task.name)
def test_every_architecture_and_loss_of_a_task(task):
    check = validator(task.name)
    for model_name, architecture in task.architectures.items():
        for loss in architecture.losses:
            raw = {"model_name": model_name, "model_parameters": {"loss": {"name": loss}}}
            if architecture.meant_for_search:
                raw["model_parameters"] |= {"hp_max_evals": 1, "space_options": {"learning_rate": [0.001]}}
            resolved = dump_config(parse_config(raw, task))
            check.validate(resolved)
            broken = copy.deepcopy(resolved)
            broken["model_parameters"]["build_parameters"]["unheard_of"] = 1
            assert not check.is_valid(broken)


def test_reference_page_names_every_key():
    task = load_schema("mt_identifier")
    page = generated_files()["mt_identifier.md"]
    resolved = dump_config(parse_config(MINIMAL | {"model_parameters": {"reduce_lr": {}}}, task))

    def keys(section):
        for key, value in section.items():
            yield key
            if isinstance(value, dict):
                yield from keys(value)

    assert [key for key in keys(resolved) if f"| `{key}` |" not in page] == []
    assert all(
        line.count(" | ") >= 3 and not line.endswith("|  |") for line in page.splitlines() if line.startswith("| `")
    )
