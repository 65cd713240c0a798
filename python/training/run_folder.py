"""The folder of a run: made once, with its version claimed, found again to go on, and true about the run while it lives."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from python.config.load import dump_config
from python.config.schema import RunConfig
from python.data.inventory import changed_files
from python.data.npz import read_npz
from python.general_purpose_libs import (
    ConfigError,
    DataError,
    NotNowError,
    OutputError,
    PointingError,
    log,
    never_again,
    read_json,
    utc_now,
    write_json,
)
from python.processes.alive import lives
from python.runs.facts import run_facts
from python.runs.files import (
    ARGUMENTS_FILE,
    CONFIG_FILE,
    CUTS_FILE,
    DATA_FILE,
    ENVIRONMENT_FILE,
    MEMBERS,
    SPLITS_FILE,
    STATUS_FILE,
)
from python.runs.registry.names import folder_below, output_above, run_id
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus, new_run_folder, read_status, require_folder
from python.samples.splits import Split
from python.training import outputs
from python.training.provenance import environment
from python.training.request import TrainingRequest
from python.training.starts import Start, keep_starts, starts_of
from python.training.task import Samples, Task
from python.training.training import Training

PROGRESS = ("epoch", "epochs", "best")  # in a status
KEPT = ("task", "version", "began", "continued_from")  # facts of a status that every start of a run takes over
SUBMITTED = "submitted"  # the state of a run that was prepared and has not begun


def new_run(task: Task, config: RunConfig, request: TrainingRequest, starts: Sequence[Start] | None = None) -> Path:
    """Make the folder of a run, claim its version and register it; what is in it then is all that `--resume` needs to begin.

    `starts` are those of `starts_of` where that was called. Raises ConfigError when the version is another run's, OutputError
    when nothing can be written; nothing is left then.
    """
    if starts is None:
        config, starts = starts_of(task, config)
    folder = new_run_folder(config.output_folder, *task.parts_of(config))
    try:
        registry, run = Registry(config.output_folder), run_id(config.output_folder, folder)
        version = registry.claim(task.schema.name, config.version, run, force=request.force_version)
    except PointingError:
        folder.rmdir()
        raise
    write_json(folder / CONFIG_FILE, dump_config(config))
    write_json(folder / ARGUMENTS_FILE, request.arguments())
    keep_starts(network_folders(folder, config), starts)
    told = {"continued_from": config.continue_from.run} if config.continue_from else {}
    write_json(
        folder / STATUS_FILE,
        {"state": SUBMITTED, "task": task.schema.name, "version": version, "prepared": utc_now(), **told},
    )
    register(folder, config)
    return folder


def register(folder: Path, config: RunConfig) -> None:
    """Tell the registry what the run's folder says: that of the output folder which the run lies in, wherever it is called from.

    There is none where the folder is not in its output folder: on a batch node to which it was sent alone.
    """
    output = output_above(folder, config.task, config.model_name)
    if output is None:
        return
    run, where = run_id(output, folder), folder_below(output, folder)
    Registry(output).record(run, folder=where, **{"message": None, "ended": None, **run_facts(folder)})


def member_folder(folder: Path, number: int) -> Path:
    """Where member `number` (from 1) of the ensemble of the run in `folder` is trained."""
    return folder / MEMBERS / f"{number:02d}"


def network_folders(folder: Path, config: RunConfig) -> list[Path]:
    """Where each network of the run in `folder` is trained."""
    if config.ensemble is None:
        return [folder]
    return [member_folder(folder, number) for number in range(1, config.ensemble.members + 1)]


def state_to_go_on(folder: Path, member: int | None) -> str:
    """The state of the run, or of a member of it, that is to be begun or gone on with.

    Raises ConfigError when it is no run, NotNowError when it is running, or is being trained as part of something that is.
    """
    if not (folder / STATUS_FILE).is_file():
        raise ConfigError(f"{folder}: is no run folder, it has no {STATUS_FILE}; give the folder that a run printed")
    members = sorted(folder.glob(f"{MEMBERS}/*/{STATUS_FILE}")) if member is None else []
    for own in (folder, *(path.parent for path in members)):
        _require_end(own)
    if member is None:
        return read_status(folder)["state"]
    own = member_folder(folder, member)
    if not (own / STATUS_FILE).exists():
        return SUBMITTED
    _require_end(own)
    return read_status(own)["state"]


def _require_end(own: Path) -> None:
    """Raise NotNowError when what is in `own` is running.

    Of a process that cannot be seen from here only the heartbeat is known. One that was killed is silent, which takes a while to
    be certain of.
    """
    status = read_status(own)
    if status["state"] == "running" and lives(status) is None:
        log.info("%s ran on %s a moment ago; waiting for a sign of life from there", own, status["host"])
        heard = status["heartbeat"]
        while (status := read_status(own))["state"] == "running" and status["heartbeat"] == heard:
            time.sleep(RunStatus.HEARTBEAT_S / 10)
    if status["state"] == "running":
        raise NotNowError(f"{own} is still running; wait for it, or stop it first")


@contextlib.contextmanager
def alive(folder: Path, config: RunConfig, member: int | None) -> Iterator[RunStatus]:
    """Keep the status true while the run, or a member of it, is worked on; a run's registry entry tells its end too."""
    never_again(folder)
    if member is not None:
        own = member_folder(folder, member)
        status = RunStatus(own, member=member, **_facts_before(own, PROGRESS))
        with _way_on_told(folder), status:
            yield status
        return
    kept = {"began": utc_now(), **_facts_before(folder, (*KEPT, *PROGRESS))}
    try:
        with _way_on_told(folder), RunStatus(folder, **kept) as status:
            register(folder, config)
            yield status
    finally:
        _register_the_end(folder, config)


