"""The tasks that there are, by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python.config.task_schema import TaskSchema
    from python.training.task import Task

TASKS = ("mt_identifier", "channel_tagging", "electron_direction")


def load_schema(name: str) -> TaskSchema:
    """What configurations of the task `name`, one of TASKS, may say; cheap to load."""
    return importlib.import_module(f"{name}.schema").SCHEMA


def load_task(name: str) -> Task:
    """The whole declaration of the task `name`, one of TASKS."""
    return importlib.import_module(f"{name}.main").TASK
