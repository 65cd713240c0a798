"""What HTCondor's queue says of jobs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

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
ASKED = ("ClusterId", "DAGManJobId", "JobStatus", "HoldReason", "RemoteHost", "JobCurrentStartDate", "JobUniverse")
SCHEDULER_UNIVERSE = 7  # in which DAGMan itself runs
MOST_TELLING = ("held", "running", "transferring output", "suspended", "idle", "completed", "removed")


@dataclass(frozen=True)
class Queued:
    """A cluster in the queue, or what a DAG has there: its state, why it is held, its host, and since when it runs (s, Unix)."""

    state: str
    reason: str = ""
    host: str = ""
    since: int | None = None


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
    job = min(nodes, key=lambda each: MOST_TELLING.index(STATES[each["JobStatus"]]))
    host = str(job.get("RemoteHost", "")).split("@")[-1]
    return Queued(STATES[job["JobStatus"]], str(job.get("HoldReason", "")), host, job.get("JobCurrentStartDate"))
