"""Command-line options of the image files, the same for whatever makes them: sizes, planes, cuts."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python.ingest.product_files import ProductSummary
    from python.ingest.products import ProductSettings


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


def number_from(least: float, meaning: str) -> Callable[[str], float]:
    """Make a parser of finite numbers from `least` upwards; `meaning` says in an error what was wanted."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not {meaning}")
        return value

    return parse


energy = number_from(0.0, "an energy in MeV of zero or more")


def add_product_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `product_settings` reads."""
    add = parser.add_argument
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
        "--energy-calibration", choices=["measured", "older"],
        help="ADC per MeV on U, V, X: measured (1010, 1140, 4100; default) or older (900, 900, 3600; default in the old layout)",
    )  # fmt: skip


def product_settings(arguments: argparse.Namespace, legacy_layout: bool = False) -> ProductSettings:
    """Return what the options say."""
    from python.ingest.clustering import ClusterSettings
    from python.ingest.products import ProductSettings

    return ProductSettings(
        image_shape=arguments.image_size,
        planes=tuple(plane for plane in "UVX" if plane in arguments.planes),
        volumes=arguments.volumes,
        legacy_layout=legacy_layout,
        energy_calibration=arguments.energy_calibration or ("older" if legacy_layout else "measured"),
        clusters=ClusterSettings(
            arguments.tick_limit, arguments.channel_limit, arguments.min_tps, arguments.tot_cut, arguments.energy_cut
        ),
    )


def summary_table(summaries: list[ProductSummary], settings: ProductSettings) -> str:
    """What each source gave, and all together."""
    from python.ingest.product_files import ProductSummary

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
