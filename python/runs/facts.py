"""What the registry knows of a run, from the files in the run's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from python.config.format_version import read_configuration
from python.general_purpose_libs import ConfigError
from python.runs.files import (
    ARGUMENTS_FILE,
    CONFIG_FILE,
    CUTS_FILE,
    DATA_FILE,
    ENVIRONMENT_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    STATUS_FILE,
)
from python.runs.headlines import headlines
from python.runs.status import read_status

ENDED = ("done", "failed", "interrupted")


def run_facts(folder: str | os.PathLike) -> dict[str, Any]:
    """Return what the files of the run in `folder` say: task, version, configuration, data set, state, results, ...

    What they do not say, yet or at all, is left out. Raises ConfigError when config.json or status.json is missing or damaged,
    or of a later format.
    """
    folder = Path(folder)
    config, status = read_configuration(folder / CONFIG_FILE), status_of(folder)
    if not isinstance(config, dict) or not isinstance(config.get("task"), str):
        raise ConfigError(f"{folder / CONFIG_FILE}: names no task; is {folder} a run folder as a training left it?")
    environment, arguments = _said(folder, ENVIRONMENT_FILE), _said(folder, ARGUMENTS_FILE)
    version = config.get("version") or status.get("version")
    facts = {
        "task": config["task"],
        "version": version if isinstance(version, str) else None,
        "model_name": config.get("model_name"),
        "configuration": summary(config),
        "configuration_file": arguments.get("json"),
        "continued_from": _section(config, "continue_from").get("run"),
        "data_set": _data_set(folder),
        "rationale": config.get("description"),
        "started": status.get("began") or status.get("started"),  # first, or where that is not told at last
        "ended": status.get("heartbeat") if status["state"] in ENDED else None,
        "state": status["state"],
        "message": status.get("message"),
        "epochs": _epochs(folder),
        "results": headlines(_said(folder, METRICS_FILE)),
        "commit": environment.get("git_commit"),
        "host": status.get("host") or environment.get("host"),
    }
    return {name: value for name, value in facts.items() if value not in (None, "", {})}


def status_of(folder: Path) -> dict[str, Any]:
    """What `read_status` says; also for values that no run has written a ConfigError."""
    try:
        return read_status(folder)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{folder / STATUS_FILE}: holds what no run has written ({error})") from error


def summary(config: Mapping[str, Any]) -> dict[str, Any]:
    """What sets one run of a task apart from others: network, loss, optimizer, epochs, ensemble, search.

    `config` holds the JSON values of a resolved configuration (`dump_config`).
    """
    model = _section(config, "model_parameters")
    kept = ("input_shape", "build_parameters", "loss", "optimizer", "epochs", "batch_size")
    told = {name: model.get(name) for name in kept}
    told["seed"] = _section(config, "dataset_parameters").get("random_seed")
    told["ensemble"] = config.get("ensemble")
    if model.get("hp_max_evals") is not None:
        told["search"] = {
            "trials": model["hp_max_evals"],
            "objective": _section(config, "search").get("objective"),
            "space": model.get("space_options"),
        }
    return {name: value for name, value in told.items() if value is not None}


def _data_set(folder: Path) -> dict[str, Any]:
    files, cuts = _listed(folder, DATA_FILE), _listed(folder, CUTS_FILE)
    names = [file["file"] for file in files if isinstance(file.get("file"), str)]
    told = {
        "folders": sorted({str(Path(name).parent) for name in names}),
        "files": len(names) or None,
        "samples": cuts[-1].get("kept") if cuts else None,
    }
    return {name: value for name, value in told.items() if value}


def _epochs(folder: Path) -> int | None:
    lengths = [len(values) for values in _said(folder, HISTORY_FILE).values() if isinstance(values, list)]
    return max(lengths, default=0) or None


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, dict) else {}


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _said(folder: Path, name: str) -> dict[str, Any]:
    """The content of a file that a run writes when it is that far; {} before."""
    content = _content(folder / name)
    return content if isinstance(content, dict) else {}


def _listed(folder: Path, name: str) -> list[dict[str, Any]]:
    content = _content(folder / name)
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []
