"""Run folders that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from python.config.format_version import read_configuration
from python.general_purpose_libs import ConfigError, read_json
from python.runs.files import CONFIG_FILE, EVALUATION_FILE, METRICS_FILE, STATUS_FILE
from python.runs.older import older_run
from python.runs.status import read_status
from python.tasks import TASKS


def task_of_run(run: Path) -> str | None:
    """The task that the run, or what evaluate.sh left, says it is of. Raises ConfigError for any other folder."""
    if (older := older_run(run)) is not None:
        raise ConfigError(
            f"{run}: is a run of older code, which predict.sh and evaluate.sh ask; for a comparison let evaluate.sh -m "
            f"{older.network} -t TASK -d DIR -o FOLDER judge it by the same data as the others, and give the new folders"
        )
    if not run.is_dir():
        raise ConfigError(f"{run}: no such folder; give the folder that a training printed")
    needed = (CONFIG_FILE,) if _is_evaluation(run) else (STATUS_FILE, CONFIG_FILE)
    missing = [name for name in needed if not (run / name).is_file()]
    if missing:
        raise ConfigError(f"{run}: is no run folder, it has no {missing[0]}; give the folder that a training printed")
    return configuration_of_run(run).get("task")


def task_of_finished_run(run: Path, expected: str | None = None) -> str:
    """The task of the run, which is done, or of the shipped network in the folder: one of TASKS, or the `expected` one.

    Raises ConfigError otherwise.
    """
    shipped = all((run / name).is_file() for name in (CONFIG_FILE, METRICS_FILE)) and not (run / STATUS_FILE).exists()
    task = configuration_of_run(run).get("task") if shipped else task_of_run(run)
    if task not in TASKS:
        raise ConfigError(f"{run / CONFIG_FILE}: task is {task!r}, not one of {', '.join(TASKS)}")
    if expected not in (None, task):
        raise ConfigError(f"{run}: is of {task}, not of {expected}; name a network of that task")
    if not shipped:
        require_done(run, task)
    return task


def configuration_of_run(run: Path, name: str = CONFIG_FILE) -> dict[str, Any]:
    """A run's configuration in today's format. Raises ConfigError when it is missing, damaged or of a later one."""
    return _object(read_configuration(run / name), run / name)


def read_object(path: Path) -> dict[str, Any]:
    """The content of a JSON file of a run. Raises ConfigError when it is missing, damaged or no object."""
    return _object(read_json(path), path)


def _object(content: Any, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: does not hold what a training writes; leave the run out")
    return content


def require_done(run: Path, task: str, otherwise: str = "") -> None:
    """Raise ConfigError when the run is not done; `otherwise` ends the remedy. What evaluate.sh leaves is done."""
    if _is_evaluation(run):
        return
    state = read_status(run)["state"]
    if state != "done":
        remedy = "wait for it" if state == "running" else f"finish it with train_{task}.sh --resume {run}"
        raise ConfigError(f"{run}: the run is {state}, not done; {remedy}{otherwise}")


def _is_evaluation(folder: Path) -> bool:
    return (folder / EVALUATION_FILE).is_file()


def require_different(folders: Sequence[Path]) -> None:
    """Raise ConfigError when two of the folders, which exist, are one."""
    for number, folder in enumerate(folders):
        if any(folder.samefile(other) for other in folders[:number]):
            raise ConfigError(f"{folder}: is named twice; name each run once")


def run_names(folders: Sequence[Path], given: Sequence[str] | None = None) -> list[str]:
    """As given, else versions, with the folder's name, or its whole path, where that does not tell the runs apart.

    Raises ConfigError when the names given are too few, too many, or not all different.
    """
    if given is None:
        configs = [configuration_of_run(folder) for folder in folders]
        names = [str(config.get("version") or config.get("model_name")) for config in configs]
        stamped = [f"{name} {folder.name}" for name, folder in zip(names, folders, strict=True)]
        for longer in (stamped, list(map(str, folders))):
            names = [more if names.count(name) > 1 else name for name, more in zip(tuple(names), longer, strict=True)]
        return names
    if len(given) != len(folders):
        raise ConfigError(f"{len(given)} names for {len(folders)} runs; give one for each, in the order of the runs")
    if len(set(given)) != len(given):
        raise ConfigError("two runs are given the same name; give each its own")
    return list(given)
