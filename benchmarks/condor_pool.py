"""What becomes of jobs in the HTCondor pool of this machine: the table of docs/batch.md, one small training for each row.

Every job must end like the one that was left alone, to the last bit, or leave the queue where it is said to. Without a pool
nothing is measured. Nodes must have what an `install` environment needs; the training runs on one core, without a GPU.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, save_result
from python.batch.systems import ANSWER_WITHIN_S
from python.general_purpose_libs import read_json
from python.runs.files import HISTORY_FILE, LOGS
from python.runs.status import read_status
from python.simulation.embedded import embedded_data_set

LONGEST_S = 3600
EVERY_S = 5
SETTINGS = {
    "device": "cpu",
    "model_parameters.epochs": 600,
    "model_parameters.early_stopping": None,
    "batch_job.request_gpus": 0,
    "batch_job.request_memory": "2GB",
    "batch_job.job_flavour": "workday",
    "batch_job.checkpoint_minutes": 1,
}
FACTS = ("JobStatus", "NumJobStarts", "NumJobCompletions", "NumVacatesByReason", "NumHolds", "RequestMemory")


@dataclass(frozen=True)
class Job:
    """A training that was submitted."""

    run: Path
    cluster: str


def condor(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=True).stdout


def pool_answers() -> bool:
    try:
        return bool(condor("condor_status", "-af", "Machine").split())
    except (OSError, subprocess.SubprocessError):
        return False


def submit(place: Path, data: Path, carried: bool, **settings: Any) -> Job:
    """Submit the quick test with 600 epochs, some minutes, to nodes that see `place` or to which the run is carried."""
    given = {**SETTINGS, "batch_job.file_transfer": carried, **settings}
    line = ["-t", "mt_identifier", "-j", ROOT / "json" / "mt_identifier" / "quick_test.json", "-o", place, "-d", data]
    line += ["--set", *(f"{name}={json.dumps(value)}" for name, value in given.items())]
    run = Path(condor(str(ROOT / "scripts" / "submit_condor.sh"), *map(str, line)).split()[-1])
    return Job(run, cluster_of(run))


def cluster_of(run: Path) -> str:
    """The number of the job that was submitted last for the run, as its event log tells it."""
    events = (run / LOGS / "job.log").read_text().splitlines()
    submitted = [line for line in events if line.startswith("000 (")]
    return submitted[-1].partition("(")[2].split(".")[0].lstrip("0")


def facts(job: Job) -> dict[str, Any]:
    """What the queue says of the job, or the history where it has left the queue."""
    for program in ("condor_q", "condor_history"):
        said = condor(program, job.cluster, "-json", "-attributes", ",".join(FACTS))
        if said.strip():
            return json.loads(said)[0] | {"in_queue": program == "condor_q"}
    return {"in_queue": True}


def wait(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_S
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {LONGEST_S} s")
        time.sleep(EVERY_S)


def trains(job: Job) -> bool:
    """Whether it has come to an epoch; a run that is carried says nothing meanwhile, so its first checkpoint is waited for."""
    if (job.run / "job" / "parcel.tar.gz").exists():
        return "Started transferring output files" in (job.run / LOGS / "job.log").read_text()
    return "epoch" in read_status(job.run)


def left_alone(_job: Job) -> None:
    """Nothing happens to it."""


def evicted(job: Job) -> None:
    condor("condor_vacate_job", job.cluster)


def evicted_at_once(job: Job) -> None:
    condor("condor_vacate_job", "-fast", job.cluster)


def held_by_the_user(job: Job) -> None:
    asked = facts(job)["RequestMemory"]
    condor("condor_hold", job.cluster)
    wait("held", lambda: facts(job).get("JobStatus") == 5)
    if facts(job)["RequestMemory"] != asked:
        raise SystemExit("a hold by the user asks for more memory")
    condor("condor_release", job.cluster)


def removed_and_submitted_again(job: Job) -> None:
    condor("condor_rm", job.cluster)
    wait("removed", lambda: not facts(job)["in_queue"])
    condor("condor_submit", str(job.run / "job" / "job.sub"))


SITUATIONS = (left_alone, evicted, evicted_at_once, held_by_the_user, removed_and_submitted_again)


def went_through(situation: Callable[[Job], None], place: Path, carried: bool) -> tuple[Path, dict[str, Any]]:
    """A job to which this happens while it trains, and how it ended."""
    begin, job = time.monotonic(), submit(place, embedded_data_set().absolute(), carried)
    wait("trains", lambda: trains(job))
    situation(job)
    job = Job(job.run, cluster_of(job.run))
    wait("leaves the queue", lambda: not facts(job)["in_queue"])
    told = {"state": read_status(job.run)["state"], "seconds": round(time.monotonic() - begin)} | facts(job)
    return job.run, {"situation": situation.__name__, "carried": carried, **told}


def bad_data(place: Path, carried: bool) -> dict[str, Any]:
    """A job whose data cannot be read: it must leave the queue after its first start."""
    data = place / "bad_data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "broken_planeX.npz").write_bytes(b"")
    job = submit(place, data.absolute(), carried)
    wait("leaves the queue", lambda: not facts(job)["in_queue"])
    return {"situation": "bad_data", "carried": carried, **facts(job)}


def done_and_submitted_again(run: Path) -> dict[str, Any]:
    """A run that is done must say so and leave the queue."""
    condor("condor_submit", str(run / "job" / "job.sub"))
    job = Job(run, cluster_of(run))
    wait("leaves the queue", lambda: not facts(job)["in_queue"])
    said = "is done already" in (run / LOGS / "job.err").read_text()
    return {"situation": "done_and_submitted_again", "said": said, "state": read_status(run)["state"], **facts(job)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "-o", "--output", type=Path, help="a folder that submitting machine and nodes see", required=True
    )
    parser.add_argument("--only", choices=("shared", "carried"), help="one of the two ways alone")
    options = parser.parse_args()
    if not pool_answers():
        print("no pool: condor_status does not answer on this machine, nothing is measured")
        return 0
    from benchmarks.resume import same  # with the framework

    rows = []
    for carried in (False, True):
        if options.only == ("shared" if carried else "carried"):
            continue
        place = options.output.absolute() / ("carried" if carried else "shared")
        runs = []
        for situation in SITUATIONS:
            run, row = went_through(situation, place, carried)
            runs.append(run)
            rows.append(row | {"epochs": len(read_json(run / HISTORY_FILE)["loss"]), "same": same(runs[0], run)})
            print(rows[-1], flush=True)
        rows += [bad_data(place, carried), done_and_submitted_again(runs[0]) | {"carried": carried}]
        print(*rows[-2:], sep="\n", flush=True)
    save_result("condor_pool", {"version": condor("condor_version").splitlines()[0], "situations": rows})
    return 0 if all(row.get("same", True) and row.get("said", True) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
