"""What a command line changes of a configuration: by `--set KEY.PATH=VALUE`, and by options of their own."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from python.config.problems import shown
from python.general_purpose_libs import ConfigError, parse_json


def with_overrides(raw: Any, overrides: Sequence[str]) -> Any:
    """A copy of the configuration in which every KEY.PATH=VALUE is set, later ones last.

    A value is read as JSON, else as text. Sections that are missing or null are made; whether a key exists at all is
    for validation to say. ConfigError when the text has no `=`, or when the path leads through a plain value.
    """
    result = copy.deepcopy(raw)
    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals or not all(path.split(".")):
            raise ConfigError(f"--set {override}: write KEY.PATH=VALUE, such as --set model_parameters.epochs=5")
        result = _replaced(result, path.split("."), _value(text), f"--set {override}")
    return result


@dataclass(frozen=True)
class Options:
    """What has an option of its own; None leaves the configuration as it is."""

    output_folder: str | None = None
    data_directories: Sequence[str | os.PathLike] | None = None
    plane: str | None = None
    max_samples: int | None = None
    continue_from: str | None = None

    def applied_to(self, raw: Any) -> Any:
        """The configuration, not yet validated, with what is given here."""
        if not isinstance(raw, dict):
            return raw
        folders = None if self.data_directories is None else [str(folder) for folder in self.data_directories]
        given = {"output_folder": self.output_folder, "plane": self.plane, "data_directories": folders}
        raw = {**raw, **{key: value for key, value in given.items() if value is not None}}
        overrides = []
        if self.max_samples is not None:
            overrides.append(f"dataset_parameters.max_samples={self.max_samples}")
        if self.continue_from is not None:
            overrides += [f"continue_from.run={json.dumps(self.continue_from)}", "continue_from.weights=null"]
        return with_overrides(raw, overrides)


NO_OPTIONS = Options()


def _value(text: str) -> Any:
    try:
        return parse_json(text)
    except ConfigError:
        return text


def _replaced(node: Any, path: list[str], value: Any, source: str) -> Any:
    """`node` with `value` at `path` in it."""
    if not path:
        return value
    key, *rest = path
    if node is None:
        node = {}
    if isinstance(node, dict):
        node[key] = _replaced(node.get(key), rest, value, source)
    elif isinstance(node, list):
        if not key.isdecimal() or int(key) >= len(node):
            raise ConfigError(f"{source}: {shown(key)} is no place in a list of {len(node)}; places count from 0")
        node[int(key)] = _replaced(node[int(key)], rest, value, source)
    else:
        raise ConfigError(f"{source}: there is no {shown(key)} in {shown(node)}, which is no section")
    return node
