"""Older configuration dialects turned into the one dialect, losing nothing that changes a training.

A file is read section by section; each key has a rule in `keys.py`, and a key without a rule fails the conversion.
Several keys may say the same thing: where they disagree, the section that is meant for it is believed, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from python.config.legacy.draft import Draft, architecture_name
from python.config.legacy.keys import KEYS, SECTIONS, rule_of
from python.config.plain_json import unstorable_values
from python.config.problems import Problem, did_you_mean, raise_problems, shown
from python.config.task_schema import TaskSchema

ORDER = (
    "task", "model_name", "version", "description", "notes", "output_folder", "data_directories", "es_directories",
    "cc_directories", "device", "plane", "selection", "dataset_parameters", "model_parameters", "ensemble", "search",
    "prediction", "save_outputs", "batch_job",
)  # fmt: skip
NO_SIZES = ("learning_rate", "decay_rate", "dropout_rate", "batch_size")
PARTS_OF_STOPPING = {
    "early_stopping": ("monitor", "patience", "restore_best_weights"),
    "reduce_lr": ("monitor", "patience", "factor", "min_lr"),
}
FRACTIONS = tuple(f"dataset_parameters.{part}_fraction" for part in ("train", "val", "test"))
BUILD = "model_parameters.build_parameters"
WORTH_NAMING = (
    *FRACTIONS, "model_parameters.input_shape", f"{BUILD}.learning_rate", "model_parameters.loss.name",
    "model_parameters.optimizer.name", "model_parameters.epochs", "model_parameters.batch_size",
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
    draft = Draft(task.name, task.older)
    if not isinstance(raw, dict):
        raise_problems([Problem((), f"must be one section {{...}} of keys and values, not {shown(raw)}")], source)
    raise_problems(list(unstorable_values(raw)), source)
    for path, section in _sections(raw):
        for key, value in section.items():
            _apply(draft, path, key, value)
    values = {"task": task.name, **draft.settled()}
    for complete in (_name, _pattern, _exposure, _fractions, _stopping, _learning_rate, task.older.complete, _defaults):
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


# ---------------------------------------------------------------------------- what single keys do not say
def _name(draft: Draft, values: dict[str, Any]) -> None:
    """An architecture's own key makes `name` and `model_name` mere labels of the training."""
    named, label = draft.named_architecture, draft.label
    if label is None:
        if named is None:
            draft.fail("model_name", "the file names no architecture")
    elif named is None:
        values["model_name"] = draft.record(label.source, "model_name", architecture_name(label.value))
    elif architecture_name(label.value) != values["model_name"]:
        target = "notes.name" if "version" in values else "version"
        values[target] = draft.record(label.source, target, label.value)


def _pattern(draft: Draft, values: dict[str, Any]) -> None:
    plane = draft.plane_of_pattern
    if plane is not None and values.setdefault("plane", plane) != plane:
        draft.fail("plane", f"is {shown(values['plane'])}, but batch_pattern names files of plane {plane}; correct one")


def _exposure(draft: Draft, values: dict[str, Any]) -> None:
    """Batches loaded one after the other, each trained for some epochs."""
    parts = draft.incremental
    if not parts:
        return
    missing = {"incremental_batch_size", "num_batches", "epochs_per_batch"} - set(parts)
    if missing or any(isinstance(number, bool) or not isinstance(number, int) for number in parts.values()):
        draft.fail(
            ", ".join(parts), "incremental_batch_size, num_batches and epochs_per_batch belong together, as integers"
        )
        return
    samples, epochs = parts["incremental_batch_size"] * parts["num_batches"], parts["epochs_per_batch"]
    for target, value in (("dataset_parameters.max_samples", samples), ("model_parameters.epochs", epochs)):
        if values.setdefault(target, value) != value:
            draft.fail(
                target, f"is {shown(values[target])}, but the incremental training amounts to {value}; remove one"
            )
    draft.notes.append(
        f"{parts['num_batches']} batches of {parts['incremental_batch_size']} images, {epochs} epochs each, showed every "
        f"one of {samples} images {epochs} times; max_samples {samples} and epochs {epochs} show them as often, mixed"
    )


def _fractions(draft: Draft, values: dict[str, Any]) -> None:
    given = [name for name in FRACTIONS if name in values]
    if not given or len(given) == 3:
        return
    if not all(isinstance(values[name], int | float) for name in given):
        draft.fail(", ".join(given), "must be numbers")
        return
    missing = [name for name in FRACTIONS if name not in values]
    share = round((1 - sum(values[name] for name in given)) / len(missing), 9)
    values.update(dict.fromkeys(missing, share))
    names = " and ".join(name.rpartition(".")[2] for name in missing)
    draft.notes.append(f"the split names no {names}: what the rest leaves is divided evenly, {share:g} each")


def _stopping(draft: Draft, values: dict[str, Any]) -> None:
    """What was not asked for is switched off; what was asked for in part is completed by defaults."""
    for section, keys in PARTS_OF_STOPPING.items():
        target = f"model_parameters.{section}"
        if any(name.startswith(f"{target}.") for name in values):
            missing = [key for key in keys if f"{target}.{key}" not in values]
            if missing:
                draft.notes.append(f"{section} names no {', '.join(missing)}: this project's defaults hold")
        elif values.setdefault(target, None) is None:
            draft.notes.append(f"the file asks for no {section}: it is null")


def _learning_rate(draft: Draft, values: dict[str, Any]) -> None:
    space = values.get("model_parameters.space_options") or {}
    if f"{BUILD}.decay_rate" not in values and "decay_rate" not in space:
        values[f"{BUILD}.decay_rate"] = 1.0
        draft.notes.append("the file asks for no decay of the learning rate per epoch: decay_rate is 1")


def _defaults(draft: Draft, values: dict[str, Any]) -> None:
    space = values.get("model_parameters.space_options") or {}
    names = [*WORTH_NAMING, *(name for name in draft.older.worth_naming if name.partition(".")[0] not in values)]
    missing = [name for name in names if name not in values and name.rpartition(".")[2] not in space]
    if missing:
        draft.notes.append(f"not in the file, so this project's defaults hold: {', '.join(missing)}")
    named = {name.rpartition(".")[2] for name in values if name.startswith(f"{BUILD}.")} | set(space)
    if named <= set(NO_SIZES):
        draft.notes.append("the file names no sizes of the network: the architecture's defaults hold")


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for target, value in values.items():
        *sections, key = target.split(".")
        node = result
        for section in sections:
            node = node.setdefault(section, {})
        node[key] = value
    return result
