"""submit_condor.sh -t simulation: a simulated data set, made by HTCondor jobs that each make a part of it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from python.commands.parser import CommandParser
from python.commands.product_options import whole_number
from python.commands.simulate import add_simulation_options, check_arguments, joined_direction, simulation_settings
from python.general_purpose_libs import PROJECT, log, start_logging, writing_to

if TYPE_CHECKING:
    from python.batch.simulation_job import SimulationJob
    from python.simulation.event_list import EventList
    from python.simulation.settings import SimulationSettings


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="submit_condor.sh -t simulation",
        allow_abbrev=False,
        description="Simulate on HTCondor: N jobs make a data set that is, byte for byte, that of a single call of simulate.sh "
        "with the same options. A job that is evicted goes on with what is missing; called again with the same options, here or "
        "as simulate.sh, only what is missing is made. The last line of standard output is the data folder.",
        epilog="Exit codes: 0 submitted, 2 usage or no HTCondor, 3 a list of events that cannot be read, 5 output not writable. "
        "example: ./scripts/submit_condor.sh -t simulation --parts 50 -o data/es -n 1000000 --channel es --dry-run",
    )
    _add_submission_options(parser)
    add_simulation_options(parser)
    return parser


def _add_submission_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--parts", type=whole_number(1), required=True, metavar="N", help="how many jobs share the work")
    add(
        "--set",
        metavar="batch_job.KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        dest="overrides",
        help='what a job asks for, as in a configuration\'s section "batch_job"; without: one core, 2 GB, 8 hours',
    )
    add("--dry-run", action="store_true", help="show what would be submitted; make nothing")


def main(argv: Sequence[str]) -> int:
    words = joined_direction(argv)
    options = make_parser().parse_args(words)
    start_logging(options.verbose)
    check_arguments(options)
    from python.batch.simulation_job import (
        DEFAULT,
        SimulationJob,
        files,
    )  # after -h, which needs the standard library only
    from python.config.load import batch_job_with

    settings = simulation_settings(options)
    job = SimulationJob(
        data=Path(options.output).absolute(),
        options=tuple(_of_simulation(words)),
        parts=options.parts,
        batch=batch_job_with(DEFAULT, options.overrides),
        start=Path.cwd(),
        project=PROJECT,
        inputs=(options.marley,) if options.marley else (),
    )
    texts = files(job)
    if options.dry_run:
        _plan(settings, options.parts)
        for name, text in texts.items():
            print(f"--- {job.folder / name}\n{text.rstrip()}")
    else:
        _submit(settings, job, texts)
        print(options.output)
    return 0


def _plan(settings: SimulationSettings, parts: int) -> EventList:
    """What is simulated. Raises ConfigError where it cannot be divided so."""
    from python.simulation.event_list import plan_events
    from python.simulation.marley_events import marley_list
    from python.simulation.production import Part

    events = plan_events(settings)
    Part(1, parts).files(events.n_files)
    if settings.marley_file:
        log.info("%s: %s", settings.marley_file, marley_list(settings.marley_file).summary())
    return events


def _submit(settings: SimulationSettings, job: SimulationJob, texts: Mapping[str, str]) -> None:
    from python.batch.simulation_job import pack
    from python.batch.submission import require_htcondor, submit, write_files
    from python.runs.files import LOGS
    from python.simulation.production import claim

    require_htcondor(dag=False)
    claim(job.data, settings, _plan(settings, job.parts))
    with writing_to(job.folder):
        (job.folder / LOGS).mkdir(parents=True, exist_ok=True)
    write_files(job.folder, texts)
    if job.batch.file_transfer:
        pack(job)
    cluster = submit(job.submitted_file, f"simulation.{job.data.name}")
    log.info("submitted %d parts as job %s", job.parts, cluster)


def _of_simulation(words: Sequence[str]) -> list[str]:
    """The options that say what is simulated, as they were written."""
    others = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_submission_options(others)
    others.add_argument("-o", "--output")
    return others.parse_known_args(words)[1]
