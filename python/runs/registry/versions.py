"""Which run a version belongs to: a file for each version of a task, made only where there is none."""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from datetime import datetime
from pathlib import Path

from python.general_purpose_libs import ConfigError, writing_to
from python.runs.registry.names import version_name

UNKNOWN = ""  # holder of a version whose file does not say it: its process was killed in between
_LONGEST_WRITING_S = 1.0


class Versions:
    """The versions of one task, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def holder(self, version: str) -> str | None:
        """The id of the run that claimed the version; None when nobody did, UNKNOWN when it is not known who."""
        deadline = time.monotonic() + _LONGEST_WRITING_S
        while True:
            try:
                claim = json.loads(self._path(version).read_text(encoding="utf-8"))
            except FileNotFoundError:
                return None
            except (OSError, ValueError):
                claim = None
            if isinstance(claim, dict) and isinstance(claim.get("run"), str):
                return claim["run"]
            if time.monotonic() > deadline:
                return UNKNOWN
            time.sleep(0.02)

    def claim(self, version: str, run: str) -> str | None:
        """Make the version the run's own where it is free; return the `holder` that it has now. Raises OutputError."""
        path = self._path(version)
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                return self.holder(version)
            try:
                with open(made, "w", encoding="utf-8") as file:
                    json.dump({"version": version, "run": run}, file)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return run

    def make_up(self, run: str) -> str:
        """Claim and return the next version of today: the date and a counter from 1. Raises OutputError."""
        day = f"{datetime.now():%Y%m%d}"
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            counters = [re.fullmatch(rf"{day}_(\d{{1,5}})", path.name) for path in self.folder.iterdir()]
        last = max((int(counter[1]) for counter in counters if counter), default=0)
        return next(v for n in itertools.count(last + 1) if self.claim(v := f"{day}_{n}", run) == run)

    def _path(self, version: str) -> Path:
        if not version:
            raise ConfigError('version: must be some text, not ""; leave it out to have one made up')
        return self.folder / version_name(version)
