"""Which process this is, told so that another one, later or elsewhere, can say whether it still lives."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

PROC = Path("/proc")
JOB_AD = "_CONDOR_JOB_AD"  # HTCondor names the file with what it knows of the job here
STATE, STARTED = 3 - 3, 22 - 3  # fields of /proc/PID/stat that follow the command's name, proc(5)
DEAD = "ZX"


def this_process() -> dict[str, Any]:
    """Host and number, and what tells this process from another of the same number and host.

    `boot` of the machine, `pid_namespace`, `process_started` (clock ticks after the boot), and the `batch_job` that it is in;
    what the system does not say is left out.
    """
    told = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "boot": _boot(),
        "pid_namespace": _pid_namespace(),
        "process_started": _started(os.getpid()),
        "batch_job": batch_job(),
    }
    return {name: value for name, value in told.items() if value is not None}


def lives(told: dict[str, Any]) -> bool | None:
    """Whether the process that `told` itself (`this_process`) lives; None where that cannot be seen from here.

    A batch system starts a job again once it is sure that the start before is over: an earlier start of this job is gone.
    """
    own, other = batch_job(), told.get("batch_job")
    if own and other and own["id"] == other["id"] and own["start"] > other["start"]:
        return False
    here = {"host": socket.gethostname(), "boot": _boot(), "pid_namespace": _pid_namespace()}
    if not PROC.is_dir() or any(told.get(name, value) != value for name, value in here.items()):
        return None
    started = _started(told["pid"])
    return started is not None and told.get("process_started", started) == started


def batch_job() -> dict[str, Any] | None:
    """The batch job that this process is in: its `id`, never another's, and the number of its `start`, from 1; None outside."""
    if JOB_AD in os.environ:
        ad = dict(re.findall(r'^(\w+) = "?(.*?)"?$', _text(os.environ[JOB_AD]) or "", re.MULTILINE))
        if "GlobalJobId" not in ad:
            return None
        number = {"cluster": int(ad["ClusterId"]), "proc": int(ad["ProcId"])}
        return {"id": ad["GlobalJobId"], **number, "start": int(ad.get("NumJobStarts", 0)) + 1}
    if "SLURM_JOB_ID" in os.environ:
        name = f"{os.environ.get('SLURM_CLUSTER_NAME', '')}#{os.environ['SLURM_JOB_ID']}"
        return {"id": name, "start": int(os.environ.get("SLURM_RESTART_COUNT", 0)) + 1}
    return None


def _text(path: str | Path) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _boot() -> str | None:
    return _text(PROC / "sys/kernel/random/boot_id")


def _pid_namespace() -> str | None:
    try:
        return str((PROC / "self/ns/pid").readlink())
    except OSError:
        return None


def _started(pid: int) -> int | None:
    """When process `pid` of this PID namespace started, in clock ticks after the boot; None when there is none that lives."""
    stat = _text(PROC / str(pid) / "stat")
    if stat is None:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[STATE] in DEAD else int(fields[STARTED])
