"""Folders that test processes share: the first that needs one makes it, and compiles what simulates it, while others wait."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` as `make(folder)` fills it. No test changes it."""
    home = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # whose folder lies in that of all
        home = home.parent
    folder, unfinished = home / "made_once" / name, home / "unfinished" / name
    unfinished.parent.mkdir(exist_ok=True)
    folder.parent.mkdir(exist_ok=True)
    with open(home / "made_once.lock", "w") as lock:  # one for all, since they compile the same
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(unfinished)
            unfinished.rename(folder)
    return folder