def _facts_before(own: Path, names: Sequence[str]) -> dict[str, Any]:
    """What the status in `own` said before, of those names: how far a training was is true until it is further."""
    file = own / STATUS_FILE
    before = read_json(file) if file.exists() else {}
    return {name: before[name] for name in names if name in before}


@contextlib.contextmanager
def _way_on_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OutputError, OSError, KeyboardInterrupt) as error:
        if isinstance(error, Exception):
            require_folder(folder)  # whatever failed first, that is why
        if folder.is_dir():
            log.info("what is done is kept; go on with --resume %s", folder)
        raise


def _register_the_end(folder: Path, config: RunConfig) -> None:
    """Nothing that goes wrong here changes how the run has ended."""
    try:
        register(folder, config)
    except (PointingError, OSError) as error:
        log.warning(
            "the registry does not know yet how the run ended (%s); update_registry.sh --import tells it", error
        )


def check_data(folder: Path, samples: Samples) -> None:
    """Raise DataError when the data are not those that the run in `folder` was started with."""
    record = folder / DATA_FILE
    if not record.exists():
        return
    changed = changed_files(read_json(record), samples.set.files)
    if changed:
        raise DataError(
            f"the data files are not those that {folder} was started with ({record}); give it the same data:\n  "
            + "\n  ".join(changed)
        )


def record_inputs(folder: Path, training: Training, device: str) -> None:
    """Write what is known before the training; a resumed run must find the same data, and its configuration says where."""
    config, samples, parts = training.config, training.samples, training.parts
    check_data(folder, samples)
    write_json(folder / CONFIG_FILE, dump_config(config))
    write_json(folder / DATA_FILE, samples.set.files)
    write_json(folder / ENVIRONMENT_FILE, environment(device, config.dataset_parameters.random_seed))
    write_json(folder / CUTS_FILE, samples.set.cuts)
    _check_split(folder, parts)
    outputs.save_split(folder, samples.set, parts)


def note_resume(folder: Path, config: RunConfig) -> None:
    """Add a line to args.json: when and where the run went on, and where its data were then."""
    arguments = read_json(folder / ARGUMENTS_FILE)
    resumed = {
        "time": utc_now(),
        "host": socket.gethostname(),
        "folder": str(Path.cwd()),
        "data": list(config.named_folders),
    }
    write_json(folder / ARGUMENTS_FILE, {**arguments, "resumes": [*arguments.get("resumes", []), resumed]})


def _check_split(folder: Path, parts: Split) -> None:
    """Raise DataError when the samples of the run in `folder` were divided in another way before."""
    record = folder / SPLITS_FILE
    if record.exists() and not np.array_equal(read_npz(record)["part"], outputs.part_of_each(parts)):
        raise DataError(
            f"the samples of {folder} are not divided into training, validation and test part as when it began ({record}): "
            "another release of the project tells events apart in another way; train a new run"
        )
