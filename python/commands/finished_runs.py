"""Run folders that a command line names."""

from __future__ import annotations

from pathlib import Path

from python.general_purpose_libs import ConfigError, read_json, read_status


def task_of_run(run: Path) -> str | None:
    """The task that the run in the folder says it is of. Raises ConfigError when the folder is no run's."""
    if not run.is_dir():
        raise ConfigError(f"{run}: no such folder; give the folder that a training printed")
    missing = [name for name in ("status.json", "config.json") if not (run / name).is_file()]
    if missing:
        raise ConfigError(f"{run}: is no run folder, it has no {missing[0]}; give the folder that a training printed")
    return read_json(run / "config.json").get("task")


def require_done(run: Path, task: str, otherwise: str = "") -> None:
    """Raise ConfigError when the run is not done; `otherwise` ends the remedy."""
    state = read_status(run)["state"]
    if state != "done":
        remedy = "wait for it" if state == "running" else f"finish it with train_{task}.sh --resume {run}"
        raise ConfigError(f"{run}: the run is {state}, not done; {remedy}{otherwise}")
