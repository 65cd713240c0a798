"""Makes images of clusters, and volumes, from ROOT files of trigger primitives."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.product_options import add_product_options, product_settings, summary_table, whole_number
from python.general_purpose_libs import ConfigError, DataError, Progress, log, run_command, start_logging, writing_to

if TYPE_CHECKING:
    from python.ingest.overlay import Background
    from python.ingest.product_files import ProductSummary
    from python.ingest.products import ProductSettings
    from python.ingest.root_file import RootFile


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="make_images.sh",
        description="Make images of clusters, and volumes, from ROOT files of trigger primitives (TPs).",
        epilog="Files NAME_plane{U,V,X}.npz, and NAME_volume_plane{U,V,X}.npz with --volumes, are written for each input "
        "NAME.root; those of an earlier run are replaced. Inputs of one NAME get subfolders, named by what tells their paths "
        "apart. Every file is tried; those that cannot be used are named at the end. The last line of standard output is the "
        "output folder. Exit codes: 0 done, 2 wrong usage, 3 input files missing or damaged (the others are converted, unless a "
        "file is missing), 5 output not writable.",
    )
    add = parser.add_argument
    add(
        "-i",
        "--input",
        nargs="+",
        required=True,
        metavar="FILE",
        help="ROOT files of trigger primitives, or of the toolkit's clusters of these, on disk or at addresses (root://...)",
    )
    add(
        "-o",
        "--output",
        type=named_path,
        required=True,
        metavar="DIR",
        help="folder for the image files, made when it is not there",
    )
    add_product_options(parser)
    add(
        "--legacy-layout",
        action="store_true",
        help="write for old tools: dense images with 18 columns, in the older energy calibration unless another is named; "
        "volumes as pickled arrays and dictionaries, around the true main tracks; no image is flipped",
    )
    add(
        "--overlay",
        nargs="+",
        default=[],
        metavar="FILE",
        help="ROOT files of background: each event of the inputs gets the TPs of one of their events, chosen at random and moved "
        "in time by a random offset, in a circle; NAME_overlay.npz records which and by how much",
    )
    add(
        "--seed",
        type=whole_number(0),
        metavar="N",
        help="seed of what --overlay chooses; default: 1",
    )
    add("--skip-bad-files", action="store_true", help="leave broken input files out and count them")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def check_arguments(arguments: argparse.Namespace) -> None:
    """Raise ConfigError where addresses cannot be read here or options do not fit together, DataError where a file is missing."""
    from python.ingest.root_file import is_missing, place_to_tell, require_reader, root_file

    if arguments.seed is not None and not arguments.overlay:
        raise ConfigError(
            "--seed says what --overlay chooses; name files of background with --overlay, or leave --seed out"
        )
    overlay = [root_file(name) for name in arguments.overlay]
    inputs = [root_file(name) for name in arguments.input]
    places = {place_to_tell(file) for file in inputs}
    for file in overlay:
        if place_to_tell(file) in places:
            raise ConfigError(f"{file}: is named by --input and --overlay, or twice by the latter; name each file once")
        places.add(place_to_tell(file))
    files = [*inputs, *overlay]
    for file in files:
        require_reader(file)
    missing = [str(file) for file in files if is_missing(file)]
    if missing and not arguments.skip_bad_files:
        raise DataError(f"{', '.join(missing)}: no such file")


def output_folders(inputs: Sequence[str], folder: Path, settings: ProductSettings) -> list[Path]:
    """The folder of each input's files: `folder`, and below it where files of several inputs would have one name.

    The subfolders are what tells the folders of such inputs apart, and the whole name of a file where one folder holds several.
    Raises ConfigError when an input is named twice.
    """
    from python.data.sources import shortest_endings
    from python.ingest.product_files import output_names
    from python.ingest.root_file import place_to_tell, root_file

    paths = [place_to_tell(root_file(name)) for name in inputs]
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
    from python.data.input_files import refuse_or_skip  # after -h, which needs the standard library only

    settings = product_settings(arguments, arguments.legacy_layout)
    folder = Path(arguments.output)
    places = output_folders(arguments.input, folder, settings)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    background = read_backgrounds(arguments, settings) if arguments.overlay else None
    summaries, problems = convert_all(list(zip(arguments.input, places, strict=True)), folder, settings, background)
    if not summaries:
        raise DataError("\n  ".join([f"none of the {len(problems)} input files can be used:", *problems]))
    print(summary_table(summaries, settings))
    if background is not None:
        _tell_of_overlay(background)
    refuse_or_skip(problems, f"{len(arguments.input)} input files", arguments.skip_bad_files)
    if problems:
        log.warning("%d of %d input files skipped", len(problems), len(arguments.input))
    print(folder)
    return 0


def _shown(path: RootFile, place: Path, folder: Path) -> str:
    """The name of an input, with the subfolder of its files."""
    below = place.relative_to(folder)
    return str(below if below.name == path.name else below / path.name)


def read_backgrounds(arguments: argparse.Namespace, settings: ProductSettings) -> Background:
    """The files of --overlay. Raises one DataError that names all that cannot be used, unless these are skipped."""
    from python.data.input_files import refuse_or_skip
    from python.ingest.overlay import Background, read_background

    parts, problems = [], []
    name_of: dict[str, str] = {}
    for name in arguments.overlay:
        try:
            part = read_background(name, settings.min_sot)
        except DataError as error:
            problems.append(str(error))
            continue
        if (same := name_of.setdefault(part.sources[0].id, name)) == name:
            parts.append(part)
        else:
            problems.append(f"{name}: is a copy of {same}")
    what = f"{len(arguments.overlay)} files of background"
    refuse_or_skip(problems, what, arguments.skip_bad_files and bool(parts))
    return Background(parts, 1 if arguments.seed is None else arguments.seed)


def _tell_of_overlay(background: Background) -> None:
    """Say how many windows were laid over how many events, and with a warning when some were used again."""
    used = background.used
    again = int((used > 1).sum())
    say = log.warning if again else log.info
    say(
        "overlay: seed %d laid %d of %d events of background over %d events; %s",
        background.seed,
        (used > 0).sum(),
        len(used),
        used.sum(),
        f"{again} of them over several, one over {used.max()}" if again else "none of them over two",
    )


def convert_all(
    inputs: Sequence[tuple[str, Path]], folder: Path, settings: ProductSettings, background: Background | None
) -> tuple[list[ProductSummary], list[str]]:
    """Convert every file that can be, into the place beside it; return what these gave, and what is wrong with the others."""
    from python.ingest.root_file import root_file

    summaries, problems = [], []
    for name, place in inputs:
        file = root_file(name)
        try:
            summary = convert_with_progress(file, place, settings, background)
            summaries.append(replace(summary, name=_shown(file, place, folder)))
        except DataError as error:
            log.info("%s: cannot be used, going on with the next", file.name)
            problems.append(f"{error}{_older_files(file, place, settings)}")
    return summaries, problems


def _older_files(file: RootFile, folder: Path, settings: ProductSettings) -> str:
    there = _replaced(file, folder, settings)
    return f" (its older {', '.join(there)} stay in {folder})" if there else ""


def _replaced(file: RootFile, folder: Path, settings: ProductSettings) -> list[str]:
    """Names of the output files that are there from before."""
    from python.ingest.product_files import output_names

    return [name for name in output_names(file.stem, settings) if (folder / name).exists()]


def convert_with_progress(
    path: RootFile, folder: Path, settings: ProductSettings, background: Background | None = None
) -> ProductSummary:
    """Convert one file, showing progress, with a line at the end."""
    from python.ingest.convert import convert

    before = {name: _held_sources(folder / name) for name in _replaced(path, folder, settings)}
    start = time.monotonic()
    with Progress(path.name, "events") as progress:
        summary = convert(path, folder, settings, progress, background)
    seconds = time.monotonic() - start
    if before:
        log.info("%s: replaced %s", folder, ", ".join(before))
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
