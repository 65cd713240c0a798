"""update_registry.sh: bring the registry's pages up to date and list the runs of an output folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.general_purpose_libs import ConfigError, log, run_command, start_logging

if TYPE_CHECKING:
    from python.runs.registry.registry import Registry

LONGEST = {"version": 40, "headline": 44}  # characters; longer ones are cut


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="update_registry.sh",
        allow_abbrev=False,
        description="List the trainings of an output folder, and write registry.jsonl and TRAINING_REGISTRY.md anew from the "
        "files registry/*.json. Trainings do so themselves as they start and end; call it for the present state of those "
        "that run, were killed, or wait as batch jobs. The last line of standard output is the path of TRAINING_REGISTRY.md.",
        epilog="Exit codes: 0 done, 2 no registry or wrong usage, 5 output not writable, 130 interrupted. "
        "example: ./scripts/update_registry.sh -o output --import",
    )
    add = parser.add_argument
    add(
        "-o",
        "--output",
        type=named_path,
        metavar="OUTPUT",
        default="output",
        help="output folder of the trainings; default: output",
    )
    add(
        "--import",
        action="store_true",
        dest="take_in",
        help="take in runs below OUTPUT that are not registered, of older code or copied there",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging()
    from python.runs.registry.registry import Registry  # after -h

    registry = Registry(options.output)
    if not registry.output.is_dir():
        raise ConfigError(f"{options.output}: no such folder; give the output folder of the trainings with -o")
    if options.take_in:
        log.info("taken in: %d runs", len(registry.import_runs()))
    elif not registry.folder.is_dir():
        raise ConfigError(f"{options.output}: holds no registry; take in the runs that are there with --import")
    _ask_for_jobs(registry)
    print("\n".join(table(registry.entries())))
    registry.refresh()
    print(registry.page)
    return 0


def _ask_for_jobs(registry: Registry) -> None:
    """Bring what the registry knows of batch jobs up to date."""
    entries = registry.entries()
    if any(entry.get("job") for entry in entries):
        from python.batch.refresh import need_refreshing, refresh_jobs

        refresh_jobs(registry, need_refreshing(entries))


def table(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines with a row for each entry and one that counts them."""
    columns = ("task", "version", "state", "epochs", "headline", "started (UTC)", "folder")
    rows = [columns, *(_row(entry) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield f"{len(entries)} runs"


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    from python.runs.headlines import in_words
    from python.runs.registry.page import one_line, when

    cells = {
        "task": entry["task"],
        "version": entry.get("version", "-"),
        "state": entry.get("state", "-"),
        "epochs": entry.get("epochs", "-"),
        "headline": next(iter(in_words(entry.get("results"))), "-"),
        "started": when(entry.get("started")) or "-",
        "folder": entry["folder"],
    }
    return tuple(_cut(one_line(cell), LONGEST.get(name)) for name, cell in cells.items())


def _cut(text: str, length: int | None) -> str:
    return text if length is None or len(text) <= length else f"{text[: length - 3]}..."


if __name__ == "__main__":
    sys.exit(run_command(main))
