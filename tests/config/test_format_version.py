"""Configurations say their format: none is today's, a later one is refused before anything else is said of it."""

import pytest

from mt_identifier.schema import SCHEMA
from python.config.format_version import FORMAT_VERSION
from python.config.load import dump_config, load_config, parse_config
from python.general_purpose_libs import ConfigError, write_json
from python.version import VERSION

LATER = FORMAT_VERSION + 1
PLAIN = {"model_name": "simple_cnn"}


def test_what_is_resolved_says_its_format():
    resolved = dump_config(parse_config(PLAIN, SCHEMA))
    assert resolved["format_version"] == FORMAT_VERSION
    assert resolved == dump_config(parse_config({**PLAIN, "format_version": FORMAT_VERSION}, SCHEMA))


def test_a_later_format_is_refused_whatever_else_is_in_the_file(tmp_path):
    path = tmp_path / "later.json"
    write_json(path, {"model_name": "unheard_of", "key_of_then": 1, "format_version": LATER})
    with pytest.raises(ConfigError) as refused:
        load_config(path, SCHEMA)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{path}: is of format {LATER}")
    assert VERSION in line
    assert "use the release" in line


def test_a_later_format_is_refused_on_the_command_line_too(tmp_path):
    path = tmp_path / "now.json"
    write_json(path, PLAIN)
    with pytest.raises(ConfigError, match=f"is of format {LATER}"):
        load_config(path, SCHEMA, [f"format_version={LATER}"])


@pytest.mark.parametrize("value", [0, -1, "1", None, True, 1.5, [1]])
def test_what_is_no_format_is_a_mistake_like_others(value):
    with pytest.raises(ConfigError, match=f"format_version: must be {FORMAT_VERSION}, not "):
        parse_config({**PLAIN, "format_version": value}, SCHEMA)
