"""The processor cores that a process may use."""

from __future__ import annotations

import os


def processor_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_cores(most: int) -> None:
    """Let this process, and what it starts, use so many processor cores at most, where the system can be told so."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:most])
