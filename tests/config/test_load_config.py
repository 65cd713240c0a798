"""Configurations through the documented way in: what is accepted, and how every mistake is named."""

import copy
import json

import pytest

from channel_tagging.schema import SCHEMA as CHANNEL_TAGGING
from mt_identifier.schema import SCHEMA
from python.config.load import dump_config, load_config, parse_config
from python.config.overrides import Options
from python.general_purpose_libs import ConfigError

SEARCH = {"hp_max_evals": 3, "space_options": {"n_filters": [8, 16]}}
FULL = dump_config(parse_config({"model_name": "simple_cnn", "model_parameters": {"reduce_lr": {}}}, SCHEMA))


def mistakes(raw, task=SCHEMA):
    """The lines of the error that `raw` raises, by their paths."""
    with pytest.raises(ConfigError) as caught:
        parse_config(raw, task, "FILE")
    first, *others = str(caught.value).split("\n")
    lines = [line.strip() for line in others] or [first.removeprefix("FILE: ")]
    if others:
        assert first == f"FILE: {len(others)} mistakes"
    return dict(line.split(": ", 1) for line in lines)


def sections(node, path=()):
    """Every section of the full configuration, by path."""
    if isinstance(node, dict) and path != ("notes",):
        yield path
        for key, value in node.items():
            yield from sections(value, (*path, key))


def section_at(raw, path):
    for key in path:
        raw = raw[key]
    return raw


def test_defaults_of_a_minimal_file():
    config = parse_config({"model_name": "simple_cnn"}, SCHEMA)
    assert config.task == "mt_identifier"
    assert config.plane == "X"
    assert config.model_parameters.input_shape == (128, 32, 1)
    assert config.model_parameters.loss.name == "binary_crossentropy"
    assert config.dataset_parameters.augmentation.flips == ("channel",)
    assert config.model_parameters.reduce_lr is None
    assert not config.search_requested


@pytest.mark.parametrize(
    "raw",
    [
        {"model_name": "simple_cnn"},
        {"model_name": "simple_cnn", "notes": [1, {"a": None}], "model_parameters": {"early_stopping": None}},
        {"model_name": "simple_cnn", "model_parameters": {"loss": {"name": "focal", "alpha": None}}},
        {"model_name": "hyperopt_simple_cnn_multiclass", "model_parameters": SEARCH},
    ],
)
def test_resolved_configuration_is_its_own_resolution(raw):
    config = parse_config(raw, SCHEMA)
    resolved = dump_config(config)
    again = parse_config(json.loads(json.dumps(resolved)), SCHEMA)
    assert again == config
    assert dump_config(again) == resolved


def test_integers_serve_as_numbers_but_nothing_else_is_converted():
    raw = {
        "model_name": "simple_cnn",
        "model_parameters": {"build_parameters": {"learning_rate": 1, "dropout_rate": 0}},
    }
    assert parse_config(raw, SCHEMA).model_parameters.build_parameters.learning_rate == 1.0
    raw["model_parameters"] |= {"epochs": "5", "batch_size": 32.0}
    raw["dataset_parameters"] = {"balance_data": 1, "max_samples": True}
    assert set(mistakes(raw)) == {
        "model_parameters.epochs",
        "model_parameters.batch_size",
        "dataset_parameters.balance_data",
        "dataset_parameters.max_samples",
    }


@pytest.mark.parametrize("path", list(sections(FULL)), ids=".".join)
def test_misspelt_key_at_every_level(path):
    for key in section_at(FULL, path):
        raw = copy.deepcopy(FULL)
        section = section_at(raw, path)
        section[f"{key}x"] = section.pop(key)
        found = mistakes(raw)
        text = found[".".join((*path, f"{key}x"))]
        assert f'did you mean "{key}"?' in text
        assert set(found) <= {".".join((*path, f"{key}x")), ".".join((*path, key))}


@pytest.mark.parametrize(
    ("keys", "environment"),
    [
        ({}, "install"),
        ({"lcg_view": "/cvmfs/view"}, "lcg"),
        ({"container_image": "docker://example/pointing"}, "container"),
        ({"environment": "packed", "file_transfer": True}, "packed"),
    ],
)
def test_a_jobs_python_is_that_of_the_key_that_is_given(keys, environment):
    config = parse_config({"model_name": "simple_cnn", "batch_job": keys}, SCHEMA)
    assert config.batch_job.python_from == environment


