"""The tasks that there are, and what each says of itself in its package; needs the standard library only, as help does."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Literal

TASKS = ("mt_identifier", "channel_tagging", "electron_direction")


@dataclass(frozen=True)
class About:
    """What a task is about, in words, and what its networks answer with.

    `training` is what its launcher does; `title`, `goal` and `measure` stand in the registry's page. Of a finished run `metric`
    tells most.
    """

    training: str
    title: str
    goal: str
    measure: str
    answers: Literal["classes", "directions"]
    metric: str


def about(task: str) -> About:
    """What the task of this name, one of TASKS, says of itself."""
    return importlib.import_module(task).ABOUT
