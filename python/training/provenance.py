"""What a run records of the machine, the software and the data that it was made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from python.config.differences import differences
from python.general_purpose_libs import PROJECT
from python.processes.cores import processor_cores
from python.training.device import cpu_name
from python.version import VERSION

PACKAGES = ("tensorflow", "tensorflow-cpu", "jax", "torch", "keras", "numpy", "scipy", "scikit-learn", "matplotlib")
COMMIT = "ML_POINTING_COMMIT"  # environment variable: the commit of a copy that is no checkout


def environment(device: str, seed: int) -> dict[str, Any]:
    """Versions, git commit, host, device and seed."""
    return {
        **software(),
        "host": socket.gethostname(),
        "system": platform.platform(),
        "device": device,
        "cores": processor_cores(),
        "seed": seed,
        "executable": sys.executable,
    }


@cache
def software() -> dict[str, Any]:
    """Versions, that of the project and of what it stands on, and git commit."""
    import keras

    return {
        "project": VERSION,
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "keras_backend": keras.backend.backend(),
        "git_commit": git_commit(),
    }


def surroundings() -> dict[str, Any]:
    """What the last digits of a training depend on, beside its configuration and its data."""
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS") or os.environ.get("OMP_NUM_THREADS") or str(processor_cores())
    return {**software(), "processor": cpu_name(), "threads": threads}


def other_surroundings(before: Mapping[str, Any]) -> list[str]:
    """A line for each of the `surroundings` that differs now; what is not known, then or now, is no difference."""
    now = surroundings()
    unknown = [name for name in {**before, **now} if not (before.get(name) and now.get(name))]
    return differences(before, now, ignored=unknown)


def git_commit() -> str | None:
    """The project's commit, marked "-changed" when tracked files but results differ from it.

    Outside a checkout it is what the machine that made the copy has said of it; None where nothing was said.
    """
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return os.environ.get(COMMIT)
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")
    return f"{commit}-changed" if changes else commit


def _git(*arguments: str) -> str | None:
    """What git says of the project's own checkout; not of one around it, nor of that which the caller's GIT_DIR names."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_CEILING_DIRECTORIES"] = str(PROJECT.parent)
    command = ["git", "-C", str(PROJECT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
