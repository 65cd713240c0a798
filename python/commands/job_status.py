"""job_status.sh: how the batch jobs of an output folder stand."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.config.format_version import read_configuration
from python.general_purpose_libs import ConfigError, read_json, run_command, start_logging
from python.runs.files import CONFIG_FILE, ENVIRONMENT_FILE, LOGS, MEMBERS
from python.runs.status import read_status
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.batch.progress import Progress
    from python.batch.standing import Standing

COLUMNS = ("job", "run", "state", "epoch", "best", "left", "host")
LOOK_AGAIN_S = 60
CLEAR_SCREEN = "\033[H\033[2J"
NEWS_FOR_S = 24 * 3600  # how long the end of a try is shown
OLD_NEWS_S = 300  # from when on the age of what was told last is said


@dataclass(frozen=True)
class Line:
    """What is shown of a job: a cell for each of COLUMNS, and lines that stand below them."""

    cells: tuple[str, ...]
    below: tuple[str, ...] = ()


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="job_status.sh",
        allow_abbrev=False,
        description="Show the batch jobs that are registered in an output folder and are not done: state, epoch, best value so "
        "far, the time that is left of the job's flavour, why a job is idle, held or has failed, how often it started, and what "
        "evictions cost. The registry is told. HTCondor is asked where it is there; else states are those of the jobs' logs and "
        "those that the runs wrote.",
        epilog="Exit codes: 0 shown, 2 no such folder or wrong usage, 5 registry not writable, 130 interrupted. "
        "example: ./scripts/job_status.sh -t mt_identifier --watch",
    )
    add = parser.add_argument
    add(
        "-o",
        "--output",
        type=named_path,
        metavar="DIR",
        default="output",
        help="output folder of the runs; default: output",
    )
    add("-t", "--task", choices=TASKS, help="jobs of this task only")
    add("--all", action="store_true", help="jobs that are done too")
    add(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=_seconds_between,
        const=LOOK_AGAIN_S,
        help="show them again and again, every minute if nothing else is said, until none waits or runs",
    )
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def _seconds_between(text: str) -> float:
    value = float(text)
    if not 1 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 1 on, not {text}")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    output = Path(options.output)
    if not output.is_dir():
        raise ConfigError(f"{output}: no such folder; give the output folder of the runs with -o")
    while True:
        lines, alive = _look(output, options)
        if options.watch and sys.stdout.isatty():
            print(CLEAR_SCREEN, end="")
        print("\n".join(lines), flush=True)
        if not options.watch or not alive:
            return 0
        time.sleep(options.watch)


def _look(output: Path, options: argparse.Namespace) -> tuple[list[str], bool]:
    """The lines to show, and whether any job waits or runs."""
    from python.runs.find import TRIES
    from python.runs.registry.registry import Registry

    entries = Registry(output).entries(options.task)
    lines, alive = _jobs(output, entries, options.all)
    if (output / TRIES / "registry").is_dir():
        tries = [entry for entry in Registry(output / TRIES).entries(options.task) if options.all or _is_news(entry)]
        tried, more_alive = _jobs(output / TRIES, tries, True, "try ")
        lines, alive = [*lines, *tried], alive or more_alive
    workers = list(_workers(output, entries))
    if not lines and not workers:
        jobs = sum("job" in entry for entry in entries)
        done = f"; {jobs} are done, which --all shows" if jobs else ""
        return [f"no jobs{' of ' + options.task if options.task else ''} wait or run in {output}{done}"], alive
    return list(_table([*lines, *workers])), alive or bool(workers)


def _jobs(output: Path, entries: list[dict[str, Any]], done_too: bool, title: str = "") -> tuple[list[Line], bool]:
    """A line for each job of the entries, and whether any waits or runs."""
    from python.batch.refresh import need_refreshing, refresh_jobs
    from python.runs.registry.registry import Registry

    jobs = [entry for entry in entries if entry.get("job")]
    found = refresh_jobs(Registry(output), jobs if done_too else need_refreshing(jobs))
    shown = [(entry, standing) for entry, standing in found if done_too or entry.get("state") != "done"]
    alive = any(standing.is_alive for _, standing in found)
    return [_line(output, entry, standing, title) for entry, standing in shown], alive


def _is_news(entry: dict[str, Any]) -> bool:
    """Whether a try has not ended for a day."""
    return time.time() - (_seconds(entry.get("ended")) or time.time()) < NEWS_FOR_S


def _table(lines: Sequence[Line]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(COLUMNS, *(line.cells for line in lines), strict=True)]
    for line in (Line(COLUMNS), *lines):
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(line.cells, widths, strict=True)).rstrip()
        yield from (f"    {below}" for below in line.below if below)


# ---------------------------------------------------------------------------- a job
def _line(output: Path, entry: dict[str, Any], standing: Standing, title: str = "") -> Line:
    from python.batch.standing import RUNNING

    folder = output / entry["folder"]
    status = _status(folder)
    state, reason = _state(folder, entry, status, standing)
    host, since = "", None
    if state in RUNNING:
        told = status if status.get("state") == "running" else {}
        host = standing.host or told.get("host", "")
        since = standing.since or _seconds(told.get("started"))
    epoch, best, age = _progress(folder, status, standing.progress)
    left = _left(entry.get("flavour"), since)
    if title and state == "done":
        state, reason = "passed", _tried(folder, standing)
    below = (reason, _counts(standing), standing.costs, age if state in RUNNING else "")
    return Line(
        (standing.job, f"{title}{entry['run']}", state, epoch or str(entry.get("epochs", "")), best, left, host), below
    )


def _state(folder: Path, entry: dict[str, Any], status: dict[str, Any], standing: Standing) -> tuple[str, str]:
    """The state of a job and what there is to say of it."""
    from python.batch.standing import GONE, REMOVED

    state = str(entry.get("state", ""))
    if state == "done":
        return state, ""
    if standing.is_alive:
        return standing.state, standing.reason
    if standing.state == GONE and status.get("state") == "submitted":
        return GONE, f"it is not in the queue and never began; see {folder / LOGS}"
    if standing.state == REMOVED:
        return REMOVED, standing.reason
    return state, str(entry.get("message") or status.get("message", ""))


def _tried(folder: Path, standing: Standing) -> str:
    """What a try that ended well has shown."""
    try:
        environment = read_json(folder / ENVIRONMENT_FILE)
    except ConfigError:
        environment = {}
    told = [f"trained on {environment['device']}"] if "device" in environment else []
    told += [f"on {environment['host']}"] if "host" in environment else []
    used = [f"{standing.memory_mb / 1024:.1f} GB of memory"] if standing.memory_mb else []
    return ", ".join([" ".join(told), *used])


def _counts(standing: Standing) -> str:
    """How many jobs of several are in which state."""
    return ", ".join(f"{count} {state}" for state, count in standing.counts)


def _status(folder: Path) -> dict[str, Any]:
    try:
        return read_status(folder)
    except ConfigError:
        return {}


def _progress(folder: Path, status: dict[str, Any], told: Progress | None) -> tuple[str, str, str]:
    """Epoch, best value, and how old that is where it is old: from the run's folder, or what the training told the queue."""
    heard = _seconds(status.get("heartbeat")) or 0.0
    if told is not None and told.when > heard:
        status = {"epoch": told.epoch, "epochs": told.epochs, "best": {"name": told.name, "value": told.best}}
        heard = told.when
    silent = time.time() - heard
    carried = read_setting(folder, "batch_job", "file_transfer")
    age = ""
    if carried and "epoch" in status and silent > OLD_NEWS_S:
        age = f"epoch and best value as of {datetime.fromtimestamp(heard, UTC):%Y-%m-%d %H:%M} UTC"
    elif carried and "epoch" not in status:
        age = "its node does not see this folder; epoch and best value come with the pool's reports, every quarter of an hour"
    return _epoch(folder, status), _best(status), age


