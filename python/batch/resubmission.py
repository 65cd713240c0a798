"""Giving a run to HTCondor once more, after its job has left the queue without having ended the training."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from python.batch.dag_outcome import MANAGER_LOG
from python.batch.queue import queued_jobs
from python.batch.run_job import DAG, FOLDER, JOB
from python.batch.standing import JobLogs
from python.batch.submission import submit
from python.config.format_version import read_configuration
from python.general_purpose_libs import ConfigError, read_json
from python.runs.files import CONFIG_FILE, LOGS
from python.runs.registry.names import folder_below, run_id
from python.runs.registry.registry import Registry
from python.runs.status import read_status


def to_resubmit(runs: Iterable[Path]) -> list[Path]:
    """Those of the runs that are not done.

    Raises ConfigError where one was not prepared for HTCondor, is running, or has a job that waits or runs.
    """
    runs = list(dict.fromkeys(run.absolute() for run in runs))
    for run in runs:
        _require_prepared(run)
    left = [run for run in runs if read_status(run)["state"] != "done"]
    logs = {run: JobLogs(run) for run in left}
    jobs = {run: logs[run].job(str(_entry(run).get("job", ""))) for run in left}
    queued = queued_jobs(jobs.values())
    if queued is None:
        raise ConfigError(
            "HTCondor's queue does not answer, and may hold the jobs still; try again when condor_q answers"
        )
    for run in left:
        standing = logs[run].standing(jobs[run], queued)
        if standing.is_alive and standing.job in queued:
            raise ConfigError(
                f"{run}: job {standing.job} is {standing.state}; wait for it, or remove it first with condor_rm {standing.job}"
            )
        if standing.is_alive:
            log = run / FOLDER / MANAGER_LOG if logs[run].is_dag else run / LOGS / "job.log"
            raise ConfigError(
                f"{run}: by its log job {standing.job} is {standing.state}, and the queue that answers here has it not; ask "
                f"where it was submitted from, and if it is lost remove {log}"
            )
        status = read_status(run)
        if status["state"] == "running":
            raise ConfigError(f"{run}: is running on {status['host']}; wait for it, or stop it first")
    return left


def _require_prepared(run: Path) -> None:
    if not (run / CONFIG_FILE).is_file():
        raise ConfigError(
            f"{run}: is no run folder, it has no {CONFIG_FILE}; give the folder that submit_condor.sh printed"
        )
    task = read_configuration(run / CONFIG_FILE).get("task", "TASK")
    if not (run / FOLDER / JOB).is_file():
        raise ConfigError(f"{run}: was not prepared for HTCondor; go on here with train_{task}.sh --resume {run}")


def resubmit(run: Path) -> str:
    """Submit the job, or the DAG, of which HTCondor then leaves out what is done; tell the registry, and return the number."""
    description = (run / FOLDER / JOB).read_text(encoding="utf-8")
    name = re.search(r"^batch_name = (.*)$", description, re.MULTILINE)
    file = run / FOLDER / (DAG if (run / FOLDER / DAG).exists() else JOB)
    cluster = submit(file, name[1] if name else run.name)
    output = output_folder(run)
    told = {"state": "idle", "seen": datetime.now(UTC).isoformat()}
    Registry(output).record(
        run_id(output, run),
        task=read_configuration(run / CONFIG_FILE)["task"],
        folder=folder_below(output, run),
        job=cluster,
        batch=told,
        state="submitted",
        message=None,
        ended=None,
    )
    return cluster


def output_folder(run: Path) -> Path:
    """The output folder whose registry knows the run; else the one that its configuration names."""
    for parent in run.absolute().parents:
        if (parent / "registry" / f"{run_id(parent, run)}.json").is_file():
            return parent
    return Path(read_configuration(run / CONFIG_FILE)["output_folder"])


def _entry(run: Path) -> dict:
    file = output_folder(run) / "registry" / f"{run_id(output_folder(run), run)}.json"
    return read_json(file) if file.is_file() else {}
