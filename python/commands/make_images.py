"""Makes images of clusters, and volumes, from ROOT files of trigger primitives."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from python.general_purpose_libs import ConfigError, DataError, Progress, log, run_command, start_logging, writing_to

if TYPE_CHECKING:
    from python.ingest.products import ProductSettings, ProductSummary


def image_size(text: str) -> tuple[int, int]:
    """Parse "128x32" into ticks and channels."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and 0 < int(part) <= 4096 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not TICKSxCHANNELS, for example 128x32 or 128x16")
    return int(parts[0]), int(parts[1])


def whole_number(least: int) -> Callable[[str], int]:
    """Make a parser of whole numbers from `least` upwards."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return number

    return parse


def energy(text: str) -> float:
    """Parse an energy in MeV, zero or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an energy in MeV of zero or more")
    return value


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make_images.sh",
        description="Make images of clusters, and volumes, from ROOT files of trigger primitives (TPs).",
        epilog="Files NAME_plane{U,V,X}.npz, and NAME_volume_plane{U,V,X}.npz with --volumes, are written for each input "
        "NAME.root; those of an earlier run are replaced. The last line of standard output is the output folder.",
    )
    add = parser.add_argument
    add("-i", "--input", nargs="+", required=True, metavar="FILE", help="ROOT files of trigger primitives")
    add("-o", "--output", required=True, metavar="DIR", help="folder for the image files, made when it is not there")
    add("--image-size", type=image_size, default=(128, 32), metavar="TICKSxCHANNELS", help="default: 128x32")
    add("--planes", nargs="+", choices=["U", "V", "X"], default=["U", "V", "X"], help="planes to write; default: all")
    add("--volumes", action="store_true", help="also write volumes, 208 channels x 1242 ticks round the main cluster")
    add(
        "--tick-limit",
        type=whole_number(0),
        default=3,
        metavar="N",
        help="TPs this many ticks apart still touch; default: 3",
    )
    add("--channel-limit", type=whole_number(0), default=2, metavar="N", help="the same in channels; default: 2")
    add("--min-tps", type=whole_number(1), default=2, metavar="N", help="TPs that a cluster needs; default: 2")
    add(
        "--tot-cut",
        type=whole_number(0),
        default=3,
        metavar="N",
        help="TPs need more samples over threshold than this; default: 3",
    )
    add("--energy-cut", type=energy, default=2.0, metavar="MEV", help="energy that a cluster needs; default: 2")
    add(
        "--energy-calibration", choices=["measured", "older"], default="measured",
        help="ADC per MeV on U, V, X: measured (1010, 1140, 4100; default) or older (900, 900, 3600)",
    )  # fmt: skip
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
    from python.ingest.clustering import ClusterSettings
    from python.ingest.products import ProductSettings

    settings = ProductSettings(
        image_shape=arguments.image_size,
        planes=tuple(plane for plane in "UVX" if plane in arguments.planes),
        volumes=arguments.volumes,
        legacy_layout=arguments.legacy_layout,
        energy_calibration=arguments.energy_calibration,
        clusters=ClusterSettings(
            arguments.tick_limit, arguments.channel_limit, arguments.min_tps, arguments.tot_cut, arguments.energy_cut
        ),
    )
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


def summary_table(summaries: list[ProductSummary], settings: ProductSettings) -> str:
    """What each source file gave, and all together."""
    from python.ingest.products import ProductSummary

    total = sum(summaries, ProductSummary("total"))
    header = ["source", "events", "ES", "CC", "clusters U", "V", "X", "main U", "V", "X", "triples"]
    header += ["volumes"] if settings.volumes else []
    header += [] if settings.legacy_layout else ["cropped", "charge lost"]
    rows = [header]
    for part in [*summaries, *([total] if len(summaries) > 1 else [])]:
        row = [part.name, part.events, part.es, part.cc, *part.clusters, *part.mains, part.triples]
        row += [part.volumes] if settings.volumes else []
        row += (
            [] if settings.legacy_layout else [part.cropped, f"{100 * part.lost_mev / max(part.drawn_mev, 1e-9):.2f} %"]
        )
        rows.append([str(cell) for cell in row])
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
