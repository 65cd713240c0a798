"""Simulates neutrino interactions in the detector and makes the images that the converter makes of real files."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.product_options import (
    add_product_options,
    number_from,
    product_settings,
    summary_table,
    whole_number,
)
from python.general_purpose_libs import ConfigError, Progress, StopRequested, log, run_command, start_logging
from python.processes.cores import processor_cores
from python.processes.stop_requests import stop_on_request

STOPPED = "the same command goes on from here"

if TYPE_CHECKING:
    from python.simulation.settings import SimulationSettings

EPILOG = """backgrounds (decays in a readout window of 3 ms and 4 APAs, of which 12 have three times as many): NAME=RATE sets a
rate, `none` all to zero.
  k42 bi214 external_gamma neutron_capture   make clusters of 2 MeV and more
  ar39 kr85                                  fill volumes and points with small deposits
All are on by default. Only decays within half a metre of what may become a cluster are followed, as no product shows others.

lists of events (--marley): MARLEY 1.0 to 1.2 in the output format ascii, hepevt or json, MARLEY 2 in ascii (HepMC3). They may be
  joined (cat a b > c) and packed with gzip, bzip2, xz or zip. Charged-current events of electron neutrinos are drawn from them,
  turned into the direction asked for, in place of the own generator's; others are counted.

parts (--part K/N): N calls with the same options and K from 1 to N make one data set, each every N-th of its files, in any order,
  at one time or not, into one folder or into several whose files are put together. submit_condor.sh -t simulation --parts N
  makes them as batch jobs.

The last line of standard output is the output folder. Called again after an interruption with the same options, it goes on with
what is missing. The same options give the same bytes, whatever the number of workers."""


def direction(text: str) -> tuple[float, float, float] | None:
    """Parse "isotropic" or "X,Y,Z" into a unit vector."""
    if text == "isotropic":
        return None
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        x = y = z = 0.0
    length = (x * x + y * y + z * z) ** 0.5
    if not 0 < length < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither isotropic nor a direction X,Y,Z, for example 0,0,1")
    return x / length, y / length, z / length


def part_of_all(text: str) -> tuple[int, int]:
    """Parse "K/N" into the number of a part and how many there are."""
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is not K/N, part K of N, for example 3/10")
    return int(number), int(of)


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="simulate.sh",
        description="Simulate neutrino interactions in liquid argon and make images of them. All results are simulated.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_simulation_options(parser)
    parser.add_argument(
        "--workers",
        type=whole_number(1),
        default=processor_cores(),
        metavar="N",
        help="processes at work; default: one a processor core",
    )
    parser.add_argument(
        "--part", type=part_of_all, default=(1, 1), metavar="K/N", help="make one of N parts only; see below"
    )
    return parser


def add_simulation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is simulated, which `simulation_settings` reads, and where it goes."""
    add = parser.add_argument
    mev = number_from(0.0, "an energy in MeV of zero or more")
    add(
        "-o",
        "--output",
        type=named_path,
        required=True,
        metavar="DIR",
        help="folder for the image files; a new one, or one to go on with",
    )
    add("-n", "--events", type=whole_number(1), metavar="N", help="number of events (required unless --burst is given)")
    add(
        "--channel",
        choices=["es", "cc", "mixed", "background"],
        default="mixed",
        help="elastic scattering, charged current, both in turn (default), or no neutrino at all",
    )
    add("--seed", type=whole_number(0), default=1, metavar="N", help="seed of all random numbers; default: 1")
    add("--flux", choices=["flat", "gkvm", "livermore"], help="neutrino spectrum; default: flat, gkvm for a burst")
    add(
        "--energy",
        type=mev,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="MeV: the electron's kinetic energy for ES, the neutrino's for CC; default: 2 60 for flat, else all",
    )
    add(
        "--direction",
        type=direction,
        metavar="isotropic|X,Y,Z",
        help="where the neutrinos fly, detector axes; default: isotropic, for a burst one direction by chance",
    )
    add("--burst", action="store_true", help="one supernova: ES and CC events in the numbers expected, one direction")
    add("--distance", type=number_from(1e-3, "a distance in kpc"), metavar="KPC", help="of the burst; default: 10")
    add("--mass", type=number_from(1e-3, "a mass in kt"), metavar="KT", help="argon that sees the burst; default: 40")
    add("--background", nargs="+", default=[], metavar="NAME=RATE", help="rates of backgrounds, or none; see below")
    add(
        "--all-decays",
        action="store_true",
        help="follow those far from all clusters too, which takes ten times as long",
    )
    add(
        "--geometry",
        choices=["dune10kt_1x2x2", "dune10kt_1x2x6"],
        default="dune10kt_1x2x2",
        help="detector: 4 APAs, 4.6 m along the beam (default), or 12 in 13.9 m",
    )
    add("--marley", metavar="FILE", help="CC events from a list that MARLEY has written; see below")
    add_product_options(parser)
    add("-v", "--verbose", action="store_true", help="say more")


