"""What a batch system is told about the workers of a search: HTCondor and Slurm."""

from __future__ import annotations

import getpass
import math
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from python.config.schema import BatchJob
from python.general_purpose_libs import ConfigError

ROOT = Path(__file__).resolve().parents[3]
THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
# what makes a worker's Python the same as the search's; the rest of the environment belongs to the batch node
INHERITED = (
    "PATH",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "VIRTUAL_ENV",
    "KERAS_BACKEND",
    "TF_CPP_MIN_LOG_LEVEL",
    "MPLBACKEND",
)
MINUTES_OF_FLAVOUR = {
    "espresso": 20,
    "microcentury": 60,
    "longlunch": 2 * 60,
    "workday": 8 * 60,
    "tomorrow": 24 * 60,
    "testmatch": 3 * 24 * 60,
    "nextweek": 7 * 24 * 60,
}


@dataclass(frozen=True)
class BatchSystem:
    """A batch system: its name, which ipyparallel uses too, its commands, and the file that is submitted.

    `query`, with a job's number or the user's name put in, prints a line of `alive` for each part of it that waits or runs.
    """

    name: str
    submit: str
    delete: str
    query: tuple[str, ...]
    alive: tuple[str, ...]
    description: str


HTCONDOR_ALIVE = (
    "1",
    "2",
    "6",
    "7",
)  # idle, running, sending its output, suspended; a held job does not go on by itself
SYSTEMS = {
    "htcondor": BatchSystem(
        "HTCondor",
        "condor_submit",
        "condor_rm",
        ("condor_q", "{job}", "-autoformat", "JobStatus"),
        HTCONDOR_ALIVE,
        "workers.sub",
    ),
    "slurm": BatchSystem(
        "Slurm",
        "sbatch",
        "scancel",
        ("squeue", "--noheader", "--user={user}", "--format=%F"),
        ("{job}",),
        "workers.sbatch",
    ),
}


def is_queued(system: BatchSystem, job: str) -> bool:
    """Whether any worker of the batch job still runs or waits for a node; True where the batch system does not answer."""
    command = [part.format(job=job, user=getpass.getuser()) for part in system.query]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return True
    alive = {part.format(job=job) for part in system.alive}
    return any(line.strip() in alive for line in answer.splitlines())


def require_commands(system: BatchSystem) -> None:
    """Raise ConfigError where this machine cannot submit to the batch system."""
    for command in (system.submit, system.delete, system.query[0]):
        if shutil.which(command) is None:
            raise ConfigError(
                f"search.engine: {system.name}'s {command} is not on the PATH of this machine; start the search where jobs "
                'can be submitted from, or set "search": {"engine": "local"}'
            )


def engine_descriptions(name: str, workers: int, batch: BatchJob, folder: Path = Path("FOLDER")) -> dict[str, str]:
    """Return the files, name to text, by which `workers` jobs of the batch system `name` are submitted from `folder`."""
    script = folder / "worker.sh"
    describe = {"htcondor": _htcondor, "slurm": _slurm}[name]
    return {
        SYSTEMS[name].description: describe(workers, batch, folder, script),
        script.name: _worker_script(batch, folder),
    }


def connection_file(folder: Path) -> Path:
    """The file by which workers find the controller, and which holds the key that both sign messages with."""
    return folder / "security" / "ipcontroller-engine.json"


def _megabytes(memory: str) -> int:
    number, unit = memory[:-2].strip(), memory[-2:]
    return math.ceil(float(number) * {"MB": 1, "GB": 1024, "TB": 1024**2}[unit])


def _htcondor(workers: int, batch: BatchJob, folder: Path, script: Path) -> str:
    lines = {
        "universe": "vanilla",
        "executable": script,
        "output": folder / "log" / "worker.$(Cluster).$(Process).out",
        "error": folder / "log" / "worker.$(Cluster).$(Process).err",
        "log": folder / "log" / "workers.$(Cluster).log",
        "request_cpus": batch.request_cpus,
        "request_memory": f"{_megabytes(batch.request_memory)}MB",
    }
    if batch.request_gpus:
        lines["request_gpus"] = batch.request_gpus
    if batch.accounting_group:
        lines["accounting_group"] = batch.accounting_group
    lines["+JobFlavour"] = f'"{batch.job_flavour}"'
    return "\n".join(f"{key} = {value}" for key, value in lines.items()) + f"\nqueue {workers}\n"


def _slurm(workers: int, batch: BatchJob, folder: Path, script: Path) -> str:
    options = {
        "job-name": "search-workers",
        "array": f"1-{workers}",
        "output": shlex.quote(str(folder / "log" / "worker.%A.%a.out")),
        "cpus-per-task": batch.request_cpus,
        "mem": f"{_megabytes(batch.request_memory)}M",
        "time": MINUTES_OF_FLAVOUR[batch.job_flavour],
    }
    if batch.request_gpus:
        options["gres"] = f"gpu:{batch.request_gpus}"
    if batch.accounting_group:
        options["account"] = batch.accounting_group
    lines = [f"#SBATCH --{key}={value}" for key, value in options.items()]
    return "\n".join(["#!/bin/bash", *lines, f"exec {shlex.quote(str(script))}", ""])


def _worker_script(batch: BatchJob, folder: Path) -> str:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment["PYTHONPATH"] = python_path()
    environment.update(dict.fromkeys(THREAD_SETTINGS, str(batch.request_cpus)))
    environment["IPYTHONDIR"] = str(folder)
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    file = str(connection_file(folder))
    worker = [
        sys.executable,
        "-m",
        "python.training.search.engine_lifeline",
        "--controller",
        file,
        "--",
        *engine_command(),
    ]
    worker += [f"--file={file}", f"--profile-dir={folder}"]
    return "\n".join(
        ["#!/bin/bash", *exports, f"cd {shlex.quote(str(Path.cwd()))} || exit 1", f"exec {shlex.join(worker)}", ""]
    )


def python_path() -> str:
    """The PYTHONPATH under which a worker finds this project, and whatever else this process was given."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([str(ROOT), *filter(None, given)]))


def engine_command() -> list[str]:
    """The command that runs ipyparallel's engine, in which trials run.

    Its nanny process and its own watch over the controller are left out: `engine_lifeline` does the work of both.
    """
    settings = {"enable_nanny": False, "timeout": 60, "max_heartbeat_misses": 0}
    return [
        sys.executable,
        "-m",
        "ipyparallel.engine",
        *(f"--IPEngine.{key}={value}" for key, value in settings.items()),
    ]
