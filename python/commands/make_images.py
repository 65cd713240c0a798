"""Makes images of clusters, and volumes, from ROOT files of trigger primitives."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from python.commands.places import named_place
from python.commands.product_options import add_product_options, product_settings, summary_table
from python.general_purpose_libs import ConfigError, DataError, Progress, log, run_command, start_logging, writing_to

if TYPE_CHECKING:
    from python.ingest.products import ProductSettings, ProductSummary


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make_images.sh",
        description="Make images of clusters, and volumes, from ROOT files of trigger primitives (TPs).",
        epilog="Files NAME_plane{U,V,X}.npz, and NAME_volume_plane{U,V,X}.npz with --volumes, are written for each input "
        "NAME.root; those of an earlier run are replaced. The last line of standard output is the output folder.",
    )
    add = parser.add_argument
    add("-i", "--input", nargs="+", required=True, metavar="FILE", help="ROOT files of trigger primitives")
    add(
        "-o",
        "--output",
        type=named_place,
        required=True,
        metavar="DIR",
        help="folder for the image files, made when it is not there",
    )
    add_product_options(parser)
    add(
        "--legacy-layout",
        action="store_true",
        help="write dense images with 18 columns for old tools; no image is flipped",
    )
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def check_arguments(arguments: argparse.Namespace) -> None:
    """Raise ConfigError on arguments that do not go together."""
    if arguments.legacy_layout and arguments.volumes:
        raise ConfigError("--legacy-layout has no volumes; leave one of --legacy-layout and --volumes out")
    missing = [name for name in arguments.input if not Path(name).exists()]
    if missing:
        raise DataError(f"{', '.join(missing)}: no such file")


def check_names(inputs: Sequence[str], settings: ProductSettings) -> None:
    """Raise ConfigError when two inputs would become the same output file."""
    from python.ingest.products import output_names

    writers: dict[str, list[str]] = {}
    for name in inputs:
        for output in output_names(Path(name).stem, settings):
            writers.setdefault(output, []).append(name)
    for output, names in writers.items():
        if len(names) > 1:
            raise ConfigError(
                f"{' and '.join(names)} would both become {output}; rename one, or convert them into different folders"
            )


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    start_logging(arguments.verbose)
    check_arguments(arguments)
    settings = product_settings(arguments, arguments.legacy_layout)
    check_names(arguments.input, settings)
    folder = Path(arguments.output)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    summaries = [convert_with_progress(Path(name), folder, settings) for name in arguments.input]
    print(summary_table(summaries, settings))
    print(folder)
    return 0


def convert_with_progress(path: Path, folder: Path, settings: ProductSettings) -> ProductSummary:
    """Convert one file, showing progress, with a line at the end."""
    from python.ingest.convert import convert
    from python.ingest.products import output_names

    replaced = [name for name in output_names(path.stem, settings) if (folder / name).exists()]
    if replaced:
        log.info("%s: replacing %s", folder, ", ".join(replaced))
    start = time.monotonic()
    with Progress(path.name, "events") as progress:
        summary = convert(path, folder, settings, progress)
    seconds = time.monotonic() - start
    log.info("%s: %d events in %.1f s", path.name, summary.events, seconds)
    return summary


if __name__ == "__main__":
    sys.exit(run_command(main))
