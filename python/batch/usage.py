"""What jobs like one that is submitted have used, and what that one could therefore ask for."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from python.batch.refresh import of_the_job
from python.batch.resources import MINUTES_OF_FLAVOUR, megabytes
from python.config.format_version import read_configuration
from python.config.load import dump_config
from python.config.schema import RunConfig
from python.general_purpose_libs import ConfigError
from python.runs.files import CONFIG_FILE
from python.runs.registry.registry import Registry

SPARE_MEMORY, SPARE_TIME = 1.3, 1.5  # times what was used
WORTH_SAYING = 0.75  # of what is asked for
SIZE_CLASS = 2.0  # data sets whose sizes differ by less are alike


def proposal(config: RunConfig, registry: Registry) -> str:
    """What the last job like `config` used, and what could be asked for, in words; "" where there is nothing to propose."""
    asked = dump_config(config)
    sizes: dict[str, int] = {}
    for entry in reversed(registry.entries(config.task)):
        told = of_the_job(entry)
        if not isinstance(told.get("memory_mb"), int) or told["memory_mb"] <= 0:
            continue
        complete = entry.get("state") == "done"
        if not complete and told["memory_mb"] <= megabytes(config.batch_job.request_memory):
            continue  # it may have needed more later
        before = _configuration(registry.output / entry["folder"])
        if _alike(before, asked, sizes):
            changes = [*_memory(told["memory_mb"], config), *_time(told, before, asked, complete)]
            return _in_words(entry, told, changes) if changes else ""
    return ""


def _in_words(entry: Mapping[str, Any], told: Mapping[str, Any], changes: list[tuple[str, str, str]]) -> str:
    proposed = ", ".join(f"{key} {now} could be {then}" for key, now, then in changes)
    options = " ".join(f"batch_job.{key}={then}" for key, _, then in changes)
    return (
        f"the last such job ({entry['run']}) used {told['memory_mb'] / 1024:.1f} GB of memory in {told.get('hours', 0):.1f} h; "
        f"{proposed} (--set {options})"
    )


def _memory(used_mb: int, config: RunConfig) -> list[tuple[str, str, str]]:
    asked_mb, then_gb = megabytes(config.batch_job.request_memory), math.ceil(SPARE_MEMORY * used_mb / 1024)
    if used_mb <= asked_mb and 1024 * then_gb > WORTH_SAYING * asked_mb:
        return []
    return [("request_memory", config.batch_job.request_memory, f"{then_gb}GB")]


def _time(told: Mapping[str, Any], before: Any, asked: Any, complete: bool) -> list[tuple[str, str, str]]:
    """A shorter flavour, where the other job did as many epochs to their end in one job."""
    same = complete and before["model_parameters"]["epochs"] == asked["model_parameters"]["epochs"]
    now, minutes = asked["batch_job"]["job_flavour"], SPARE_TIME * 60 * told.get("hours", 0)
    if not same or not minutes or asked["ensemble"]:
        return []
    then = next((name for name, most in MINUTES_OF_FLAVOUR.items() if most >= minutes), now)
    return [("job_flavour", now, then)] if MINUTES_OF_FLAVOUR[then] < MINUTES_OF_FLAVOUR[now] else []


def _configuration(run: Path) -> Any:
    try:
        return read_configuration(run / CONFIG_FILE)
    except ConfigError:
        return {}


def _alike(before: Any, asked: Any, sizes: dict[str, int]) -> bool:
    """Whether two configurations need about as much: the same network on inputs and batches of one size, and as much data."""
    try:
        return _kind(before) == _kind(asked) and _as_much_data(before, asked, sizes)
    except (KeyError, TypeError, AttributeError):
        return False  # of an older release


def _kind(config: Any) -> tuple:
    model, data = config["model_parameters"], config["dataset_parameters"]
    search = model["hp_max_evals"] is not None
    return (
        *(config["model_name"], model["input_shape"], model["batch_size"], data.get("loading") == "streaming"),
        *(bool(config["ensemble"]), search, bool(config["batch_job"]["request_gpus"])),
    )


def _as_much_data(before: Any, asked: Any, sizes: dict[str, int]) -> bool:
    limits = [config["dataset_parameters"]["max_samples"] for config in (before, asked)]
    if None in limits and limits != [None, None]:
        return False
    if limits != [None, None]:
        return _close(*limits)
    folders = [_folders(config) for config in (before, asked)]
    return folders[0] == folders[1] or _close(*(_bytes(each, sizes) for each in folders))


def _folders(config: Any) -> list[str]:
    keys = ("data_directories", "es_directories", "cc_directories")
    return [folder for key in keys for folder in config.get(key) or ()]


def _close(one: int, other: int) -> bool:
    return 0 < max(one, other) < SIZE_CLASS * min(one, other)


def _bytes(folders: list[str], sizes: dict[str, int]) -> int:
    """The size of the data files in the folders as far as they are seen from here."""
    for folder in folders:
        if folder not in sizes:
            files = (
                Path(place, name) for place, _, names in os.walk(folder) for name in names if name.endswith(".npz")
            )
            sizes[folder] = sum(file.stat().st_size for file in files if file.exists())
    return sum(sizes[folder] for folder in folders)
