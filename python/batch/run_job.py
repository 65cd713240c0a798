"""How HTCondor is asked for the training of a prepared run: its submit descriptions, and the DAG of an ensemble.

Sections in comments are those of HTCondor's manual, version 25.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from python.batch.resources import MINUTES_OF_FLAVOUR, htcondor_resources, megabytes, submit_description
from python.config.schema import BatchJob
from python.general_purpose_libs import ConfigError, StopRequested

FOLDER = "job"  # in the run folder
SCRIPT, JOB, MEMBER, DAG = "job.sh", "job.sub", "member.sub", "ensemble.dag"
PARCEL, DATA_PARCEL = "parcel.tar.gz", "data.tar"
MEMBERS = "members"  # in the run folder; a member's own folder below it has two digits
INITIAL = "initial_weights.npz"  # in the folder of a network that starts from another run's weights
LAST_NODE = "join"
RETRIES = 2
RELEASES = 2
MORE_MEMORY = 1.5
NODE_RETRIES = 2
POINTLESS = (2, 3, 5)  # configuration, data and output are as wrong on another node
# "Job ClassAd Attributes", "HoldReasonCode": out of resources, with 104 the disk; held by the machine's policy, with 102 for
# memory; held by the pool's policy, for whatever reason
OUT_OF_RESOURCES, MACHINE_POLICY, POOL_POLICY, SUBCODE_MEMORY, SUBCODE_DISK = 34, 21, 26, 102, 104
SECONDS_HELD = 60
STARTS = 10  # CERN's pool removes jobs that started more often


@dataclass(frozen=True)
class RunJob:
    """A prepared run that is to train as a batch job; `members` is 0 where it is no ensemble.

    `run` and `project` are absolute, `start` is the folder that relative paths of the configuration begin at, and `data` are the
    folders that are sent along.
    """

    task: str
    run: Path
    batch: BatchJob
    name: str
    start: Path
    project: Path
    members: int = 0
    data: tuple[str, ...] = field(default=())

    @property
    def folder(self) -> Path:
        """The folder that holds what is submitted."""
        return self.run / FOLDER

    @property
    def submitted_file(self) -> Path:
        return self.folder / (DAG if self.members else JOB)


def descriptions(job: RunJob) -> dict[str, str]:
    """The files, name to text, that are submitted from the job's folder. ConfigError: HTCondor cannot name the run's path."""
    _check_path(job.run)
    if not job.members:
        return {JOB: _description(job, name="job", arguments=[])}
    return {
        DAG: _dag(job.members),
        MEMBER: _description(job, name="member_$(folder)", arguments=["--member", "$(member)"]),
        JOB: _description(job, name="job", arguments=[]),
    }


def _check_path(run: Path) -> None:
    """Submit descriptions separate files by commas and blanks, and expand dollars."""
    if any(character in " \t,;\"'$\\=" for character in str(run)):
        raise ConfigError(
            f"{run}: HTCondor has a meaning of its own for blanks and for , ; $ = quotes and \\ in the names of files; "
            "choose another output folder with -o"
        )


def _description(job: RunJob, *, name: str, arguments: list[str]) -> str:
    logs = job.run / "logs"
    if job.batch.file_transfer:
        arguments = [*arguments, "--stop-after", str(job.batch.checkpoint_minutes)]
    commands: dict[str, object] = {
        "universe": "vanilla",
        "batch_name": job.name,
        "executable": job.folder / SCRIPT,
        "arguments": " ".join(arguments),
        "initialdir": job.run.parent,
        "output": logs / f"{name}.out",
        "error": logs / f"{name}.err",
        "log": logs / f"{name}.log",
        **htcondor_resources(job.batch),
        "request_memory": growing_memory(job.batch),
        **_going_on(job.batch),
        **(_carried(job, name) if job.batch.file_transfer else _shared()),
    }
    return submit_description({key: value for key, value in commands.items() if value != ""})


def growing_memory(batch: BatchJob) -> str:
    """An expression for the megabytes that the job asks for: more each time that it was held."""
    base = megabytes(batch.request_memory)
    return f"int({base} * pow({MORE_MEMORY}, min({{NumHolds ?: 0, {RELEASES}}})))"


def _going_on(batch: BatchJob) -> dict[str, object]:
    """After a checkpoint, a failure that another node may not meet, a hold for too little memory, and the flavour's time."""
    # while a job is held, RequestMemory is already what it will ask for next
    allowed = f"(MemoryProvisioned ?: {megabytes(batch.request_memory)})"
    for_memory = " || ".join(
        [
            f"(HoldReasonCode =?= {OUT_OF_RESOURCES} && HoldReasonSubCode =!= {SUBCODE_DISK})",
            f"(HoldReasonCode =?= {MACHINE_POLICY} && HoldReasonSubCode =?= {SUBCODE_MEMORY})",
            f"(HoldReasonCode =?= {POOL_POLICY} && (MemoryUsage ?: 0) > {allowed})",
        ]
    )
    return {
        # "Self-Checkpointing Applications": HTCondor starts the job again after this exit code, and ignores it while it evicts
        "checkpoint_exit_code": StopRequested.exit_code,
        # "condor_submit", "Policy commands"; a job that a signal killed has no exit code
        "max_retries": RETRIES,
        "retry_until": " || ".join(f"(ExitCode =?= {code})" for code in POINTLESS),
        "periodic_release": f"({for_memory}) && NumHolds <= {RELEASES} "
        f"&& (time() - EnteredCurrentStatus) > {SECONDS_HELD}",
        # a pool removes a job whose flavour's time is over, and what it carried with it; evicted before that, it begins anew
        "periodic_vacate": f"JobStatus == 2 && (time() - JobCurrentStartDate) > {60 * _minutes_at_a_time(batch)} "
        f"&& NumJobStarts < {STARTS}",
    }


