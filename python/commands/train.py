"""train_<task>.sh: train the networks of a task. The task's name is the first argument, given by the launcher."""

from __future__ import annotations

import argparse
import json
import sys

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.tasks import load_task
from python.general_purpose_libs import PROJECT, StopRequested, Terminated, run_command
from python.tasks import about

SCHEMAS = PROJECT / "json" / "schema"

EXIT_CODES = """exit codes:
  0 done   1 not here and now   2 configuration or usage   3 data   4 training failed   5 output not writable
  85 checkpointed, start again with --resume   130 interrupted   143 SIGTERM where --stop-after is given, else 85"""


def training_parser(task: str) -> CommandParser:
    """Return the parser of `scripts/train_<task>.sh`."""
    parser = CommandParser(
        prog=f"train_{task}.sh",
        description=f"{about(task).training} The last line of standard output is the folder of the run.",
        epilog=f"{_configuration_keys(task)}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-j", "--json", metavar="FILE", help="configuration (required unless a run is named)")
    parser.add_argument(
        "-o", "--output", type=named_path, metavar="DIR", help="output folder instead of the configuration's"
    )
    parser.add_argument("-d", "--data", metavar="DIR", nargs="+", help="data folders instead of the configuration's")
    parser.add_argument("--plane", choices=("U", "V", "X"), help="wire plane instead of the configuration's")
    parser.add_argument("--max-samples", metavar="N", type=int, help="use at most N images, chosen at random")
    parser.add_argument(
        "--set",
        metavar="KEY.PATH=VALUE",
        nargs="+",
        action="extend",
        default=[],
        dest="overrides",
        help="change values of the configuration, each read as JSON, else as text; null switches a section off",
    )
    parser.add_argument(
        "--resume", metavar="RUN", help="go on with an interrupted run in its own folder, or begin a prepared one"
    )
    parser.add_argument(
        "--continue-from",
        metavar="RUN",
        help="start a new run from the weights of RUN; without -j with its configuration",
    )
    parser.add_argument(
        "--stop-after",
        metavar="MIN",
        type=_minutes,
        help="write a checkpoint and end with exit code 85 after so many minutes",
    )
    parser.add_argument(
        "--member", metavar="K", type=int, help="with --resume: train member K of the run's ensemble only, from 1"
    )
    parser.add_argument("--skip-bad-files", action="store_true", help="leave broken data files out and count them")
    parser.add_argument("--force-version", action="store_true", help="accept a version that a run already has")
    parser.add_argument("--dry-run", action="store_true", help="show configuration, data and network; train nothing")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    return parser


def _minutes(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of minutes above 0, not {text}")
    return value


def _configuration_keys(task: str) -> str:
    """The keys of the configuration with their defaults, from the generated JSON schema."""
    path = SCHEMAS / f"{task}.schema.json"
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return ""
    lines = [f"keys of the configuration (all of them, with types and ranges: json/schema/{task}.md):"]
    for key, value in schema.get("properties", {}).items():
        if key != "$schema":
            lines.append(f"  {key:20} {value.get('description', '')}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    task, *arguments = sys.argv[1:] if argv is None else argv
    parser = training_parser(task)
    options = parser.parse_args(arguments)
    if options.resume and options.continue_from:
        parser.error("--resume goes on in the folder of a run, --continue-from starts a new one; give one of the two")
    if not (options.json or options.resume or options.continue_from):
        parser.error("give a configuration with -j FILE (examples stand in json/), or a run to go on with --resume RUN")
    from python.training.request import TrainingRequest
    from python.training.run import train_from_command_line  # after -h, which needs the standard library only

    return train_from_command_line(load_task(task), TrainingRequest.of(options))


if __name__ == "__main__":
    timed = any(argument.startswith("--stop-after") for argument in sys.argv)  # see processes/stop_requests.py
    stopped = (Terminated if timed else StopRequested)("asked to stop (SIGTERM); start again")
    raise SystemExit(run_command(main, stopped))
