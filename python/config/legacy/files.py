"""Older configuration files, one or all of a folder, converted and validated before any is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from python.config.legacy.convert import Converted, convert
from python.config.load import parse_config
from python.config.task_schema import TaskSchema
from python.general_purpose_libs import ConfigError, read_json

SchemaOf = Callable[[Path, Any], TaskSchema]  # of a file and what it says


@dataclass(frozen=True)
class Outcome:
    """What became of a file: what it was converted to, or why it was not."""

    file: Path
    converted: Converted | None = None
    refused: str = ""


def convert_file(file: Path, schema_of: SchemaOf) -> Converted:
    """What the file says in the dialect of today, valid. Raises ConfigError, which names all that has no counterpart."""
    raw = read_json(file)
    schema = schema_of(file, raw)
    converted = convert(raw, schema, str(file))
    parse_config(converted.config, schema, f"{file}, converted")
    return converted


def convert_all(files: Sequence[Path], schema_of: SchemaOf) -> list[Outcome]:
    """What becomes of each file; of a version that several files name, each gets the name of its file behind it."""
    return _with_versions_apart([_outcome(file, schema_of) for file in files])


def _outcome(file: Path, schema_of: SchemaOf) -> Outcome:
    try:
        return Outcome(file, convert_file(file, schema_of))
    except ConfigError as error:
        reason = str(error).replace(str(file), "", 1).removeprefix(", converted").removeprefix(": ")
        return Outcome(file, refused=reason.replace("\n ", ""))


def _with_versions_apart(outcomes: Sequence[Outcome]) -> list[Outcome]:
    named = Counter(_version(outcome) for outcome in outcomes)
    return [_renamed(outcome) if named[_version(outcome)] > 1 else outcome for outcome in outcomes]


def _version(outcome: Outcome) -> tuple[Any, Any]:
    """The task and the version, which is unique in it; one of its own for a file that has none."""
    config = outcome.converted.config if outcome.converted is not None else {}
    return config.get("task"), config.get("version", outcome.file)


def _renamed(outcome: Outcome) -> Outcome:
    converted = outcome.converted
    if converted is None or outcome.file.stem == converted.config["version"]:
        return outcome
    version = f"{converted.config['version']}_{outcome.file.stem}"
    note = f"version {converted.config['version']} stands in several files: this one is {version}"
    renamed = replace(converted, config={**converted.config, "version": version}, notes=[*converted.notes, note])
    return replace(outcome, converted=renamed)