def _minutes_at_a_time(batch: BatchJob) -> int:
    """How long a job may run before it is evicted: HTCondor looks every few minutes, and the checkpoint takes its time."""
    minutes = MINUTES_OF_FLAVOUR[batch.job_flavour]
    return minutes - min(max(minutes // 10, 5), 60)


def _shared() -> dict[str, object]:
    """The node sees the run folder. Pools whose nodes do not say that they share a file system may carry the script, no more."""
    return {"should_transfer_files": "IF_NEEDED", "when_to_transfer_output": "ON_EXIT", "transfer_output_files": '""'}


def _carried(job: RunJob, name: str) -> dict[str, object]:
    """The run folder lies beside the script on the node, and comes back at each checkpoint and at the end.

    A checkpoint made for SIGTERM comes back only with ON_EXIT_OR_EVICT and its folder named ("Delayed Transfers"; checkpoints
    are moved into place, so none is carried half-written). A folder that is named must be there, or the job is held.
    """
    inputs = [str(job.folder / PARCEL)]
    if job.data:
        inputs.append(str(job.folder / DATA_PARCEL))
    mine = job.run.name
    if job.members and name == "job":
        inputs.append(f"{mine}/{MEMBERS}")
    elif job.members:
        mine = f"{mine}/{MEMBERS}/$(folder)"
    return {
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT_OR_EVICT",
        "transfer_input_files": ", ".join(inputs),
        "transfer_output_files": mine,
        "transfer_checkpoint_files": mine,
        "preserve_relative_paths": "True",
        "erase_output_and_error_on_restart": "False",
    }


def _dag(members: int) -> str:
    """The members side by side; then the last node takes them as they are, joins them and evaluates ("DAGMan", "RETRY").

    What a node's description retries, the DAG need not; it starts a node again that was removed, say at the end of its time.
    """
    nodes = {f"member_{number:02d}": number for number in range(1, members + 1)}
    lines = []
    for node, number in nodes.items():
        lines += [f"JOB {node} {MEMBER}", f'VARS {node} member="{number}" folder="{number:02d}"']
    lines += [f"JOB {LAST_NODE} {JOB}"]
    lines += [f"RETRY {node} {NODE_RETRIES} UNLESS-EXIT {POINTLESS[0]}" for node in (*nodes, LAST_NODE)]
    return "\n".join([*lines, f"PARENT {' '.join(nodes)} CHILD {LAST_NODE}", ""])
