"""Makes images of clusters, and volumes, from ROOT files of trigger primitives."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
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
        "NAME.root; those of an earlier run are replaced. Inputs of one NAME get subfolders, named by what tells their paths "
        "apart. The last line of standard output is the output folder.",
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


def output_folders(inputs: Sequence[str], folder: Path, settings: ProductSettings) -> list[Path]:
    """The folder of each input's files: `folder`, and below it where files of several inputs would have one name.

    The subfolders are what tells the folders of such inputs apart, and the whole name of a file where one folder holds several.
    Raises ConfigError when an input is named twice.
    """
    from python.data.sources import shortest_endings
    from python.ingest.products import output_names

    paths = [Path(os.path.abspath(name)) for name in inputs]  # noqa: PTH100 (links keep the names that they have)
    for number, path in enumerate(paths):
        if path in paths[:number]:
            raise ConfigError(f"{inputs[number]}: is named twice; name each input once")
    names = [set(output_names(path.stem, settings)) for path in paths]
    folders = []
    for path, own in zip(paths, names, strict=True):
        rivals = [other for other, others in zip(paths, names, strict=True) if own & others]
        beside = [other for other in rivals if other.parent == path.parent]
        parents = dict.fromkeys(other.parent for other in rivals)
        above = shortest_endings(list(parents))[list(parents).index(path.parent)] if len(parents) > 1 else ""
        folders.append(folder / above / (path.name if len(beside) > 1 else ""))
    return folders


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    start_logging(arguments.verbose)
    check_arguments(arguments)
    settings = product_settings(arguments, arguments.legacy_layout)
    folder = Path(arguments.output)
    places = output_folders(arguments.input, folder, settings)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    summaries = [
        replace(convert_with_progress(Path(name), place, settings), name=_shown(Path(name), place, folder))
        for name, place in zip(arguments.input, places, strict=True)
    ]
    print(summary_table(summaries, settings))
    print(folder)
    return 0


def _shown(path: Path, place: Path, folder: Path) -> str:
    """The name of an input, with the subfolder of its files."""
    below = place.relative_to(folder)
    return str(below if below.name == path.name else below / path.name)


def convert_with_progress(path: Path, folder: Path, settings: ProductSettings) -> ProductSummary:
    """Convert one file, showing progress, with a line at the end."""
    from python.ingest.convert import convert
    from python.ingest.products import output_names

    names = output_names(path.stem, settings)
    before = {name: _held_sources(folder / name) for name in names if (folder / name).exists()}
    if before:
        log.info("%s: replacing %s", folder, ", ".join(before))
    start = time.monotonic()
    with Progress(path.name, "events") as progress:
        summary = convert(path, folder, settings, progress)
    seconds = time.monotonic() - start
    log.info("%s: %d events in %.1f s", path, summary.events, seconds)
    others = [name for name, ids in before.items() if ids and ids != _held_sources(folder / name)]
    if others:
        log.warning(
            "%s: %s held images of another source than %s is now, and are replaced; to keep both, name all inputs in one "
            "command, or other folders with -o",
            folder,
            ", ".join(others),
            path,
        )
    return summary


def _held_sources(path: Path) -> list[str]:
    """Digests of the sources of a file of images or points; none where it does not tell."""
    from python.data.restricted_pickle import read_member

    try:
        return read_member(path, "source_ids").tolist()
    except DataError:
        return []


if __name__ == "__main__":
    sys.exit(run_command(main))
