"""check_data.sh: are image files what training takes them for?"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.general_purpose_libs import DataError, log, run_command, start_logging, with_progress, write_json

if TYPE_CHECKING:
    from python.quality.quality import Check, Quality

INDENT = "      "


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="check_data.sh",
        description="Check images and points in folders, own files and old ones: labels, momenta, energies, vertices, "
        "orientation, repetitions, matches; and say what is in volumes and points. Each check says ok, warn, fail or -, the last "
        "where the files do not hold what it needs; then how many images it concerns, of how many, and what was found. What to "
        "do stands below.",
        epilog="Exit code 0 when nothing failed, warnings or not; 3 when a check failed or a folder holds neither images nor "
        "points. "
        "example: ./scripts/check_data.sh data/real --json quality.json",
    )
    add = parser.add_argument
    add("folders", nargs="+", metavar="DIR", help="folders with files of images or points, searched recursively")
    add("--planes", nargs="+", choices=["U", "V", "X"], default=["U", "V", "X"], help="planes of images; default: all")
    add("--json", metavar="FILE", help="also write the results, with the numbers behind them, to this file")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    from python.quality.quality import FAIL, OK, WARN, check_folders  # after -h, which needs the standard library only

    start_logging(arguments.verbose)
    planes = [plane for plane in "UVX" if plane in arguments.planes]
    quality = check_folders(
        arguments.folders, planes, lambda paths, title: with_progress(paths, f"reading {_named(title)}", "files")
    )
    print("\n".join(report(quality)))
    if arguments.json:
        write_json(arguments.json, as_json(quality, arguments.folders))
        log.info("written to %s", arguments.json)
    print(f"{quality.count(OK)} checks ok, {quality.count(WARN)} warn, {quality.count(FAIL)} fail")
    return DataError.exit_code if quality.count(FAIL) else 0


def report(quality: Quality) -> Iterator[str]:
    """Lines of the table, a block for each plane, of clusters and volumes, and points, and one for what is between planes."""
    width = max(len(check.name) for check in quality.checks)
    for title in (*quality.images, "all"):
        checks = quality.of(title)
        if not checks:
            continue
        what = "clouds" if title == "points" else "images"
        yield "between planes" if title == "all" else f"{_named(title)}: {quality.images[title]} {what}"
        yield f"  {'check':<{width}}  {'result':<6}  {'images':>8}  {'of':>8}  found"
        for check in checks:
            yield from _lines(check, width)
        yield ""


def _named(title: str) -> str:
    """What was looked at, in words."""
    *kind, plane = title.split()
    return title if title == "points" else f"{kind[0]} of plane {plane}" if kind else f"plane {plane}"


def _lines(check: Check, width: int) -> Iterator[str]:
    first, *more = check.finding.splitlines()
    status = "-" if check.status == "skipped" else check.status
    yield f"  {check.name:<{width}}  {status:<6}  {check.images:>8}  {check.total:>8}  {first}"
    yield from (INDENT + line for line in more)
    if check.status in ("warn", "fail") and check.remedy:
        yield f"{INDENT}-> {check.remedy}"


def as_json(quality: Quality, folders: Sequence[str]) -> dict[str, Any]:
    return {
        "folders": list(folders),
        "images": quality.images,
        "counts": {status: quality.count(status) for status in ("ok", "warn", "fail", "skipped")},
        "checks": [{**vars(check), "values": _finite(check.values)} for check in quality.checks],
    }


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


if __name__ == "__main__":
    sys.exit(run_command(main))
