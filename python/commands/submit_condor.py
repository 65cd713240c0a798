"""submit_condor.sh: train on HTCondor. What is submitted is a prepared run folder, which the job resumes."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.tasks import load_task
from python.general_purpose_libs import PROJECT, ConfigError, DataError, log, run_command, start_logging, writing_to
from python.runs.files import LOGS
from python.runs.find import TRIES
from python.runs.status import RunStatus
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.batch.run_job import RunJob
    from python.config.schema import RunConfig
    from python.training.request import TrainingRequest
    from python.training.task import Task

SIMULATION = "simulation"
TRY_SAMPLES = 500
NOT_WITH_RESUME = {
    "task": "-t",
    "json": "-j",
    "output": "-o",
    "data": "-d",
    "overrides": "--set",
    "ensemble": "--ensemble",
    "folds": "--folds",
    "a_try": "--try",
    "skip_bad_files": "--skip-bad-files",
    "force_version": "--force-version",
}
RESAMPLING = {"ensemble": "bootstrap", "folds": "cross_validation"}


@dataclass(frozen=True)
class Planned:
    """A training that is to be submitted: its configuration, and how a launcher would have been asked for it."""

    file: str
    config: RunConfig
    request: TrainingRequest

    @property
    def a_try(self) -> bool:
        return self.request.submitted is not None and self.request.submitted.a_try

    @property
    def members(self) -> int:
        """How many nodes train side by side; 0: one job does all, as after a search, whose result all members share."""
        ensemble = self.config.ensemble
        return 0 if ensemble is None or self.config.search_requested else ensemble.members


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="submit_condor.sh",
        allow_abbrev=False,
        description="Train on HTCondor: make a run folder for each configuration, and submit a job that trains in it. What a job "
        'asks for stands in the configuration\'s section "batch_job". Nothing is made before all configurations are found right. '
        "A job that is evicted goes on from its checkpoint. The last lines of standard output are the run folders. "
        "With -t simulation jobs make a simulated data set in parts, see submit_condor.sh -t simulation -h.",
        epilog="Exit codes: 0 submitted, or done already, 2 a configuration, the usage, no HTCondor, or a run that waits or "
        "runs, 3 data missing, 5 output not writable. "
        "example: ./scripts/submit_condor.sh -t mt_identifier -j json/mt_identifier/production_v1.json --dry-run",
    )
    add = parser.add_argument
    add("-t", "--task", choices=TASKS, help="the task of the configurations (required unless --resume is given)")
    add(
        "-j",
        "--json",
        metavar="FILE",
        nargs="+",
        help="configurations, a run for each (required unless --resume is given)",
    )
    add(
        "--resume",
        metavar="RUN",
        nargs="+",
        type=Path,
        help="instead: submit again what left the queue before it was done; of an ensemble what is not done",
    )
    add("-o", "--output", type=named_path, metavar="DIR", help="output folder instead of the configurations'")
    add("-d", "--data", metavar="DIR", nargs="+", help="data folders instead of the configurations'")
    add(
        "--set",
        metavar="KEY.PATH=VALUE",
        nargs="+",
        action="extend",
        default=[],
        dest="overrides",
        help="change values of the configurations, such as batch_job.job_flavour=workday",
    )
    several = parser.add_mutually_exclusive_group()
    several.add_argument(
        "--ensemble",
        metavar="N",
        type=int,
        help="N members, each on a sample drawn anew (bootstrap) and a node of its own",
    )
    several.add_argument(
        "--folds", metavar="K", type=int, help="K members, each without one fold of the training part, each on a node"
    )
    several.add_argument(
        "--try",
        dest="a_try",
        action="store_true",
        help=f"only try it out on a node: environment, GPU and data, one epoch on {TRY_SAMPLES} samples in a job of 20 minutes; "
        f"such runs stand in OUTPUT/{TRIES}, outside the registry, and job_status.sh shows how they end",
    )
    add("--skip-bad-files", action="store_true", help="leave broken data files out and count them")
    add("--force-version", action="store_true", help="accept a version that a run already has")
    add("--dry-run", action="store_true", help="show what would be submitted and registered; make nothing")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else list(argv)
    if (of_simulation := _asks_for_simulation(words)) is not None:
        from python.commands import submit_simulation

        return submit_simulation.main(of_simulation)
    parser = make_parser()
    options = parser.parse_args(words)
    start_logging(options.verbose)
    if options.resume:
        if given := [option for name, option in NOT_WITH_RESUME.items() if getattr(options, name)]:
            parser.error(f"--resume takes runs as they were prepared; it does not go with {', '.join(given)}")
        return _resumed(options)
    if not (options.task and options.json):
        parser.error("give -t TASK and configurations with -j FILE, or runs to go on with --resume RUN")
    task = load_task(options.task)
    planned = _all_planned(task, options)
    _check_versions(task, planned)
    for plan in planned:
        _check(_job(task, plan, _example_folder(task, plan.config)), plan)
        _propose(plan)
    if options.dry_run:
        for plan in planned:
            print("\n".join(_shown(task, plan)))
        return 0
    from python.batch.submission import require_htcondor

    require_htcondor(dag=any(plan.members for plan in planned))
    for plan in planned:
        print(_submitted(task, plan))
    return 0


def _asks_for_simulation(words: Sequence[str]) -> list[str] | None:
    """The other words of a command line with the task "simulation", which has options of its own; None for other tasks."""
    of_task = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    of_task.add_argument("-t", "--task", nargs="?")
    task, others = of_task.parse_known_args(words)
    return others if task.task == SIMULATION else None


def _resumed(options: argparse.Namespace) -> int:
    """Submit again what is not done of the runs."""
    from python.batch.resubmission import resubmit, to_resubmit
    from python.batch.run_job import DAG, FOLDER
    from python.batch.submission import require_htcondor

    require_htcondor(dag=any((run / FOLDER / DAG).exists() for run in options.resume))
    left = to_resubmit(options.resume)
    for run in options.resume:
        if run.absolute() not in left:
            log.info("%s is done already", run)
    for run in left:
        if options.dry_run:
            log.info("would be submitted again: %s", run)
        else:
            log.info("submitted %s as job %s", run, resubmit(run))
            print(run)
    return 0


# ---------------------------------------------------------------------------- before anything is made
def _all_planned(task: Task, options: argparse.Namespace) -> list[Planned]:
    planned, mistakes = [], []
    for file in options.json:
        try:
            planned.append(_planned(task, file, options))
        except ConfigError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return planned


def _planned(task: Task, file: str, options: argparse.Namespace) -> Planned:
    from python.config.load import load_config
    from python.config.overrides import Options
    from python.training.provenance import git_commit
    from python.training.request import Submission, TrainingRequest

    overrides = list(options.overrides)
    for option, resampling in RESAMPLING.items():
        if (members := getattr(options, option)) is not None:
            overrides.append(f"ensemble={json.dumps({'members': members, 'resampling': resampling})}")
    where = Options(options.output, options.data)
    config = load_config(file, task.schema, overrides, where)
    if options.a_try:
        overrides += _overrides_of_a_try(task, config, file)
        elsewhere = replace(where, output_folder=f"{config.output_folder}/{TRIES}")
        config = load_config(file, task.schema, overrides, elsewhere)
    request = TrainingRequest(
        json=file,
        output=options.output,
        data=options.data and tuple(options.data),
        overrides=tuple(overrides),
        skip_bad_files=options.skip_bad_files,
        force_version=options.force_version,
        verbose=options.verbose,
        submitted=Submission(options.a_try, git_commit()),
    )
    return Planned(file, config, request)


def _overrides_of_a_try(task: Task, config: RunConfig, file: str) -> list[str]:
    """What makes a configuration a short one: of a search or an ensemble the plain network."""
    samples = min(config.dataset_parameters.max_samples or TRY_SAMPLES, TRY_SAMPLES)
    values = {
        "model_name": task.architecture(config).searches or config.model_name,
        "version": None,
        "description": f"a try of {file}",
        "dataset_parameters.max_samples": samples,
        "model_parameters.epochs": 1,
        "model_parameters.hp_max_evals": None,
        "model_parameters.space_options": None,
        "ensemble": None,
        "batch_job.job_flavour": "espresso",
    }
    return [f"{name}={json.dumps(value)}" for name, value in values.items()]


def _propose(plan: Planned) -> None:
    """Say what the job could ask for, where one like it is known. Nothing is changed."""
    from python.batch.usage import proposal
    from python.runs.registry.registry import Registry

    if not plan.a_try and (said := proposal(plan.config, Registry(plan.config.output_folder))):
        log.info("%s: %s", plan.file, said)


def _check_versions(task: Task, planned: Sequence[Planned]) -> None:
    """Raise ConfigError where two runs would have one version; who is later would be refused when the first is submitted."""
    from python.runs.registry.registry import Registry

    files: dict[tuple[str, str], str] = {}
    for plan in planned:
        version, output = plan.config.version, plan.config.output_folder
        if version is None or plan.request.force_version:
            continue
        if (output, version) in files:
            raise ConfigError(
                f'{files[output, version]} and {plan.file}: have the same version "{version}"; give each its own, or go on with '
                "--force-version"
            )
        files[output, version] = plan.file
        try:
            Registry(output).require_free(task.schema.name, version)
        except ConfigError as error:
            raise ConfigError(f"{plan.file}: {error}") from error


def _check(job: RunJob, plan: Planned) -> None:
    """Raise what a node would find wrong hours later."""
    from python.batch.packed import require_packable
    from python.batch.parcel import check_carried, check_data
    from python.batch.run_job import descriptions

    config, batch = plan.config, plan.config.batch_job
    if config.search_requested and config.search.engine != "local":
        raise ConfigError(
            f"{plan.file}: search.engine: a batch job cannot submit others; start the search with train_{job.task}.sh, "
            'or set "search": {"engine": "local"}'
        )
    if batch.transfer_data and not batch.file_transfer:
        raise ConfigError(
            f"{plan.file}: batch_job.transfer_data: only with batch_job.file_transfer; set both or neither"
        )
    descriptions(job)
    if batch.python_from == "packed":
        require_packable()
    if batch.file_transfer:
        check_data(config.named_folders, batch.transfer_data)
    seen_from_here = batch.transfer_data or not batch.file_transfer
    missing = [folder for folder in config.named_folders if seen_from_here and not Path(folder).is_dir()]
    if missing:
        raise DataError(f"{', '.join(missing)}: no such folder; correct data_directories of {plan.file}, or give -d")
    check_carried(job, plan.request.skip_bad_files)


# ---------------------------------------------------------------------------- what is submitted
def _example_folder(task: Task, config: RunConfig) -> Path:
    """A folder as the run would have it if it were made now."""
    return Path(config.output_folder, *task.parts_of(config), f"{datetime.now():%Y%m%d_%H%M%S}")


def _job(task: Task, plan: Planned, run: Path) -> RunJob:
    from python.batch.run_job import RunJob

    batch = plan.config.batch_job
    return RunJob(
        task=task.schema.name,
        run=run.absolute(),
        batch=batch,
        name=re.sub(r"[^\w.+-]", "_", f"{'try.' * plan.a_try}{task.schema.name}.{plan.config.version or run.name}"),
        start=Path.cwd(),
        project=PROJECT,
        members=plan.members,
        data=plan.config.named_folders if batch.transfer_data else (),
        searched=plan.config.search_requested,
        every_epoch=plan.config.save_outputs.every_epoch,
    )


def _files(job: RunJob) -> dict[str, str]:
    from python.batch.run_job import SCRIPT, descriptions
    from python.batch.wrapper import wrapper

    return {**descriptions(job), SCRIPT: wrapper(job)}


def _shown(task: Task, plan: Planned) -> Iterator[str]:
    from python.config.load import dump_config
    from python.runs.facts import summary
    from python.runs.registry.names import folder_below, run_id

    config, folder = plan.config, _example_folder(task, plan.config)
    job = _job(task, plan, folder)
    for name, text in _files(job).items():
        yield f"--- {job.folder / name}\n{text.rstrip()}"
    entry = {
        "run": run_id(config.output_folder, folder),
        "task": task.schema.name,
        "version": config.version or "made up from the date",
        "model_name": config.model_name,
        "folder": folder_below(config.output_folder, folder),
        "configuration": summary(dump_config(config)),
        "configuration_file": plan.file,
        "rationale": config.description,
        "state": "submitted",
        **_facts_of_the_job(plan, "the number of HTCondor"),
    }
    yield f"--- would be registered in {config.output_folder}\n{json.dumps(entry, indent=2)}"


def _facts_of_the_job(plan: Planned, cluster: str) -> dict[str, Any]:
    return {"job": cluster, "flavour": plan.config.batch_job.job_flavour}


def _submitted(task: Task, plan: Planned) -> Path:
    """Make the run folder, submit it, register the job, and return the folder."""
    from python.batch.parcel import pack
    from python.batch.submission import submit, write_files
    from python.runs.registry.names import run_id
    from python.runs.registry.registry import Registry
    from python.training.run_folder import new_run

    folder = new_run(task, plan.config, plan.request)
    job = _job(task, plan, folder)
    for place in (job.folder, folder / LOGS):
        with writing_to(place):
            place.mkdir(exist_ok=True)
    write_files(job.folder, _files(job))
    if job.batch.file_transfer:
        pack(job)
    try:
        cluster = submit(job.submitted_file, job.name)
    except ConfigError as error:
        remedy = f"mend that and submit again, with --force-version if it has a version; {folder} is kept as failed"
        RunStatus(folder).update("failed", message=str(error))
        raise ConfigError(f"{error}; {remedy}") from error
    Registry(plan.config.output_folder).record(
        run_id(plan.config.output_folder, folder), **_facts_of_the_job(plan, cluster)
    )
    log.info("submitted %s as job %s", plan.file, cluster)
    return folder


if __name__ == "__main__":
    sys.exit(run_command(main))
