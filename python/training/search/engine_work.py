"""What happens to a trial at the place where it runs, whichever that is."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from python.general_purpose_libs import log, make_folder, writing_to

Job = dict[str, Any]
Result = dict[str, Any]
Run = Callable[[Job, Path], Result]


def private_folder(parent: Path, kind: str) -> Path:
    """Make and return a new folder in `parent` that nobody else can read. OutputError: it cannot be made."""
    with writing_to(parent):
        make_folder(parent)
        return Path(tempfile.mkdtemp(dir=parent.resolve(), prefix=f"{kind}_"))


def result_of(run: Run, job: Job, folder: Path) -> Result:
    """Run the trial `job` and return its result, a failed one where `run` raises an error."""
    started = time.monotonic()
    try:
        return run(job, folder)
    except Exception as error:  # noqa: BLE001 (whatever breaks a trial off is its result)
        log.debug("trial %d", job["number"], exc_info=True)
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        return failed_result(job, reason, time.monotonic() - started)


def failed_result(job: Job, reason: str, seconds: float) -> Result:
    """The result of a trial of which nothing is known but that it broke off."""
    return {
        "number": job["number"],
        "status": "failed",
        "metric": None,
        "loss": None,
        "reason": reason,
        "epochs": 0,
        "best_epoch": 0,
        "seconds": round(seconds, 3),
        "memory_mb": 0,
        "curve": [],
    }
