"""point_burst.sh: from the trigger primitives of a burst to a map of where the star is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.burst_results import Stages, write_all
from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.product_options import number_from, whole_number
from python.commands.tasks import load_task
from python.general_purpose_libs import ConfigError, DataError, Progress, log, run_command, start_logging, writing_to
from python.processes.cores import limit_cores
from python.runs.finished import task_of_finished_run
from python.runs.shipped import network_folder

if TYPE_CHECKING:
    from python.ingest.products import Products
    from python.pointing.candidates import Candidates, Networks
    from python.pointing.results import Circumstances
    from python.training.trained import Trained

NETWORKS = {"mt": "mt_identifier", "ct": "channel_tagging", "ed": "electron_direction"}
FLUXES = ("fit", "gkvm", "livermore")
DEFAULT_SITE = "sanford"


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
    add("-i", "--input", nargs="+", default=[], metavar="FILE",
        help="ROOT files of trigger primitives; with --watch folders in which they appear")  # fmt: skip
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
    add(
        "--workers",
        type=whole_number(1),
        metavar="N",
        help="processor cores to use at most; default: all that there are",
    )
    add("--watch", action="store_true", help="take files as they appear in the folders of -i, and bring the map up to date after "
        "each, until none has come for five minutes or Ctrl-C; started again it goes on")  # fmt: skip
    add("--name", default="burst", help="what the burst is called in files; default: burst")
    add("--real", action="store_true", help="this is no simulation and no test: the alert and the maps say so")
    add("--skip-bad-files", action="store_true", help="leave broken data files out and count them")
    add("--force", action="store_true", help="replace results that are there")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    if options.workers is not None:
        limit_cores(options.workers)  # before libraries count them
    _check(options)
    stages, output = Stages(), Path(options.output)
    folders = {task: network_folder(getattr(options, name), task) for name, task in NETWORKS.items()}
    for task, folder in folders.items():
        task_of_finished_run(folder, task)
    rotation, told = _circumstances(options, folders)
    _claim(output, options.force or options.watch)
    with stages("loading networks"):
        networks = _networks(folders)
    told = replace(told, sharpness=networks.sharpness is not None)
    if networks.sharpness is None:
        log.info(
            "how sharp directions are tells nothing of the channel: that is known for the networks that ship together"
        )

    def pointed(candidates: Candidates, number: int = 1) -> None:
        from python.pointing.pointing import Pointing

        log.info("%d candidates of %g MeV and more", len(candidates), options.min_energy)
        with stages("likelihood and map"):
            found = Pointing.of(candidates, options.min_energy, options.flux, rotation)
        print("\n".join(write_all(output, found, replace(told, number=number), stages.seconds)), flush=True)

    if options.watch:
        _watch(options, networks, folders, pointed)
    else:
        with stages("networks"):
            candidates = _candidates(options, networks)
        pointed(candidates)
    print(output)
    return 0


def _check(options: Any) -> None:
    if bool(options.input) == bool(options.data):
        raise ConfigError("give ROOT files with -i, or folders with -d")
    if options.watch and not options.input:
        raise ConfigError("--watch takes the folders in which ROOT files appear from -i")
    missing = [name for name in options.input if options.watch and not Path(name).is_dir()]
    if missing:
        raise ConfigError(f"{', '.join(missing)}: no such folder; --watch takes folders with -i")


def _circumstances(options: Any, folders: dict[str, Path]) -> tuple[Any, Circumstances]:
    """The rotation to ICRS, None without a time, and what is told of the burst."""
    from python.pointing.results import Circumstances
    from python.pointing.site import Site, parse_time

    site = Site.read(options.site)
    began = None if options.time is None else parse_time(options.time)
    rotation = None if began is None else site.to_icrs(began)
    networks = {task: str(folder) for task, folder in folders.items()}
    return rotation, Circumstances(options.name, began, site.name, networks, options.real)


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

    return Networks.of(*(Trained.load(load_task(task), folder) for task, folder in folders.items()))


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
    if not parts:
        raise DataError(f"none of the {len(options.input)} input files can be used; mend them, or name others")
    return Candidates.concatenate(parts)


def _always(products: Products) -> Callable[[Trained], Products]:
    return lambda _network: products


def _products(options: Any) -> Iterator[Products]:
    """What is made of each ROOT file; copies of one are one."""
    from python.data.input_files import refuse_or_skip

    problems: list[str] = []
    read: dict[str, str | Path] = {}
    for path in options.input:
        try:
            products = _products_of(path, options.min_energy)
        except DataError as error:
            problems.append(str(error))
            continue
        source = products.found.readout.sources[0].id
        if source in read:
            log.warning("%s: is a copy of %s, and is left out", path, read[source])
            continue
        read[source] = path
        yield products
    refuse_or_skip(problems, f"{len(options.input)} input files", options.skip_bad_files)


def _products_of(path: str | Path, min_energy: float) -> Products:
    """What is made of a ROOT file around the clusters that may be candidates."""
    from python.detector.geometry import X
    from python.ingest.products import ProductSettings, make_products
    from python.ingest.readout import read_readout

    products = make_products(read_readout(path, ProductSettings().min_sot))
    clusters = products.clusters
    return products.only((clusters.energy >= min_energy) & (clusters.plane == X))


def _watch(
    options: Any, networks: Networks, folders: dict[str, Path], pointed: Callable[[Candidates, int], None]
) -> None:
    """Point with every file that appears; what was found in each is kept, so that a later call goes on."""
    from python.pointing.arrivals import arrivals
    from python.pointing.candidate_files import CandidateFiles
    from python.pointing.candidates import find_candidates
    from python.runs.shipped import digests

    settings = {
        "networks": {task: digests(folder) for task, folder in folders.items()},
        "folders": [str(Path(name).resolve()) for name in options.input],
        "sharpness": networks.sharpness and networks.sharpness.described(),
        "min_energy": options.min_energy,
    }
    kept = CandidateFiles(Path(options.output), settings)
    if kept.names():
        log.info("going on after %d files", len(kept.names()))
        pointed(kept.all(), len(kept.names()))
    try:
        for files in arrivals([Path(name) for name in options.input], "*.root", kept.names()):
            for name, path in files.items():
                try:
                    products = _products_of(path, options.min_energy)
                except DataError as error:
                    log.warning("left out: %s", error)
                    continue
                if (known := kept.name_of(products.found.readout.sources[0].id)) is not None:
                    log.warning("%s: is a copy of %s, and is left out", path, known)
                    continue
                kept.keep(name, find_candidates(networks, _always(products), options.min_energy, _quietly))
            if kept.names():
                pointed(kept.all(), len(kept.names()))
    except KeyboardInterrupt as stop:
        log.info("interrupted: the results stand as of %d files; the same command goes on", len(kept.names()))
        if type(stop) is not KeyboardInterrupt:  # SIGTERM, which is said by how the process ends
            raise


def _quietly(_network: str, _done: int, _total: int) -> None:
    """A file at a time needs no progress."""


if __name__ == "__main__":
    sys.exit(run_command(main))
