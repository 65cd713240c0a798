"""What a batch node is told of the machine that submitted: the environment in which a job runs."""

from __future__ import annotations

import os
import shlex

from python.batch.resources import THREAD_SETTINGS
from python.config.schema import BatchJob

# what makes a job's Python the same as the submitting one's; the rest of the environment belongs to the batch node
INHERITED = (
    "PATH",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONNOUSERSITE",
    "VIRTUAL_ENV",
    "LCG_VERSION",
    "ML_POINTING_ENV",
    "ML_POINTING_VENV",
)
# what holds on any machine
CHOSEN = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_CPU_ALLOCATOR_USE_BFC", "MPLBACKEND")


def exports(batch: BatchJob, *, same_python: bool, **more: str) -> list[str]:
    """The lines of a shell script that set the environment of a job; with this process's Python where that is wanted."""
    names = (*INHERITED, *CHOSEN) if same_python else CHOSEN
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment |= dict.fromkeys(THREAD_SETTINGS, str(batch.request_cpus)) | more
    return [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
