"""Runs a command that must not outlive a search: it and all that it started are killed when the search is gone.

    python -m python.training.search.ends_with_parent --parent PID -- COMMAND...         while this process's parent is PID
    python -m python.training.search.ends_with_parent --controller FILE -- COMMAND...    while the controller of FILE answers

The first form is for processes on the search's own machine, the second for batch nodes. ipyparallel starts its processes
in sessions of their own, so no signal of the terminal and no end of their parent reaches them.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

LOOK_EVERY_S = 0.2
ASK_CONTROLLER_EVERY_S = 10.0
UNANSWERED_AT_MOST = 3
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code, 1 where it had to be killed."""
    kind, name, separator, *command = arguments
    if separator != "--" or kind not in ("--parent", "--controller"):
        raise SystemExit(__doc__)
    needed = parent_lives(int(name)) if kind == "--parent" else controller_answers(Path(name))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)  # what loses its parent below here becomes our child and can be found
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        process = subprocess.Popen(command, preexec_fn=_die_with_parent)
        while process.poll() is None:
            if not needed():
                return 1
            time.sleep(LOOK_EVERY_S)
        return process.returncode
    finally:
        _kill_descendants()


def parent_lives(pid: int) -> Callable[[], bool]:
    """Return a question: is `pid` still the parent of this process?"""
    return lambda: os.getppid() == pid


def controller_answers(connection_file: Path) -> Callable[[], bool]:
    """Return a question: has the controller of ipyparallel's `connection_file` answered lately?

    It is asked for a connection to its port every `ASK_CONTROLLER_EVERY_S`, so a short break of the network does no harm.
    """
    asked, unanswered = -ASK_CONTROLLER_EVERY_S, 0

    def answered_lately() -> bool:
        nonlocal asked, unanswered
        if time.monotonic() - asked < ASK_CONTROLLER_EVERY_S:
            return True
        try:
            controller = json.loads(connection_file.read_text())
            address = controller["interface"].removeprefix("tcp://")
            socket.create_connection((address, controller["registration"]), timeout=5).close()
            unanswered = 0
        except FileNotFoundError:  # the search has taken its files away
            return False
        except OSError:
            unanswered += 1
        asked = time.monotonic()
        return unanswered < UNANSWERED_AT_MOST

    return answered_lately


def _die_with_parent() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _kill_descendants() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    while alive := psutil.Process().children(recursive=True):
        for process in alive:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(alive, timeout=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
