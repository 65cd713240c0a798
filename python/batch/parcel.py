"""What HTCondor carries to a node that does not see it: the project, the prepared run, and the data."""

from __future__ import annotations

import tarfile
from pathlib import Path

from python.batch.packed import pack_environment
from python.batch.run_job import DATA_PARCEL, PARCEL, RunJob
from python.batch.wrapper import PROJECT
from python.data.input_files import InputFiles, find_files, refuse_or_skip
from python.general_purpose_libs import ConfigError, atomic_path, writing_to
from python.runs.files import ARGUMENTS_FILE, CONFIG_FILE, INITIAL_WEIGHTS_FILE, MEMBERS, STATUS_FILE
from python.runs.shipped import PRETRAINED
from python.tasks import TASKS

PROJECT_PARTS = ("python", *TASKS, "scripts", "requirements.txt")
PREPARED = (CONFIG_FILE, ARGUMENTS_FILE, STATUS_FILE)


def check_data(folders: tuple[str, ...], send: bool) -> None:
    """Raise ConfigError where a node could not find a data folder under the name that the configuration gives it."""
    if not folders:
        raise ConfigError(
            "batch_job.file_transfer: a node cannot keep the embedded simulation from one start to the next; name data "
            "folders that nodes see with -d, or folders to be carried with batch_job.transfer_data"
        )
    for folder in folders:
        inside = not Path(folder).is_absolute() and ".." not in Path(folder).parts
        if send and not inside:
            raise ConfigError(
                f"{folder}: only folders below the one that you submit from can be carried (batch_job.transfer_data); "
                "name it relative to that"
            )
        if not send and not Path(folder).is_absolute():
            raise ConfigError(
                f"{folder}: is relative, and with batch_job.file_transfer a job starts in a folder of its own; give the "
                "whole path where nodes see it, or set batch_job.transfer_data"
            )


def check_carried(job: RunJob, skip_bad_files: bool) -> None:
    """Raise DataError where files of the folders to be carried cannot be read; with `skip_bad_files` they stay behind."""
    found = _carried_files(job)
    refuse_or_skip(found.problems, f"{len(found) + len(found.problems)} files to be carried", skip_bad_files)


def _carried_files(job: RunJob) -> InputFiles:
    """All files of the folders, those included that links lead to."""
    found = find_files([job.start / folder for folder in job.data], lambda _path: True)
    for path in found.paths:
        try:
            path.open("rb").close()
        except OSError as error:
            found.problems.append(f"{path}: cannot be read ({error.strerror or error})")
            del found.folder_of[path]
    return found


def pack(job: RunJob) -> None:
    """Write what is carried, and make what it is named by. OutputError: it cannot be written."""
    with atomic_path(job.folder / PARCEL) as file, tarfile.open(file, "w:gz") as parcel:
        add_project(parcel, job.project)
        for path in (*(job.run / name for name in PREPARED), *sorted(job.run.rglob(INITIAL_WEIGHTS_FILE))):
            parcel.add(path, f"{job.run.name}/{path.relative_to(job.run)}")
    _make_state(job)
    if job.batch.python_from == "packed":
        pack_environment()
    if job.data:
        _pack_data(job)


def add_project(parcel: tarfile.TarFile, project: Path) -> None:
    """Add what the launchers need of the project."""
    for part in PROJECT_PARTS:
        parcel.add(project / part, f"{PROJECT}/{part}", filter=_needed)


def _pack_data(job: RunJob) -> None:
    """Files, and no links: what these lead to may not be there on a node. Further names of a file are names of it there too."""
    found = _carried_files(job)
    with atomic_path(job.folder / DATA_PARCEL) as file, tarfile.open(file, "w", dereference=True) as parcel:
        for folder in job.data:
            parcel.add(job.start / folder, folder, recursive=False)
        for path in found.paths:  # which are compressed
            parcel.add(path, str(path.relative_to(job.start)))
        for path, first in found.again.items():
            if first in found.folder_of:
                same = tarfile.TarInfo(str(path.relative_to(job.start)))
                same.type, same.linkname = tarfile.LNKTYPE, str(first.relative_to(job.start))
                parcel.addfile(same)


def _make_state(job: RunJob) -> None:
    members = [f"{MEMBERS}/{number:02d}" for number in range(1, job.members + 1)]
    with writing_to(job.run):
        for name in (*job.state, *members):
            path = job.run / name
            if path.suffix:
                path.touch()
            else:
                path.mkdir(parents=True, exist_ok=True)


def _needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """No caches, and no shipped networks, which neither a training nor a simulation asks."""
    return None if Path(member.name).name in ("__pycache__", PRETRAINED) else member