def test_value_of_a_wrong_type_at_every_leaf():
    for path in sections(FULL):
        for key, value in section_at(FULL, path).items():
            if key == "notes":
                continue
            raw = copy.deepcopy(FULL)
            section_at(raw, path)[key] = [{"wrong": value}]
            found = mistakes(raw)
            name = ".".join((*path, key))
            assert all(line == name or line.startswith(f"{name}.") for line in found)
            assert all("must be " in text for text in found.values())


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        ({"plane": "Y"}, "plane", 'must be one of "U", "V", "X", not "Y"'),
        ({"model_parameters": {"epochs": 0}}, "model_parameters.epochs", "must be an integer of at least 1, not 0"),
        ({"dataset_parameters": {"max_samples": -3}}, "dataset_parameters.max_samples", "at least 1 or null, not -3"),
        ({"batch_job": {"request_memory": "much"}}, "batch_job.request_memory", 'a text such as "16GB", not "much"'),
        ({"model_parameters": {"loss": "focal"}}, "model_parameters.loss", "must be a section {name}, not"),
        ({"epochs": 3}, "epochs", "it belongs at model_parameters.epochs"),
        ({"patience": 3}, "patience", "early_stopping.patience or model_parameters.reduce_lr.patience"),
        ({"epoch": 3}, "epoch", "did you mean model_parameters.epochs?"),
        ({"qqqqq": 3}, "qqqqq", "unknown key; allowed here: $schema, task, model_name"),
        ({"input_data": "x.npy"}, "input_data", "no event identity"),
        ({"dataset_parameters": {"input_label": "y.npy"}}, "dataset_parameters.input_label", "make_images.sh"),
        ({"task": "channel_tagging"}, "task", 'must be "mt_identifier"'),
        ({"data_directories": ["a", "b", "a"]}, "data_directories.2", "named twice"),
        ({"data_directories": []}, "data_directories", "a list of one or more"),
        ({"data_directories": ["a", ""]}, "data_directories.1", "not empty"),
        ({"model_parameters": {"input_shape": [128, 16, 3]}}, "model_parameters.input_shape.2", "must be 1, not 3"),
        ({"model_parameters": {"input_shape": [128, 16]}}, "model_parameters.input_shape.2", "missing"),
        ({"continue_from": {}}, "continue_from.run", "is missing; it must be a text that is not empty"),
        ({"continue_from": {"run": 3, "with_optimizer": True}}, "continue_from.run", "not empty, not 3"),
        ({"continue_from": "output/run"}, "continue_from", "must be a section {run, with_optimizer, weights} or null"),
        ({"notes": float("inf")}, "notes", "too large"),
        ({"description": "\ud800"}, "description", "half a Unicode character"),
        ({"dataset_parameters": {"batch_pattern": "{plan}.npz"}}, "dataset_parameters.batch_pattern", "{plane}"),
        ({"batch_job": {"environment": "lcg"}}, "batch_job.lcg_view", 'needed by the environment "lcg"'),
        ({"batch_job": {"environment": "container"}}, "batch_job.container_image", 'the environment "container"'),
        (
            {"batch_job": {"environment": "install", "lcg_view": "/cvmfs/view"}},
            "batch_job.lcg_view",
            'belongs to the environment "lcg", not to "install"; leave one of them out',
        ),
        ({"batch_job": {"environment": "packed"}}, "batch_job.environment", "goes with batch_job.file_transfer"),
        (
            {"dataset_parameters": {"train_fraction": 0.9}},
            "dataset_parameters",
            "train_fraction, val_fraction, test_fraction must sum to 1, but 0.9 + 0.1 + 0.1 = 1.1",
        ),
        (
            {"model_parameters": {"input_shape": [128, 16, 1], "build_parameters": {"n_conv_layers": 5}}},
            "model_parameters.build_parameters",
            "128 x 16 can be halved 4 times",
        ),
    ],
)
def test_a_mistake_is_named_in_plain_words(raw, path, words):
    found = mistakes({"model_name": "simple_cnn", **raw})
    assert list(found) == [path]
    assert words in found[path]


def test_all_mistakes_at_once_also_below_a_misspelt_model_name():
    found = mistakes(
        {
            "model_name": "simple_cn",
            "plane": "W",
            "model_parameters": {
                "build_parameters": {"n_fliters": 8, "dropout_rate": 2},
                "loss": {"name": "focl", "gamma": -1},
                "hp_max_evals": 4,
            },
            "dataset_parameters": {"train_fraction": 0.5},
        }
    )
    assert found["model_name"].endswith('not "simple_cn"; did you mean "simple_cnn"?')
    assert (
        'did you mean "n_filters"? (taking the model for simple_cnn)'
        in found["model_parameters.build_parameters.n_fliters"]
    )
    assert set(found) == {
        "model_name",
        "plane",
        "model_parameters.build_parameters.n_fliters",
        "model_parameters.build_parameters.dropout_rate",
        "model_parameters.loss.name",
        "model_parameters.loss.gamma",
        "model_parameters.hp_max_evals",
        "dataset_parameters",
    }


