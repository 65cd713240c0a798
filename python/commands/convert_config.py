"""convert_config.sh: an older configuration in the one dialect of today."""

from __future__ import annotations

from pathlib import Path

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.tasks import load_schema
from python.general_purpose_libs import ConfigError, read_json, run_command, write_json
from python.tasks import TASKS


def parser() -> CommandParser:
    result = CommandParser(
        prog="convert_config.sh",
        description="Turn a configuration of an older dialect into one that validates today. Every key that changes the "
        "training is mapped, or the conversion fails with its name; what is not carried over is listed.",
        epilog="example: ./scripts/convert_config.sh old.json -t mt_identifier -o json/mt_identifier/new.json",
    )
    result.add_argument("file", metavar="FILE", help="the older JSON configuration")
    result.add_argument("-t", "--task", choices=TASKS, required=True, help="the task that it configures")
    result.add_argument(
        "-o", "--output", type=named_path, metavar="OUT", required=True, help="the file to write; must not exist yet"
    )
    return result


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    from python.config.legacy.convert import convert  # after -h, which needs the standard library only
    from python.config.load import parse_config

    if Path(arguments.output).exists():
        raise ConfigError(f"{arguments.output}: exists already; remove it or choose another name with -o")
    schema = load_schema(arguments.task)
    converted = convert(read_json(arguments.file), schema, arguments.file)
    parse_config(converted.config, schema, f"{arguments.file}, converted")
    write_json(arguments.output, converted.config)
    for title, lines in (
        ("mapped", converted.mapped),
        ("note", converted.notes),
        ("not carried over", converted.not_carried_over),
    ):
        for line in lines:
            print(f"{title}: {line}")
    print(f"{arguments.output}: written (valid)")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