def _epoch(folder: Path, status: dict[str, Any]) -> str:
    """The epoch that was reached, of how many; of an ensemble, the members that are done."""
    members = sorted((folder / MEMBERS).glob("[0-9][0-9]*"))
    if members and "epoch" not in status:
        done = sum(_status(member).get("state") == "done" for member in members)
        return f"{done} of {read_setting(folder, 'ensemble', 'members') or len(members)} members"
    if "epoch" not in status:
        return ""
    return f"{status['epoch']}/{status['epochs']}" if "epochs" in status else str(status["epoch"])


def read_setting(folder: Path, section: str, key: str) -> Any:
    """A value of the run's configuration; None where there is none."""
    try:
        return read_configuration(folder / CONFIG_FILE)[section][key]
    except (ConfigError, KeyError, TypeError):
        return None


def _best(status: dict[str, Any]) -> str:
    best = status.get("best") or {}
    return f"{best['name']} {best['value']:.4g}" if best.get("value") is not None else ""


def _seconds(moment: str | None) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None


def _left(flavour: str | None, since: float | None) -> str:
    """Hours and minutes until the flavour's time is over for a job that runs `since` (s, Unix)."""
    from python.batch.queue import in_words
    from python.batch.resources import MINUTES_OF_FLAVOUR

    if since is None or flavour not in MINUTES_OF_FLAVOUR:
        return ""
    left = 60 * (MINUTES_OF_FLAVOUR[flavour] - int(time.time() - since) // 60)
    return in_words(left) if left > 0 else "over"


# ---------------------------------------------------------------------------- workers of searches
def _workers(output: Path, entries: Sequence[dict[str, Any]]) -> Iterator[Line]:
    """A line for the workers of each search that runs and has them from a batch system."""
    from python.batch.queue import queued_jobs
    from python.batch.systems import SYSTEMS, WORKERS, is_queued

    found = {}
    for entry in entries:
        if entry.get("state") == "running":
            file = output / entry["folder"] / "search" / WORKERS
            if file.exists():
                found[entry["run"]] = read_json(file)
    asked = queued_jobs(each["job"] for each in found.values() if each["system"] == "htcondor") or {}
    for run, each in found.items():
        job, system = each["job"], SYSTEMS[each["system"]]
        queued = asked.get(job)
        below: tuple[str, ...] = ()
        if queued is None:
            known = each["system"] == "slurm" and is_queued(system, job)
            state = "queued" if known else "not known"
        else:
            counts = ", ".join(f"{count} {state}" for state, count in queued.counts)
            state, below = queued.state, (counts, queued.reason)
        yield Line((job, f"{run}, {each['workers']} workers", state, "", "", "", queued.host if queued else ""), below)


if __name__ == "__main__":
    sys.exit(run_command(main))
