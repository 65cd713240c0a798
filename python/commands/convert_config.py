"""convert_config.sh: older configurations in the one dialect of today."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.tasks import load_schema
from python.general_purpose_libs import ConfigError, run_command, write_json
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.config.legacy.convert import Converted
    from python.config.legacy.files import Outcome, SchemaOf


def parser() -> CommandParser:
    result = CommandParser(
        prog="convert_config.sh",
        description="Turn configurations of an older dialect into such that validate today. Every key that changes the "
        "training is mapped, or the conversion fails with its name; what is not carried over is listed. Of a folder, every "
        "file that can be converted is written, and a table says what became of each; the exit code is then 2 where any was "
        "refused.",
        epilog="example: ./scripts/convert_config.sh old.json -t mt_identifier -o json/mt_identifier/new.json",
    )
    result.add_argument("source", metavar="FILE|DIR", help="the older JSON configuration, or a folder of such")
    result.add_argument(
        "-t",
        "--task",
        choices=TASKS,
        help="the task; default: the one that a file names, or the folder in which it lies",
    )
    result.add_argument(
        "-o",
        "--output",
        type=named_path,
        metavar="OUT",
        required=True,
        help="the file to write, or the folder to write to; no file in it is replaced",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    from python.config.legacy.files import convert_file  # after -h, which needs the standard library only

    source, output, schema_of = Path(arguments.source), Path(arguments.output), _schema_of(arguments.task)
    if source.is_dir():
        return _folder(source, output, schema_of)
    if output.exists():
        raise ConfigError(f"{output}: exists already; remove it or choose another name with -o")
    converted = convert_file(source, schema_of)
    write_json(output, converted.config)
    for line in (*(f"mapped: {each}" for each in converted.mapped), *_told(converted)):
        print(line)
    print(f"{output}: written (valid)")
    return 0


def _schema_of(task: str | None) -> SchemaOf:
    """The schema of the task that is named, or of the one that a file tells."""
    return lambda file, raw: load_schema(task or _task_of(file, raw))


def _task_of(file: Path, raw: Any) -> str:
    said = [str(raw.get(key, "")) for key in ("task", "task_label")] if isinstance(raw, dict) else []
    folders = [folder.name for folder in file.resolve().parents]
    for task in TASKS:
        if any(text == task or text.startswith(f"{task}_") for text in said):
            return task
    for folder in folders:
        if folder in TASKS:
            return folder
    raise ConfigError(f"{file}: does not say which task it configures; name it with -t {'|'.join(TASKS)}")


def _told(converted: Converted) -> list[str]:
    return [
        *(f"note: {line}" for line in converted.notes),
        *(f"not carried over: {line}" for line in converted.not_carried_over),
    ]


# ---------------------------------------------------------------------------- a folder
def _folder(source: Path, output: Path, schema_of: SchemaOf) -> int:
    from python.config.legacy.files import convert_all

    files = sorted(path for path in source.rglob("*.json") if path.is_file())
    if not files:
        raise ConfigError(f"{source}: holds no *.json file")
    if output.is_file():
        raise ConfigError(f"{output}: is a file; a folder is converted into a folder")
    rows = [["file", "became", "why"]]
    outcomes = convert_all(files, schema_of)
    for outcome in outcomes:
        name = outcome.file.relative_to(source)
        rows.append([str(name), *_written(outcome, output / name)])
        for line in _told(outcome.converted) if rows[-1][1] != "refused" and outcome.converted else ():
            print(f"{name}: {line}")
    refused = sum(row[1] == "refused" for row in rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"{output}: {len(outcomes) - refused} of {len(outcomes)} written (valid), {refused} refused")
    return ConfigError.exit_code if refused else 0


def _written(outcome: Outcome, path: Path) -> tuple[str, str]:
    """Write what the file was converted to; returns what became of it, and why it did not become more."""
    if outcome.converted is None:
        return "refused", outcome.refused
    if path.exists():
        return "refused", f"{path} exists already; remove it or choose another folder with -o"
    write_json(path, outcome.converted.config)
    notes, left = len(outcome.converted.notes), len(outcome.converted.not_carried_over)
    counts = [f"{number} {what}" for number, what in ((notes, "notes"), (left, "not carried over")) if number]
    return "with notes" if notes else "converted", ", ".join(counts)


if __name__ == "__main__":
    raise SystemExit(run_command(main))
