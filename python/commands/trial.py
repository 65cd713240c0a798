"""The process of one trial of a hyperparameter search, as `run_trial_process` of python/training/trial.py starts it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from python.commands.tasks import load_task
from python.general_purpose_libs import read_json, run_command, start_logging, write_json
from python.training.search.trial import JOB, RESULT, end_with_parent, limit_memory, run_trial


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m python.commands.trial",
        description="Train one trial of a hyperparameter search and write its result beside its job. "
        "A search starts this itself; it ends when its standard input does.",
    )
    result.add_argument("folder", type=Path, metavar="DIR", help=f"folder that holds {JOB} and takes {RESULT}")
    result.add_argument("--parent", type=int, required=True, metavar="PID", help="process to end with")
    result.add_argument("--memory-limit", type=int, metavar="BYTES", help="memory that may be allocated")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    end_with_parent(arguments.parent)
    if arguments.memory_limit is not None:
        limit_memory(arguments.memory_limit)
    start_logging()
    job = read_json(arguments.folder / JOB)
    write_json(arguments.folder / RESULT, run_trial(load_task(job["task"]), job))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
