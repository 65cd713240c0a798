"""The declarations of the tasks, by their names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from python.tasks import TASKS

if TYPE_CHECKING:
    from python.config.task_schema import TaskSchema
    from python.training.task import Task


def load_schema(name: str) -> TaskSchema:
    """What configurations of the task `name`, one of TASKS, may say; cheap to load."""
    return importlib.import_module(f"{name}.schema").SCHEMA


def of_today(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """A configuration that a run of the task `name` has kept, without the keys that the task no longer has."""
    from python.config.legacy.retired import without_retired

    return without_retired(config, load_schema(name)) if name in TASKS else config


def load_task(name: str) -> Task:
    """The whole declaration of the task `name`, one of TASKS."""
    return importlib.import_module(f"{name}.main").TASK
