"""validate_config.sh: is a configuration right?"""

from __future__ import annotations

from typing import Any

from python.commands.parser import CommandParser
from python.commands.tasks import load_schema
from python.config.format_version import read_configuration
from python.general_purpose_libs import ConfigError, run_command
from python.tasks import TASKS


def parser() -> CommandParser:
    result = CommandParser(
        prog="validate_config.sh",
        description="Check a configuration file and name every mistake in it. Nothing is trained.",
        epilog="example: ./scripts/validate_config.sh json/mt_identifier/quick_test.json",
    )
    result.add_argument("file", metavar="FILE", help="the JSON configuration; comments and trailing commas are allowed")
    result.add_argument("-t", "--task", choices=TASKS, help='its task, where the file has no "task"')
    return result


def task_of(raw: Any, path: str, given: str | None) -> str:
    """The task that was given, else the one that the configuration names."""
    named: Any = raw.get("task") if isinstance(raw, dict) else None
    if given or named in TASKS:
        return given or named
    if named is None:
        raise ConfigError(f'{path}: names no task; add the key "task" (one of {", ".join(TASKS)}) or give -t')
    raise ConfigError(f"{path}: task: {named!r} is none of the tasks {', '.join(TASKS)}; correct it or give -t")


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    from python.config.load import load_config  # after -h, which needs the standard library only

    task = task_of(read_configuration(arguments.file), arguments.file, arguments.task)
    config = load_config(arguments.file, load_schema(task))
    kind = "a search" if config.search_requested else "no search"
    print(f"{arguments.file}: valid ({task}, {config.model_name}, {kind})")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
