"""point_burst.sh: from the trigger primitives of a burst to a map of where the star is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.product_options import number_from
from python.commands.tasks import load_task
from python.general_purpose_libs import (
    ConfigError,
    DataError,
    Progress,
    log,
    run_command,
    start_logging,
    write_json,
    writing_to,
)
from python.runs.finished import task_of_finished_run
from python.runs.shipped import network_folder

if TYPE_CHECKING:
    from python.ingest.products import Products
    from python.pointing.candidates import Candidates, Networks
    from python.pointing.pointing import Pointing
    from python.pointing.results import Circumstances
    from python.training.trained import Trained

NETWORKS = {"mt": "mt_identifier", "ct": "channel_tagging", "ed": "electron_direction"}
FLUXES = ("fit", "gkvm", "livermore")
DEFAULT_SITE = "sanford"
PLOTS = "plots"


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="point_burst.sh",
        allow_abbrev=False,
        description="Find the direction of a supernova from the clusters of its burst. Networks say of each cluster whether a "
        "neutrino's electron made it, by which interaction, and where it flew; all of them together give a map of the sky. Truth "
        "in the data decides nothing; where there is some the result is judged by it at the end. Writes maps (FITS), pictures, "
        "tables, a summary, a report, and with --time an alert, which is sent nowhere. The last line of standard output is the "
        "folder.",
        epilog="Exit codes: 0 done, also where the candidates do not point, which is then said in words; 2 wrong usage or "
        "networks that do not fit, 3 data missing or damaged, 5 output not writable, 130 interrupted. "
        "example: ./scripts/point_burst.sh -d data/burst -o output/burst --time 2027-03-01T12:00:00",
    )
    add = parser.add_argument
    add("-i", "--input", nargs="+", default=[], metavar="FILE", help="ROOT files of trigger primitives")
    add(
        "-d",
        "--data",
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of make_images.sh or simulate.sh, in place of -i",
    )
    add("-o", "--output", type=named_path, required=True, metavar="DIR", help="folder for the results")
    for name, task in NETWORKS.items():
        add(f"--{name}", metavar="M", help=f"network of {task}: a run folder or a name; default: the one that ships")
    add("--time", metavar="ISO8601", help="when the clock of the data began, UTC unless it names a zone; without it the map "
        "is in detector axes and there is no alert")  # fmt: skip
    add("--site", default=DEFAULT_SITE, metavar="NAME|FILE", help=f"where the detector stands; default: {DEFAULT_SITE}")
    add("--min-energy", type=number_from(0.5, "an energy in MeV of 0.5 or more"), default=5.0, metavar="MEV",
        help="least reconstructed energy of a candidate; default: 5")  # fmt: skip
    add("--flux", choices=FLUXES, default="fit",
        help="spectra of elastic scattering and charged current: fit, from the candidates themselves (default), or those of a "
        "supernova model")  # fmt: skip
    add("--name", default="burst", help="what the burst is called in files; default: burst")
    add("--real", action="store_true", help="this is no simulation and no test: the alert and the maps say so")
    add("--skip-bad-files", action="store_true", help="leave broken data files out and count them")
    add("--force", action="store_true", help="replace results that are there")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


@dataclass
class Stages:
    """Seconds of each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - start


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    if bool(options.input) == bool(options.data):
        raise ConfigError("give ROOT files with -i, or folders with -d")
    stages, output = Stages(), Path(options.output)
    folders = {task: network_folder(getattr(options, name), task) for name, task in NETWORKS.items()}
    for task, folder in folders.items():
        task_of_finished_run(folder, task)
    rotation, told = _circumstances(options, folders)
    _claim(output, options.force)
    with stages("loading networks"):
        networks = _networks(folders)
    with stages("networks"):
        candidates = _candidates(options, networks)
    log.info("%d candidates of %g MeV and more", len(candidates), options.min_energy)
    with stages("likelihood and map"):
        from python.pointing.pointing import Pointing

        found = Pointing.of(candidates, options.min_energy, options.flux, rotation)
    _write(output, found, told, stages)
    print("\n".join(_lines(found)))
    print(output)
    return 0


def _circumstances(options: Any, folders: dict[str, Path]) -> tuple[Any, Circumstances]:
    """The rotation to ICRS, None without a time, and what is told of the burst."""
    from python.pointing.results import Circumstances
    from python.pointing.site import Site, parse_time

    site = Site.read(options.site)
    began = None if options.time is None else parse_time(options.time)
    rotation = None if began is None else site.to_icrs(began)
    networks = {task: str(folder) for task, folder in folders.items()}
    return rotation, Circumstances(options.name, began, site.name, networks, not options.real, options.real)


def _claim(output: Path, force: bool) -> None:
    from python.pointing.results import SUMMARY_FILE

    if (output / SUMMARY_FILE).exists() and not force:
        raise ConfigError(
            f"{output}: holds results already; choose another folder with -o, or replace them with --force"
        )
    with writing_to(output):
        output.mkdir(parents=True, exist_ok=True)


