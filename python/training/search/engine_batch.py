"""What a batch system is told about the workers of a search: HTCondor and Slurm."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from python.batch.node import exports
from python.batch.resources import htcondor_resources, slurm_resources, submit_description
from python.batch.systems import SYSTEMS, require_commands
from python.config.schema import BatchJob
from python.general_purpose_libs import ConfigError
from python.processes.own_code import own_code

WORKER_SCRIPT = "worker.sh"
DESCRIPTIONS = {"htcondor": "workers.sub", "slurm": "workers.sbatch"}
ELSEWHERE = 'start the search where jobs can be submitted from, or set "search": {"engine": "local"}'


def require_batch_system(name: str, batch: BatchJob) -> None:
    """Raise ConfigError where this machine cannot submit to the batch system `name`, or `batch` asks for what workers lack."""
    require_commands(SYSTEMS[name], ELSEWHERE)
    for key in ("file_transfer", "lcg_view", "container_image"):
        if getattr(batch, key):
            raise ConfigError(
                f"batch_job.{key}: the workers of a search share its folder and its Python with the machine that it was "
                'started on; leave the key out, or set "search": {"engine": "local"} and submit the search itself'
            )


def engine_descriptions(
    name: str, workers: int, batch: BatchJob, folder: Path = Path("FOLDER"), title: str = "search"
) -> dict[str, str]:
    """Return the files, name to text, by which `workers` jobs of the batch system `name` are submitted from `folder`.

    `title` is what the batch system shows of them to people.
    """
    describe = {"htcondor": _htcondor, "slurm": _slurm}[name]
    return {
        DESCRIPTIONS[name]: describe(workers, batch, folder, title),
        WORKER_SCRIPT: _worker_script(batch, folder),
    }


def connection_file(folder: Path) -> Path:
    """The file by which workers find the controller, and which holds the key that both sign messages with."""
    return folder / "security" / "ipcontroller-engine.json"


def _htcondor(workers: int, batch: BatchJob, folder: Path, title: str) -> str:
    commands = {
        "universe": "vanilla",
        "batch_name": title,
        "executable": folder / WORKER_SCRIPT,
        "output": folder / "log" / "worker.$(Cluster).$(Process).out",
        "error": folder / "log" / "worker.$(Cluster).$(Process).err",
        "log": folder / "log" / "workers.$(Cluster).log",
    }
    return submit_description(commands | htcondor_resources(batch), workers)


def _slurm(workers: int, batch: BatchJob, folder: Path, title: str) -> str:
    options = {
        "job-name": shlex.quote(title),
        "array": f"1-{workers}",
        "output": shlex.quote(str(folder / "log" / "worker.%A.%a.out")),
        **slurm_resources(batch),
    }
    lines = [f"#SBATCH --{key}={value}" for key, value in options.items()]
    return "\n".join(["#!/bin/bash", *lines, f"exec {shlex.quote(str(folder / WORKER_SCRIPT))}", ""])


def _worker_script(batch: BatchJob, folder: Path) -> str:
    file = str(connection_file(folder))
    worker = [
        sys.executable,
        "-m",
        "python.training.search.ends_with_parent",
        "--controller",
        file,
        "--",
        *engine_command(),
    ]
    worker += [f"--file={file}", f"--profile-dir={folder}"]
    environment = exports(batch, same_python=True, **own_code(), IPYTHONDIR=str(folder))
    return "\n".join(
        ["#!/bin/bash", *environment, f"cd {shlex.quote(str(Path.cwd()))} || exit 1", f"exec {shlex.join(worker)}", ""]
    )


def engine_command() -> list[str]:
    """The command that runs ipyparallel's engine, in which trials run.

    Its nanny process and its own watch over the controller are left out: `ends_with_parent` does the work of both.
    """
    settings = {"enable_nanny": False, "timeout": 60, "max_heartbeat_misses": 0}
    return [
        sys.executable,
        "-m",
        "ipyparallel.engine",
        *(f"--IPEngine.{key}={value}" for key, value in settings.items()),
    ]
