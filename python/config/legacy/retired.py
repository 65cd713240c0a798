"""Keys that a task no longer has: configurations of older versions say of them what is always so now."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from python.config.problems import Path, Problem, shown
from python.config.task_schema import TaskSchema


def without_retired(raw: Any, task: TaskSchema) -> Any:
    """A copy of a configuration as it stands in a file, without the keys that say nothing any more."""
    kept = copy.deepcopy(raw)
    for path, always in task.older.retired.items():
        section = _section(kept, path)
        if path[-1] in section and section[path[-1]] == always:
            del section[path[-1]]
    return kept


def retired_problems(raw: Any, task: TaskSchema) -> Iterator[Problem]:
    """The retired keys that say something else."""
    for path, always in task.older.retired.items():
        section = _section(raw, path)
        if path[-1] in section and section[path[-1]] != always:
            said = shown(section[path[-1]])
            yield Problem(path, f"must be {shown(always)}, as it always is for {task.name}, not {said}; leave it out")


def _section(raw: Any, path: Path) -> dict[Any, Any]:
    """The section that the key at `path` stands in, {} where there is none."""
    for key in path[:-1]:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}