def _networks(folders: dict[str, Path]) -> Networks:
    from python.pointing.candidates import Networks
    from python.training.trained import Trained

    return Networks(*(Trained.load(load_task(task), folder) for task, folder in folders.items()))


def _candidates(options: Any, networks: Networks) -> Candidates:
    from python.data.data_origin import DataFolders
    from python.pointing.candidates import Candidates, find_candidates

    with Progress("asking networks", "clusters") as progress:

        def told(_network: str, done: int, total: int) -> None:
            progress(done, total)

        if options.data:

            def folders(network: Any) -> DataFolders:
                pattern = network.config.dataset_parameters.batch_pattern
                return DataFolders(tuple(options.data), pattern, options.skip_bad_files)

            return find_candidates(networks, folders, options.min_energy, told)
        parts = [find_candidates(networks, _always(of), options.min_energy, told) for of in _products(options)]
    return Candidates.concatenate(parts)


def _always(products: Products) -> Callable[[Trained], Products]:
    return lambda _network: products


def _products(options: Any) -> Iterator[Products]:
    """What is made of each ROOT file, around the clusters that may be candidates."""
    from python.data.input_files import refuse_or_skip
    from python.detector.geometry import X
    from python.ingest.products import ProductSettings, make_products
    from python.ingest.readout import read_readout

    problems = []
    for path in options.input:
        try:
            products = make_products(read_readout(path, ProductSettings().min_sot))
        except DataError as error:
            problems.append(str(error))
            continue
        clusters = products.clusters
        yield products.only((clusters.energy >= options.min_energy) & (clusters.plane == X))
    refuse_or_skip(problems, f"{len(options.input)} input files", options.skip_bad_files)


def _write(output: Path, found: Pointing, told: Circumstances, stages: Stages) -> None:
    from python.plots.burst import energy_and_time_figure
    from python.plots.report import Report, save_figures, write_report
    from python.plots.sky import Candidates as Shown
    from python.plots.sky import sky_figure
    from python.pointing.judging import judgement, true_star
    from python.pointing.numbers import CLASSES
    from python.pointing.results import JUDGEMENT_FILE, REPORT_FILE, write_results

    with stages("writing"):
        summary = write_results(output, found, told, stages.seconds)
    import numpy as np

    candidates, shares = found.candidates, found.likelihood.shares
    star = true_star(candidates.truth)
    truth = None if star is None else found.in_frame(star[None])[0]
    tells = shares[:, 0] > 0.02
    shown = Shown(found.in_frame(-candidates.direction[tells]), shares[tells, 0]) if tells.any() else None
    seconds = np.where(candidates.time >= 0, candidates.time * 1e-9, np.nan)
    figures = {
        "skymap": sky_figure(found.sky, told.name, shown, truth, told.simulated),
        "energy_and_time": energy_and_time_figure(
            candidates.energy, seconds, dict(zip(CLASSES, shares.T, strict=True))
        ),
    }
    save_figures(figures, output)
    judged = judgement(found)
    if judged is not None:
        write_json(output / JUDGEMENT_FILE, judged)
    facts = {name: str(summary[name]) for name in ("candidates", "radius_deg", "area_deg2", "numbers", "assumed")}
    warnings = {"Warnings": "\n".join(summary["warnings"])} if summary["warnings"] else {}
    write_report(output / REPORT_FILE, Report(f"Where {told.name} is", facts, texts=warnings, figures=figures))


def _lines(found: Pointing) -> list[str]:
    from python.pointing.alert import right_ascension_and_declination
    from python.pointing.judging import judgement

    if found.rotation is None:
        x, y, z = found.star
        where = f"towards ({x:.3f}, {y:.3f}, {z:.3f}) in detector axes"
    else:
        where = "at right ascension {:.2f}, declination {:.2f} degrees".format(
            *right_ascension_and_declination(found.sky.peak)
        )
    numbers = found.numbers
    lines = [
        f"{len(found.candidates)} candidates: {numbers['es']:.0f} of elastic scattering, {numbers['cc']:.0f} of charged current, "
        f"{numbers['other']:.0f} others",
        f"the star is {where}: 68 % within {float(found.sky.radius(0.68)):.1f} degrees, "
        f"{float(found.sky.area(0.68)):.0f} square degrees; 90 % within {float(found.sky.radius(0.9)):.1f}",
    ]
    for warning in found.warnings():
        log.warning("%s", warning)
    judged = judgement(found)
    if judged and judged["star_is_known"]:
        lines.append(
            f"in truth {judged['degrees_off']:.1f} degrees away, at {judged['probability_searched']:.0%} of the map's probability"
        )
    return lines


if __name__ == "__main__":
    sys.exit(run_command(main))
