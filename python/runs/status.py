"""Run folders while they live: a new one, and a status in it that is true."""

from __future__ import annotations

import contextlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from python.general_purpose_libs import ConfigError, OutputError, read_json, utc_now, write_json, writing_to
from python.processes.alive import lives, this_process
from python.runs.files import STATUS_FILE


def new_run_folder(output: str | os.PathLike, *parts: str, now: datetime | None = None) -> Path:
    """Make and return OUTPUT/part/.../YYYYMMDD_HHMMSS[_n]; never an existing folder, also when two jobs start at once."""
    parent = Path(output, *parts)
    stamp = (now or datetime.now()).strftime("%Y%m%d_%H%M%S")
    with writing_to(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for n in range(1000):
            folder = parent / (stamp if n == 0 else f"{stamp}_{n}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    raise OutputError(f"{parent}: a thousand runs started in this second; start again")


def require_folder(folder: Path) -> None:
    """Raise OutputError when a run's folder has vanished: what is written there again would look like a run and be none."""
    if not folder.is_dir():
        raise OutputError(f"{folder}: the folder of the run has vanished; start anew, in a folder that stays")


class RunStatus:
    """Keeps RUN/status.json true while a run lives: its state, process (`processes.this_process`) and a heartbeat.

    Used as a context: "running" inside; "done" after a clean end, "interrupted" after Ctrl-C or a request to stop, "failed"
    after any other error, with its text. A process that is killed cannot write; `read_status` tells by the heartbeat.
    """

    HEARTBEAT_S = 20.0

    def __init__(self, folder: str | os.PathLike, **facts: Any) -> None:
        self.path = Path(folder) / STATUS_FILE
        self._facts = {**this_process(), "started": utc_now(), **facts}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def update(self, state: str = "running", **facts: Any) -> None:
        """Write the status, with more `facts` from now on. OutputError when it cannot be written or the folder has vanished."""
        require_folder(self.path.parent)
        with self._lock:
            self._facts.update(facts)
            write_json(self.path, {"state": state, "heartbeat": utc_now(), **self._facts})

    def _beat(self) -> None:
        while not self._ended.wait(self.HEARTBEAT_S):
            with contextlib.suppress(OutputError):  # the run itself will meet the full disk and say so
                self.update()

    def __enter__(self) -> RunStatus:
        self.update()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self._ended.set()
        self._thread.join()
        if error is None:
            self.update("done")
            return
        state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        with contextlib.suppress(OutputError):
            self.update(state, message=str(error) or type(error).__name__)


def read_status(folder: str | os.PathLike) -> dict[str, Any]:
    """Return the content of RUN/status.json; a run that says "running" but whose process is gone reads "interrupted"."""
    path = Path(folder) / STATUS_FILE
    status = read_json(path)
    told = set(status) if isinstance(status, dict) else set()
    if "state" not in told or (status["state"] == "running" and not {"heartbeat", "host", "pid"} <= told):
        raise ConfigError(f"{path}: does not say how the run stands; is {folder} a run folder as a training left it?")
    if status["state"] == "running":
        silent = (datetime.now(UTC) - datetime.fromisoformat(status["heartbeat"])).total_seconds()
        if silent > 10 * RunStatus.HEARTBEAT_S or lives(status) is False:
            status["state"] = "interrupted"
    return status