def check_arguments(arguments: argparse.Namespace) -> None:
    """Raise ConfigError on arguments that do not go together."""
    if arguments.burst == (arguments.events is not None):
        raise ConfigError("give either the number of events with -n, or --burst, which decides on its own")
    if not arguments.burst and (arguments.distance is not None or arguments.mass is not None):
        raise ConfigError("--distance and --mass belong to a burst; give --burst, or leave them out")
    if arguments.burst and arguments.flux == "flat":
        raise ConfigError("a burst needs the flux of a supernova; give --flux gkvm or --flux livermore")
    if arguments.burst and (arguments.channel != "mixed" or arguments.energy):
        raise ConfigError("a burst has all channels and energies; leave --channel and --energy out")
    if arguments.energy and arguments.energy[0] >= arguments.energy[1]:
        raise ConfigError(
            f"--energy {arguments.energy[0]:g} {arguments.energy[1]:g}: the first must be less than the second"
        )
    if arguments.channel == "background" and not any(background_rates(arguments.background).values()):
        raise ConfigError("--channel background with no background at all; give rates with --background NAME=RATE")


def background_rates(options: Sequence[str]) -> dict[str, float]:
    """Return the rate of every background: the nominal one, zero after `none`, or what NAME=RATE says."""
    from python.simulation.backgrounds import NOMINAL_RATES

    rates = dict.fromkeys(NOMINAL_RATES, 0.0) if "none" in options else dict(NOMINAL_RATES)
    for option in options:
        name, _, text = option.partition("=")
        if option == "none":
            continue
        if name not in NOMINAL_RATES:
            raise ConfigError(f"--background {option}: choose from {', '.join(NOMINAL_RATES)}, as NAME=RATE, or none")
        try:
            rates[name] = number_from(0.0, "a rate of zero or more")(text)
        except argparse.ArgumentTypeError as error:
            raise ConfigError(f"--background {option}: {error}, for example {name}={NOMINAL_RATES[name]:g}") from error
    return rates


def simulation_settings(arguments: argparse.Namespace) -> SimulationSettings:
    """Return what the options say."""
    from python.detector.geometry import GEOMETRIES
    from python.simulation.settings import Burst, SimulationSettings

    flux = arguments.flux or ("gkvm" if arguments.burst else "flat")
    burst = (
        Burst(arguments.distance or Burst.distance_kpc, arguments.mass or Burst.mass_kt) if arguments.burst else None
    )
    return SimulationSettings(
        events=arguments.events,
        channel=arguments.channel,
        seed=arguments.seed,
        flux=flux,
        energy=tuple(arguments.energy) if arguments.energy else None,
        direction=arguments.direction,
        burst=burst,
        background=background_rates(arguments.background),
        all_decays=arguments.all_decays,
        marley_file=arguments.marley,
        products=product_settings(arguments),
        geometry=GEOMETRIES[arguments.geometry],
    )


def joined_direction(argv: Sequence[str]) -> list[str]:
    """Write `--direction -1,0,0` as one word: its value looks like an option."""
    words = list(argv)
    for i in range(len(words) - 1):
        if words[i] == "--direction":
            return [*words[:i], f"--direction={words[i + 1]}", *words[i + 2 :]]
    return words


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(joined_direction(sys.argv[1:] if argv is None else argv))
    start_logging(arguments.verbose)
    check_arguments(arguments)
    settings = simulation_settings(arguments)
    from python.simulation.marley_events import marley_list
    from python.simulation.production import Part, produce

    if settings.marley_file:
        log.info("%s: %s", settings.marley_file, marley_list(settings.marley_file).summary())
    if settings.follows_all_decays and not settings.all_decays:
        log.info("with an energy cut as low as this any decay may be a cluster: all are followed, as by --all-decays")
    folder = Path(arguments.output)
    start = time.monotonic()
    with stop_on_request(STOPPED), Progress("simulating", "events") as progress:
        summary = produce(settings, folder, arguments.workers, progress, Part(*arguments.part))
    seconds = time.monotonic() - start
    log.info("%d events in %.1f s, %.0f a second", summary.events, seconds, summary.events / max(seconds, 1e-9))
    print(summary_table([summary], settings.products))
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, StopRequested(f"asked to stop (SIGTERM); {STOPPED}")))
