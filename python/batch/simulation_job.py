"""How HTCondor is asked for a simulation in parts: one description that queues a job for each, and the script that they run."""

from __future__ import annotations

import shlex
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from python.batch.packed import pack_environment
from python.batch.parcel import add_project
from python.batch.policy import policy
from python.batch.resources import htcondor_resources, submit_description
from python.batch.run_job import FOLDER, JOB, PARCEL, SCRIPT, check_path, packages, shared, universe
from python.batch.wrapper import LOST, PROJECT, environment
from python.config.schema import BatchJob
from python.general_purpose_libs import atomic_path
from python.runs.files import LOGS

DEFAULT = BatchJob(request_memory="2GB", request_gpus=0, job_flavour="workday")

HEAD = """#!/usr/bin/env bash
# Runs on the batch node with the number of a part, counted from 0. It becomes the simulation, whose exit code is the job's.
$lost
project=$project
"""

SHARED = """cd $start || lost "the folder that the job was submitted from is not seen"
"""

CARRIED = """if [[ ! -x $$project/scripts/init.sh ]]; then
    project=$$PWD/$copy
    [[ -d $$project ]] || tar -xzf $parcel $copy || lost "the project did not arrive"
fi
mkdir -p $data  # what is to be carried back must be there, whatever happens
"""

TAIL = """exec "$$project/scripts/simulate.sh" -o $data $options --workers $workers --part "$$(($$1 + 1))/$parts"
"""


@dataclass(frozen=True)
class SimulationJob:
    """`parts` jobs that together make the data set in the folder `data`, with the `options` of simulate.sh for its events.

    `data` and `project` are absolute, `start` is the folder that relative paths of the options begin at. `inputs` are files that
    the options name, by their path beside `start`.
    """

    data: Path
    options: tuple[str, ...]
    parts: int
    batch: BatchJob
    start: Path
    project: Path
    inputs: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that holds what is submitted."""
        return self.data / FOLDER

    @property
    def submitted_file(self) -> Path:
        return self.folder / JOB


def files(job: SimulationJob) -> dict[str, str]:
    """The description and the script, name to text. ConfigError: HTCondor cannot name the folder's path."""
    check_path(job.data)
    return {JOB: _description(job), SCRIPT: _script(job)}


def _description(job: SimulationJob) -> str:
    logs = job.folder / LOGS
    commands: dict[str, object] = {
        **universe(job.batch, job.start),
        "batch_name": f"simulation.{job.data.name}",
        "executable": job.folder / SCRIPT,
        "arguments": "$(Process)",
        "initialdir": job.data.parent,
        "output": logs / "$(Process).out",
        "error": logs / "$(Process).err",
        "log": logs / "job.log",
        **htcondor_resources(job.batch),
        **policy(job.batch),
        **(_carried(job) if job.batch.file_transfer else shared()),
    }
    commands.pop("checkpoint_exit_code", None)  # a simulation makes none: what is finished is a file of its own
    return submit_description({key: value for key, value in commands.items() if value != ""}, job.parts)


def _carried(job: SimulationJob) -> dict[str, object]:
    """What a part has made comes home also when it is evicted, and is not made again."""
    inputs = [job.folder / PARCEL, *packages(job.batch), *(job.start / name for name in job.inputs)]
    return {
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT_OR_EVICT",
        "transfer_input_files": ", ".join(map(str, inputs)),
        "transfer_output_files": job.data.name,
    }


def _script(job: SimulationJob) -> str:
    carried = job.batch.file_transfer
    names = {
        "project": job.project,
        "start": job.start,
        "parcel": PARCEL,
        "copy": PROJECT,
        "data": job.data.name if carried else job.data,
        "workers": job.batch.request_cpus,
        "parts": job.parts,
    }
    quoted = {"lost": LOST, **{name: shlex.quote(str(value)) for name, value in names.items()}}
    quoted["options"] = shlex.join(_as_arrived(job.options, job.inputs) if carried else job.options)
    head, tail = (Template(part).substitute(quoted) for part in (HEAD + (CARRIED if carried else SHARED), TAIL))
    return head + environment(job.batch) + tail


def _as_arrived(options: Sequence[str], inputs: Sequence[str]) -> list[str]:
    """The options where files lie beside the script."""
    arrived = list(options)
    for path in inputs:
        arrived = [
            option.removesuffix(path) + Path(path).name if _names(option, path) else option for option in arrived
        ]
    return arrived


def _names(option: str, path: str) -> bool:
    """Whether it is `path`, or --name=path."""
    return option == path or option.endswith(f"={path}")


def pack(job: SimulationJob) -> None:
    """Write what is carried. OutputError: it cannot be written."""
    with atomic_path(job.folder / PARCEL) as file, tarfile.open(file, "w:gz") as parcel:
        add_project(parcel, job.project)
    if job.batch.python_from == "packed":
        pack_environment()
