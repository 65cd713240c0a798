"""Where the runs of an output folder are."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path

from python.general_purpose_libs import ConfigError, log
from python.runs.files import CONFIG_FILE, STATUS_FILE

TRIES = "tries"  # in an output folder: runs that only try out whether a job would work
FILES_OF_A_RUN = {CONFIG_FILE, STATUS_FILE}
_STAMP = re.compile(r"(\d{8}_\d{6})(?:_(\d+))?")


def find_runs(output: str | os.PathLike, task: str | None = None) -> list[Path]:
    """Return the run folders in `output` and anywhere below, of one task or of all, oldest first.

    A run folder holds config.json and status.json; what lies within one (members of an ensemble, trials) is no run of its own,
    and what lies in TRIES is left out. Linked folders are searched too. Raises ConfigError when `output` is no folder.
    """
    if not Path(output).is_dir():
        raise ConfigError(f"{output}: no such folder; give the output folder of the trainings")
    runs, seen = [], set()
    for place, folders, files in os.walk(Path(output), followlinks=True, onerror=_not_searched):
        where = Path(place).stat()
        run = FILES_OF_A_RUN.issubset(files)
        if run and (where.st_dev, where.st_ino) not in seen:
            runs.append(Path(place))
        if Path(place) == Path(output) and TRIES in folders:
            folders.remove(TRIES)
        if run or (where.st_dev, where.st_ino) in seen:  # a link may lead back
            folders.clear()
        seen.add((where.st_dev, where.st_ino))
        folders.sort()
    return sorted((run for run in runs if task in (None, _task_of(run))), key=_age)


def _not_searched(error: OSError) -> None:
    log.warning("%s cannot be searched for runs (%s)", error.filename, error.strerror)


def _task_of(run: Path) -> str | None:
    try:
        config = json.loads((run / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return config.get("task") if isinstance(config, dict) else None


def _age(run: Path) -> tuple[str, int, str]:
    """When the run's folder was made: its name says it, else its configuration's date does."""
    if named := _STAMP.fullmatch(run.name):
        return named[1], int(named[2] or 0), str(run)
    written = datetime.fromtimestamp((run / CONFIG_FILE).stat().st_mtime)
    return written.strftime("%Y%m%d_%H%M%S"), 0, str(run)