def test_a_mistake_brings_no_false_ones_after_it():
    raw = {
        "model_name": "hyperopt_simple_cnn",
        "hp_max_evals": 4,
        "model_parameters": {"space_option": {"n_filters": [8]}},
    }
    assert set(mistakes(raw)) == {"hp_max_evals", "model_parameters.space_option"}
    raw = {"model_name": "simple_cnn", "dataset_parameters": {"train_fractoin": 0.7, "val_fraction": 0.2}}
    assert set(mistakes(raw)) == {"dataset_parameters.train_fractoin"}


def test_the_parameters_of_another_loss_are_unknown():
    raw = {"model_name": "simple_cnn", "model_parameters": {"loss": {"name": "binary_crossentropy", "gamma": 2.0}}}
    assert set(mistakes(raw)) == {"model_parameters.loss.gamma"}


@pytest.mark.parametrize("raw", [None, [], 3, "text", True])
def test_what_is_no_section_is_refused(raw):
    with pytest.raises(ConfigError, match="must be one section"):
        parse_config(raw, SCHEMA)


def test_a_task_may_declare_keys_of_its_own():
    raw = {"model_name": "deep_cnn", "es_directories": ["e"], "cc_directories": ["c"]}
    raw["dataset_parameters"] = {"max_samples_per_class": 5}
    config = parse_config(raw, CHANNEL_TAGGING)
    assert config.es_directories == ("e",)
    assert config.dataset_parameters.max_samples_per_class == 5
    assert parse_config(dump_config(config), CHANNEL_TAGGING) == config
    assert (
        "es_directories" in mistakes({"model_name": "deep_cnn", "es_directory": ["e"]}, CHANNEL_TAGGING)["es_directory"]
    )
    assert set(mistakes(raw | {"model_name": "simple_cnn"})) == {
        "es_directories",
        "cc_directories",
        "dataset_parameters.max_samples_per_class",
    }


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('// a comment\n{"model_name": "simple_cnn", "model_parameters": {"epochs": 3,},}', encoding="utf-8")
    return path


def test_command_line_options_win(file):
    config = load_config(
        file,
        SCHEMA,
        ["plane=U", "model_parameters.epochs=7"],
        Options(output_folder="o", data_directories=["d"], plane="V", max_samples=5),
    )
    assert (config.output_folder, config.data_directories, config.plane) == ("o", ("d",), "V")
    assert config.dataset_parameters.max_samples == 5
    assert config.model_parameters.epochs == 7


@pytest.mark.parametrize(
    ("override", "get", "value"),
    [
        ("model_parameters.early_stopping=null", lambda c: c.model_parameters.early_stopping, None),
        ("model_parameters.reduce_lr.patience=4", lambda c: c.model_parameters.reduce_lr.patience, 4),
        (
            "model_parameters.build_parameters.learning_rate=1e-3",
            lambda c: c.model_parameters.build_parameters.learning_rate,
            1e-3,
        ),
        ("version=v7_a=b", lambda c: c.version, "v7_a=b"),
        ('data_directories=["a"]', lambda c: c.data_directories, ("a",)),
        ("model_parameters.input_shape=[64, 16, 1]", lambda c: c.model_parameters.input_shape, (64, 16, 1)),
        ('notes={"deep": {"er": 1}}', lambda c: c.notes, {"deep": {"er": 1}}),
    ],
)
def test_set(file, override, get, value):
    assert get(load_config(file, SCHEMA, [override])) == value


def test_set_applies_in_order_and_into_lists(file):
    overrides = ['data_directories=["a", "b"]', "data_directories.1=c", "plane=U", "plane=V"]
    config = load_config(file, SCHEMA, overrides)
    assert config.data_directories == ("a", "c")
    assert config.plane == "V"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "write KEY.PATH=VALUE"),
        ("=3", "write KEY.PATH=VALUE"),
        ("a..b=3", "write KEY.PATH=VALUE"),
        ("model_parameters.epochs.x=3", "which is no section"),
        ("model_parameters.epoch=3", 'did you mean "epochs"'),
        ("model_paramters.epochs=3", 'did you mean "model_parameters"'),
        ("epochs=3", "it belongs at model_parameters.epochs"),
        ("model_parameters.epochs=many", "must be an integer of at least 1, not"),
        ("model_parameters.epochs=NaN", "must be an integer of at least 1, not"),
    ],
)
def test_set_that_cannot_be(file, override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(file, SCHEMA, [override])


def test_set_into_a_list_outside_of_it(file):
    with pytest.raises(ConfigError, match="is no place in a list of 1"):
        load_config(file, SCHEMA, ['data_directories=["a"]', "data_directories.1=b"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.json: no such file"):
        load_config(tmp_path / "absent.json", SCHEMA)
