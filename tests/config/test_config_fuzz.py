"""No JSON value, wherever it stands, makes loading or converting a configuration fail with anything but a ConfigError."""

import contextlib
import copy
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channel_tagging.schema import SCHEMA as CHANNEL_TAGGING
from mt_identifier.schema import SCHEMA
from python.commands.tasks import load_schema
from python.config.legacy.convert import convert
from python.config.legacy.keys import KEYS, SECTIONS
from python.config.load import dump_config, parse_config
from python.config.overrides import with_overrides
from python.general_purpose_libs import ConfigError
from python.tasks import TASKS

busy_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = [
    "simple_cnn",
    "hyperopt_simple_cnn",
    "hyperopt_simple_cnn_multiclass",
    "deep_cnn",
    "focal",
    "val_loss",
    "X",
    "adam",
]
SEARCH = {"hp_max_evals": 2, "space_options": {"n_filters": [1, 2], "learning_rate": [1e-3, 1e-2], "loss": ["focal"]}}
FULL = dump_config(
    parse_config({"model_name": "hyperopt_simple_cnn", "model_parameters": SEARCH | {"reduce_lr": {}}}, SCHEMA)
)
CONFIG_KEYS = sorted(
    {key for part in (FULL, *FULL.values()) if isinstance(part, dict) for key in part} | {"uniform", "choice"}
)
OLDER = [load_schema(task).older.rules for task in TASKS]
LEGACY_KEYS = sorted({key for table in (*KEYS.values(), *OLDER) for key in table} | set(SECTIONS) - {""})


def json_values(keys):
    plain = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 10),
        st.integers(),
        st.floats(allow_nan=True, allow_infinity=True),
        st.sampled_from([10**400, -(10**400), 5e-324, "\ud800"]),
        st.text(max_size=5),
        st.sampled_from(NAMES),
    )
    names = st.one_of(st.sampled_from(keys), st.text(max_size=4))
    return st.recursive(
        plain,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
        max_leaves=8,
    )


def places(node, path=()):
    yield path
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(value, (*path, key))


def replaced(node, path, value):
    if not path:
        return value
    result = copy.copy(node)
    result[path[0]] = replaced(result[path[0]], path[1:], value)
    return result


def loads_or_is_refused(raw, task):
    with contextlib.suppress(ConfigError):
        resolved = dump_config(parse_config(raw, task))
        again = parse_config(json.loads(json.dumps(resolved, allow_nan=False)), task)
        assert dump_config(again) == resolved


@busy_machine
@given(json_values(CONFIG_KEYS))
def test_any_value_as_a_file(raw):
    loads_or_is_refused(raw, SCHEMA)


@busy_machine
@given(st.sampled_from(list(places(FULL))), json_values(CONFIG_KEYS), st.sampled_from([SCHEMA, CHANNEL_TAGGING]))
def test_any_value_at_any_place(path, value, task):
    loads_or_is_refused(replaced(FULL, path, value), task)


@busy_machine
@given(st.sampled_from([path for path in places(FULL) if path]), json_values(CONFIG_KEYS), st.text(max_size=8))
def test_any_text_after_set(path, value, text):
    for override in (f"{'.'.join(map(str, path))}={text}", text, f"{'.'.join(map(str, path))}.{text}={value!r}"):
        with contextlib.suppress(ConfigError):
            loads_or_is_refused(with_overrides(FULL, [override]), SCHEMA)


@busy_machine
@given(
    st.dictionaries(st.sampled_from(LEGACY_KEYS), json_values(LEGACY_KEYS), max_size=6),
    st.sampled_from(TASKS),
)
def test_any_older_file(raw, task):
    with contextlib.suppress(ConfigError):
        converted = convert(raw, load_schema(task))
        json.dumps(converted.config, allow_nan=False)
        loads_or_is_refused(converted.config, SCHEMA)
