"""The batch systems that this project submits to: their commands, and what these say of a job."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from dataclasses import dataclass

from python.general_purpose_libs import ConfigError

ANSWER_WITHIN_S = 60
WORKERS = "workers.json"  # in the scratch folder of a search: which job its workers are


@dataclass(frozen=True)
class BatchSystem:
    """A batch system: its name, which ipyparallel uses too, and its commands.

    `query`, with a job's number or the user's name put in, prints a line of `alive` for each part of it that waits or runs.
    """

    name: str
    submit: str
    delete: str
    query: tuple[str, ...]
    alive: tuple[str, ...]


SYSTEMS = {
    "htcondor": BatchSystem(
        "HTCondor",
        "condor_submit",
        "condor_rm",
        ("condor_q", "{job}", "-autoformat", "JobStatus"),
        ("1", "2", "6", "7"),  # idle, running, sending its output, suspended; a held job does not go on by itself
    ),
    "slurm": BatchSystem(
        "Slurm", "sbatch", "scancel", ("squeue", "--noheader", "--user={user}", "--format=%F"), ("{job}",)
    ),
}


def is_queued(system: BatchSystem, job: str) -> bool:
    """Whether any part of the batch job still runs or waits for a node; True where the batch system does not answer."""
    command = [part.format(job=job, user=getpass.getuser()) for part in system.query]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return True
    alive = {part.format(job=job) for part in system.alive}
    return any(line.strip() in alive for line in answer.splitlines())


def require_commands(system: BatchSystem, remedy: str) -> None:
    """Raise ConfigError, which ends with `remedy`, where this machine cannot submit to the batch system."""
    for command in (system.submit, system.delete, system.query[0]):
        if shutil.which(command) is None:
            raise ConfigError(f"{system.name}'s {command} is not on the PATH of this machine; {remedy}")
