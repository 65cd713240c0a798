"""What HTCondor's queue says of jobs."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from python.batch.progress import PROGRESS, Progress, read_progress
from python.batch.systems import ANSWER_WITHIN_S, SYSTEMS
from python.general_purpose_libs import log

STATES = {  # "Job ClassAd Attributes", "JobStatus"
    1: "idle",
    2: "running",
    3: "removed",
    4: "completed",
    5: "held",
    6: "transferring output",
    7: "suspended",
}
ASKED = (
    *("ClusterId", "DAGManJobId", "JobStatus", "JobUniverse", "HoldReason", "RemoteHost", "JobCurrentStartDate"),
    *("EnteredCurrentStatus", "LastRejMatchReason", "VacateReason"),
    *("RequestMemory", "RequestCpus", "RequestGPUs", PROGRESS),
)
SCHEDULER_UNIVERSE = 7  # in which DAGMan itself runs
MOST_TELLING = ("held", "running", "transferring output", "suspended", "idle", "completed", "removed", "not known")


@dataclass(frozen=True)
class Queued:
    """A cluster in the queue, or what a DAG has there.

    Its state, why it is held or idle, its host, and since when it runs (s, Unix); what its training said of itself, and how many
    of several jobs are in which state.
    """

    state: str
    reason: str = ""
    host: str = ""
    since: int | None = None
    progress: Progress | None = None
    counts: tuple[tuple[str, int], ...] = ()


def queued_jobs(clusters: Iterable[str]) -> dict[str, Queued] | None:
    """What is in the queue of the clusters of jobs or DAGs; None where HTCondor is not there or does not answer."""
    program, wanted = SYSTEMS["htcondor"].query[0], sorted({cluster for cluster in clusters if cluster.isdigit()})
    if shutil.which(program) is None:
        return None
    if not wanted:
        return {}
    constraint = " || ".join(f"ClusterId == {cluster} || DAGManJobId =?= {cluster}" for cluster in wanted)
    command = [program, "-json", "-attributes", ",".join(ASKED), "-constraint", constraint]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=True).stdout
        jobs = json.loads(answer) if answer.strip() else []
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        log.warning("%s does not answer (%s); states are those that the runs wrote", program, error)
        return None
    return {cluster: found for cluster in wanted if (found := _summary(cluster, jobs)) is not None}


def _summary(cluster: str, jobs: list[dict]) -> Queued | None:
    """The most telling of the jobs; DAGMan's own counts where none of its nodes is in the queue."""
    mine = [job for job in jobs if cluster in (str(job.get("ClusterId")), str(job.get("DAGManJobId")))]
    nodes = [job for job in mine if job.get("JobUniverse") != SCHEDULER_UNIVERSE] or mine
    if not nodes:
        return None
    job = min(nodes, key=lambda each: MOST_TELLING.index(_state(each)))
    counted = Counter(map(_state, nodes))
    counts = tuple((state, counted[state]) for state in MOST_TELLING if counted[state]) if len(nodes) > 1 else ()
    host = str(job.get("RemoteHost", "")).split("@")[-1]
    return Queued(
        _state(job),
        _reason(job),
        host,
        job.get("JobCurrentStartDate"),
        read_progress(job.get(PROGRESS)),
        counts,
    )


def _state(job: dict) -> str:
    return STATES.get(job.get("JobStatus", 0), "not known")


def _reason(job: dict) -> str:
    """Why the job is held, or idle."""
    state = _state(job)
    if state == "held":
        return str(job.get("HoldReason", "")).strip()
    if state != "idle" or "EnteredCurrentStatus" not in job:
        return ""
    waits = f"waits since {in_words(time.time() - job['EnteredCurrentStatus'])} for a node with {_asks_for(job)}"
    told = [str(job.get("LastRejMatchReason", "")).strip(), str(job.get("VacateReason", "")).strip()]
    said = [f"the pool says: {told[0]}"] * bool(told[0]) + [f"it left the last one: {told[1]}"] * bool(told[1])
    return "; ".join([waits, *said, f"condor_q -better-analyze {job['ClusterId']} tells which nodes fit"])


def _asks_for(job: dict) -> str:
    asked = {"RequestMemory": "MB of memory", "RequestCpus": "cores", "RequestGPUs": "GPUs"}
    told = [f"{job[name]} {unit}" for name, unit in asked.items() if isinstance(job.get(name), int) and job[name]]
    return ", ".join(told) or "what it asks for"


def in_words(seconds: float) -> str:
    """Hours and minutes."""
    minutes = max(int(seconds), 0) // 60
    return f"{minutes // 60} h {minutes % 60:02d} min"
