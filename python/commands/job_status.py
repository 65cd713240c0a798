"""job_status.sh: how the batch jobs of an output folder stand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.places import named_place
from python.commands.tasks import TASKS
from python.general_purpose_libs import ConfigError, read_json, read_status, run_command, start_logging

if TYPE_CHECKING:
    from python.batch.queue import Queued

COLUMNS = ("job", "run", "state", "epoch", "best", "left", "host")
RUNNING = ("running", "transferring output")


@dataclass(frozen=True)
class Line:
    """What is shown of a job: a cell for each of COLUMNS, and what stands below them."""

    cells: tuple[str, ...]
    below: str


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="job_status.sh",
        allow_abbrev=False,
        description="Show the batch jobs that are registered in an output folder and are not done: state, epoch, best value so "
        "far, and the time that is left of the job's flavour. HTCondor is asked where it is there; else states are those that "
        "the runs wrote.",
        epilog="Exit codes: 0 shown, 2 no such folder or wrong usage. example: ./scripts/job_status.sh -t mt_identifier --all",
    )
    add = parser.add_argument
    add(
        "-o",
        "--output",
        type=named_place,
        metavar="DIR",
        default="output",
        help="output folder of the runs; default: output",
    )
    add("-t", "--task", choices=TASKS, help="jobs of this task only")
    add("--all", action="store_true", help="jobs that are done too")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    output = Path(options.output)
    if not output.is_dir():
        raise ConfigError(f"{output}: no such folder; give the output folder of the runs with -o")
    from python.batch.queue import queued_jobs
    from python.reporting.registry import Registry

    jobs = [entry for entry in Registry(output).entries(options.task) if entry.get("job")]
    queued = queued_jobs(entry["job"] for entry in jobs if entry.get("state") != "done")
    lines = [_line(output, entry, queued) for entry in jobs if options.all or entry.get("state") != "done"]
    if not lines:
        done = f"; {len(jobs)} are done, which --all shows" if jobs else ""
        print(f"no jobs{' of ' + options.task if options.task else ''} wait or run in {output}{done}")
        return 0
    widths = [max(map(len, column)) for column in zip(COLUMNS, *(line.cells for line in lines), strict=True)]
    for line in (Line(COLUMNS, ""), *lines):
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line.cells, widths, strict=True)).rstrip())
        if line.below:
            print(f"    {line.below}")
    return 0


def _line(output: Path, entry: dict[str, Any], queued: dict[str, Queued] | None) -> Line:
    folder, job = output / entry["folder"], str(entry["job"])
    in_queue = (queued or {}).get(job)
    status = _status(folder)
    state, below = _state(entry, status, in_queue, known=queued is not None)
    host, since = "", None
    if state in RUNNING:
        told = status if status.get("state") == "running" else {}
        host = (in_queue and in_queue.host) or told.get("host", "")
        since = (in_queue and in_queue.since) or _seconds(told.get("started"))
    left = _left(entry.get("flavour"), since)
    epoch = _epoch(folder, status) or str(entry.get("epochs", ""))
    return Line((job, entry["run"], state, epoch, _best(status), left, host), below)


def _state(entry: dict[str, Any], status: dict[str, Any], in_queue: Queued | None, known: bool) -> tuple[str, str]:
    """The state of a job and what there is to say of it; `known`: the queue was asked."""
    state = str(entry.get("state", ""))
    if state == "done":
        return state, ""
    if in_queue is not None:
        return in_queue.state, in_queue.reason
    if state == "submitted" and known:
        return "gone", f"it is not in the queue and never began; see {entry['folder']}/logs"
    return state, str(entry.get("message") or status.get("message", ""))


def _status(folder: Path) -> dict[str, Any]:
    try:
        return read_status(folder)
    except ConfigError:
        return {}


def _epoch(folder: Path, status: dict[str, Any]) -> str:
    """The epoch that was reached, of how many; of an ensemble, the members that are done."""
    members = sorted((folder / "members").glob("[0-9][0-9]*"))
    if members and "epoch" not in status:
        done = sum(_status(member).get("state") == "done" for member in members)
        return f"{done} of {_asked(folder, len(members))} members"
    if "epoch" not in status:
        return ""
    return f"{status['epoch']}/{status['epochs']}" if "epochs" in status else str(status["epoch"])


def _asked(folder: Path, begun: int) -> int:
    try:
        return read_json(folder / "config.json")["ensemble"]["members"]
    except (ConfigError, KeyError, TypeError):
        return begun


def _best(status: dict[str, Any]) -> str:
    best = status.get("best") or {}
    return f"{best['name']} {best['value']:.4g}" if best.get("value") is not None else ""


def _seconds(moment: str | None) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None


def _left(flavour: str | None, since: float | None) -> str:
    """Hours and minutes until the flavour's time is over for a job that runs `since` (s, Unix)."""
    from python.batch.resources import MINUTES_OF_FLAVOUR

    if since is None or flavour not in MINUTES_OF_FLAVOUR:
        return ""
    minutes = MINUTES_OF_FLAVOUR[flavour] - int(datetime.now().timestamp() - since) // 60
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes > 0 else "over"


if __name__ == "__main__":
    sys.exit(run_command(main))
