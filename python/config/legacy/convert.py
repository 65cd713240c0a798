"""Older configuration dialects turned into the one dialect, losing nothing that changes a training.

A file is read section by section; each key has a rule in `keys.py`, and a key without a rule fails the conversion.
Several keys may say the same thing: where they disagree, the section that is meant for it is believed, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from python.config.legacy.draft import Draft
from python.config.legacy.keys import KEYS, SECTIONS, rule_of
from python.config.legacy.unsaid import UNSAID
from python.config.plain_json import unstorable_values
from python.config.problems import Problem, did_you_mean, raise_problems, shown
from python.config.task_schema import TaskSchema

ORDER = (
    "task", "model_name", "version", "description", "notes", "output_folder", "data_directories", "es_directories",
    "cc_directories", "device", "plane", "selection", "dataset_parameters", "model_parameters", "ensemble", "search",
    "prediction", "save_outputs", "batch_job",
)  # fmt: skip


@dataclass(frozen=True)
class Converted:
    """The configuration in the one dialect, and what the conversion did."""

    config: dict[str, Any]
    mapped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_carried_over: list[str] = field(default_factory=list)


def convert(raw: Any, task: TaskSchema, source: str = "the configuration") -> Converted:
    """Convert a configuration of an older dialect for `task`.

    ConfigError names every key that has no counterpart here, or whose value has none.
    """
    draft = Draft(task.name, task.older, tuple(task.architectures))
    if not isinstance(raw, dict):
        raise_problems([Problem((), f"must be one section {{...}} of keys and values, not {shown(raw)}")], source)
    raise_problems(list(unstorable_values(raw)), source)
    draft.of_today = "task" in raw or "$schema" in raw  # keys that older files never had
    for path, section in _sections(raw):
        for key, value in section.items():
            _apply(draft, path, key, value)
    values = {"task": task.name, **draft.settled()}
    for complete in UNSAID:
        complete(draft, values)
    raise_problems(draft.failures, source)
    nested = _nested(values)
    config = {key: nested[key] for key in ORDER if key in nested}
    return Converted(config, draft.mapped, draft.notes, draft.not_carried_over)


def _sections(raw: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sections of the file that hold keys with rules, by dotted path; "" is the file itself."""
    for path in SECTIONS:
        node: Any = raw
        for part in path.split(".") if path else ():
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(node, dict):
            yield path, {key: value for key, value in node.items() if not _is_section(path, key, value)}


def _is_section(path: str, key: str, value: Any) -> bool:
    return isinstance(value, dict) and (f"{path}.{key}" if path else key) in SECTIONS


def _apply(draft: Draft, section: str, key: str, value: Any) -> None:
    source = f"{section}.{key}" if section else key
    rule = rule_of(draft, section, key)
    if rule is None:
        meant = did_you_mean(key, KEYS[SECTIONS[section]])
        draft.fail(source, f"the conversion does not know what this key means{meant}; remove it if it changes nothing")
    else:
        rule(draft, source, value)


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for target, value in values.items():
        *sections, key = target.split(".")
        node = result
        for section in sections:
            node = node.setdefault(section, {})
        node[key] = value
    return result
