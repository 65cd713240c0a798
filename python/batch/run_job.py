"""How HTCondor is asked for the training of a prepared run: its submit descriptions, and the DAG of an ensemble.

Sections in comments are those of HTCondor's manual, version 25.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from python.batch.packed import archive
from python.batch.policy import policy
from python.batch.resources import htcondor_resources, submit_description
from python.config.schema import BatchJob
from python.general_purpose_libs import ConfigError
from python.runs.files import CHECKPOINTS, EPOCHS, LOGS, MEMBERS, STATUS_FILE, TRIALS_FILE

FOLDER = "job"  # in the run folder
SCRIPT, JOB, MEMBER, DAG = "job.sh", "job.sub", "member.sub", "ensemble.dag"
PARCEL, DATA_PARCEL = "parcel.tar.gz", "data.tar"
LAST_NODE = "join"


@dataclass(frozen=True)
class RunJob:
    """A prepared run that is to train as a batch job; `members` is 0 where it is no ensemble.

    `run` and `project` are absolute, `start` is the folder that relative paths of the configuration begin at, `data` are the
    folders that are sent along, and a run that is `searched` for hyperparameters trains its members, if any, in its one job.
    The network of `every_epoch` may be kept.
    """

    task: str
    run: Path
    batch: BatchJob
    name: str
    start: Path
    project: Path
    members: int = 0
    data: tuple[str, ...] = field(default=())
    searched: bool = False
    every_epoch: bool = False

    @property
    def folder(self) -> Path:
        """The folder that holds what is submitted."""
        return self.run / FOLDER

    @property
    def state(self) -> tuple[str, ...]:
        """What is in the run folder that a start goes on from. Each must be there, or HTCondor would hold the job."""
        of_search = (TRIALS_FILE, MEMBERS) if self.searched else ()
        kept = (EPOCHS,) if self.every_epoch else ()
        return (STATUS_FILE, CHECKPOINTS, *kept, *of_search, *((MEMBERS,) if self.members else ()))

    @property
    def submitted_file(self) -> Path:
        return self.folder / (DAG if self.members else JOB)


def descriptions(job: RunJob) -> dict[str, str]:
    """The files, name to text, that are submitted from the job's folder. ConfigError: HTCondor cannot name the run's path."""
    check_path(job.run)
    if not job.members:
        return {JOB: _description(job, name="job", arguments=[])}
    return {
        DAG: _dag(job.members),
        MEMBER: _description(job, name="member_$(folder)", arguments=["--member", "$(member)"]),
        JOB: _description(job, name="job", arguments=[]),
    }


def check_path(run: Path) -> None:
    """Submit descriptions separate files by commas and blanks, and expand dollars."""
    if any(character in " \t,;\"'$\\=" for character in str(run)):
        raise ConfigError(
            f"{run}: HTCondor has a meaning of its own for blanks and for , ; $ = quotes and \\ in the names of files; "
            "choose another output folder with -o"
        )


def _description(job: RunJob, *, name: str, arguments: list[str]) -> str:
    logs = job.run / LOGS
    if job.batch.file_transfer:
        arguments = [*arguments, "--stop-after", str(job.batch.checkpoint_minutes)]
    commands: dict[str, object] = {
        **universe(job.batch, job.start),
        "batch_name": job.name,
        "executable": job.folder / SCRIPT,
        "arguments": " ".join(arguments),
        "initialdir": job.run.parent,
        "output": logs / f"{name}.out",
        "error": logs / f"{name}.err",
        "log": logs / f"{name}.log",
        **htcondor_resources(job.batch),
        **policy(job.batch),
        **(_carried(job, name) if job.batch.file_transfer else shared()),
    }
    return submit_description({key: value for key, value in commands.items() if value != ""})


def universe(batch: BatchJob, start: Path) -> dict[str, object]:
    """HTCondor carries the image of a container to the node, unless it has an address or nodes have its file system."""
    image = batch.container_image
    if image is None or batch.python_from != "container":
        return {"universe": "vanilla"}
    if image.startswith("/cvmfs/"):
        return {"universe": "container", "container_image": image, "transfer_container": "False"}
    return {"universe": "container", "container_image": image if "://" in image else start / image}


def shared() -> dict[str, object]:
    """The node sees the job's folder. Pools whose nodes do not say that they share file systems may carry the script, no more."""
    return {"should_transfer_files": "IF_NEEDED", "when_to_transfer_output": "ON_EXIT", "transfer_output_files": '""'}


def _carried(job: RunJob, name: str) -> dict[str, object]:
    """The run folder lies beside the script on the node, and comes back at each checkpoint and at the end.

    A checkpoint made for SIGTERM comes back only with ON_EXIT_OR_EVICT and its folder named ("Delayed Transfers"; checkpoints
    are moved into place, so none is carried half-written). A folder that is named must be there, or the job is held.

    What came home is carried out again, so that a job that is tried or submitted again goes on; where HTCondor has a later
    checkpoint in its spool it carries that after it, over it. The run folder itself must not be named: the spool's would be
    left out.
    """
    mine = job.run.name
    inputs = [str(file) for file in carried_files(job)]
    if name == "job":
        inputs += [f"{mine}/{part}" for part in job.state]
    else:
        mine = f"{mine}/{MEMBERS}/$(folder)"
        inputs.append(mine)
    return {
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT_OR_EVICT",
        "transfer_input_files": ", ".join(inputs),
        "transfer_output_files": mine,
        "transfer_checkpoint_files": mine,
        "preserve_relative_paths": "True",
        "want_io_proxy": "True",  # through which the training tells the queue how far it is
        "erase_output_and_error_on_restart": "False",
    }


def carried_files(job: RunJob) -> list[Path]:
    """The archives that a node is given."""
    return [job.folder / PARCEL, *packages(job.batch), *([job.folder / DATA_PARCEL] if job.data else [])]


def packages(batch: BatchJob) -> list[Path]:
    """The archive of the packages, where a node is given one."""
    return [archive()] if batch.python_from == "packed" else []


def _dag(members: int) -> str:
    """The members side by side; then the last node takes them as they are, joins them and evaluates.

    The DAG retries nothing: a node's description knows which failures another start may mend, and what was removed was removed by
    somebody.
    """
    nodes = {f"member_{number:02d}": number for number in range(1, members + 1)}
    lines = []
    for node, number in nodes.items():
        lines += [f"JOB {node} {MEMBER}", f'VARS {node} member="{number}" folder="{number:02d}"']
    lines += [f"JOB {LAST_NODE} {JOB}"]
    return "\n".join([*lines, f"PARENT {' '.join(nodes)} CHILD {LAST_NODE}", ""])
