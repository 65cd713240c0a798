"""What goes wrong around a training: full disks, folders that vanish, data that change, memory that runs out, Ctrl-C."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import psutil
import pytest

from mt_identifier.schema import SCHEMA
from python.config.load import parse_config
from python.general_purpose_libs import OutputError, make_folder, read_json, write_json
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus, read_status
from python.training.run_folder import alive
from tests.children import run_in
from tests.synthetic import write_folder
from tests.training.conftest import SMALL, after_an_epoch

LONG = ("--set", "model_parameters.epochs=100000", "model_parameters.early_stopping=null")


def entry_of(workplace):
    (entry,) = Registry(workplace.output).entries()
    return entry


def test_a_file_that_cannot_be_written_to_its_end_fails_the_run_and_loses_nothing(workplace, start):
    large = '--set=model_parameters.build_parameters={"n_filters": 16, "n_dense_units": 512}'
    training = start(large, limit=(resource.RLIMIT_FSIZE, (500_000, 500_000)))
    code, said = training.end()
    assert code == 5
    assert "cannot write" in said
    assert "go on with --resume" in said
    folder = run_in(workplace.output)
    assert read_status(folder)["state"] == entry_of(workplace)["state"] == "failed"
    assert "cannot write" in entry_of(workplace)["message"]
    assert not list(folder.glob("checkpoints/*"))
    assert not list(folder.glob("*.keras"))
    resumed = workplace.train(resume=folder)
    assert resumed.code == 0, resumed.err
    assert entry_of(workplace)["state"] == "done"


def test_a_folder_that_vanishes_ends_the_run_and_is_not_made_again(workplace, start):
    training = start(*LONG)
    folder = after_an_epoch(training, workplace.output)
    moved = workplace.path / "moved"
    folder.rename(moved)
    code, said = training.end()
    assert code == 5
    assert f"{folder}: the folder of the run has vanished" in said
    assert not folder.exists()
    assert entry_of(workplace)["message"] == "its folder is gone"


@pytest.mark.parametrize(
    "then",
    [
        lambda folder: write_json(folder / "status.json", {}),
        lambda folder: write_json(folder / "plots" / "history.json", {}),
        lambda folder: write_json(folder / "checkpoints" / "new.json", {}),
        lambda folder: make_folder(folder / "members" / "01"),
        lambda folder: (folder / "status.json").read_text(),
        lambda _: None,
    ],
    ids=["a file", "a file in a folder", "a new folder's file", "folders", "reading", "nothing"],
)
def test_whatever_a_run_does_when_its_folder_vanishes_it_says_so_and_does_not_make_it_again(tmp_path, then):
    folder, config = tmp_path / "run", parse_config({**SMALL, "output_folder": str(tmp_path)}, SCHEMA)
    (folder / "plots").mkdir(parents=True)

    def run():
        with alive(folder, config, None):
            folder.rename(tmp_path / "moved")
            then(folder)

    with pytest.raises(OutputError, match=f"{folder}: the folder of the run has vanished"):
        run()
    with pytest.raises(OutputError):
        write_json(folder / "checkpoints" / "late.json", {})  # as a thread that was writing may
    assert not folder.exists()


def test_ctrl_c_while_a_run_is_evaluated(workplace, start):
    training = start("--set", "model_parameters.epochs=1")
    training.wait_until(lambda: list(workplace.output.glob("**/training_history.json")))
    code, said = training.end(signal.SIGINT)
    assert code == 130
    assert "go on with --resume" in said
    assert read_status(run_in(workplace.output))["state"] == entry_of(workplace)["state"] == "interrupted"
    resumed = workplace.train(resume=run_in(workplace.output))
    assert resumed.code == 0, resumed.err
    assert entry_of(workplace)["state"] == "done"
    assert entry_of(workplace)["results"]
    status = read_json(run_in(workplace.output) / "status.json")
    assert entry_of(workplace)["started"] == status["began"] < status["started"]


def test_ctrl_c_before_there_is_a_run_leaves_none(workplace):
    line = [sys.executable, "-m", "python.commands.train", "mt_identifier", *LONG]
    line += ["-j", workplace.config, "-d", workplace.data, "-o", workplace.output]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while psutil.Process(process.pid).cpu_times().user < 1:  # Python is there, and the framework is being loaded
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not list(workplace.output.glob("*/**/*.keras"))
    assert all(read_status(path.parent)["state"] == "interrupted" for path in workplace.output.glob("*/**/status.json"))


@pytest.mark.parametrize(
    ("shape", "key", "value", "begun"),
    [((2048, 512), "build_parameters.n_dense_units", 4096, False), ((4096, 2048), "batch_size", 100, True)],
    ids=["the network", "a batch of images"],
)
def test_memory_that_runs_out_says_what_to_do(workplace, start, monkeypatch, shape, key, value, begun):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "1")  # in another thread the framework ends the process, and nobody can tell of it
    monkeypatch.setenv("TF_CPU_ALLOCATOR_USE_BFC", "false")  # as the launchers do where memory is limited
    large = (f"model_parameters.input_shape={[*shape, 1]}", f"model_parameters.{key}={value}")
    training = start("--set", *large, limit=(resource.RLIMIT_DATA, (3 * 2**30, 3 * 2**30)))
    code, said = training.end()
    assert code == 4
    assert "out of memory" in said
    assert "lower batch_size" in said
    if begun:
        assert read_status(run_in(workplace.output))["state"] == entry_of(workplace)["state"] == "failed"
    else:
        assert not workplace.output.exists()


def test_changed_data_are_refused_with_what_differs(workplace, start, tmp_path):
    workplace.data = write_folder(tmp_path / "changing", n=100, files=2)
    training = start(*LONG)
    folder = after_an_epoch(training, workplace.output)
    training.kill()
    one, two = sorted(workplace.data.glob("*.npz"))
    shutil.copy(one, two)
    refused = workplace.train(resume=folder)
    assert refused.code == 3
    assert f"{two}: has other content" in refused.err
    two.unlink()
    refused = workplace.train(resume=folder)
    assert f"{two}: is not there" in refused.err
    assert read_status(folder)["state"] == "failed"


# ---------------------------------------------------------------------------- prepared runs, and members of ensembles
def prepare(workplace, **changes):
    """A run as the submission of a batch job leaves it."""
    from python.commands.tasks import load_task
    from python.config.load import load_config
    from python.config.overrides import Options
    from python.training.request import TrainingRequest
    from python.training.run_folder import new_run

    task = load_task("mt_identifier")
    overrides = [f"{name}={json.dumps(value)}" for name, value in changes.items()]
    where = Options(output_folder=str(workplace.output), data_directories=[str(workplace.data)])
    return new_run(task, load_config(workplace.config, task.schema, overrides, where), TrainingRequest())


def test_a_prepared_run_begins_with_resume(workplace):
    folder = prepare(workplace, **{"model_parameters.epochs": 1})
    assert {path.name for path in folder.iterdir()} == {"config.json", "args.json", "status.json"}
    assert entry_of(workplace)["state"] == read_status(folder)["state"] == "submitted"
    version = entry_of(workplace)["version"]
    result = workplace.train(resume=folder)
    assert result.code == 0, result.err
    assert (entry_of(workplace)["state"], entry_of(workplace)["version"]) == ("done", version)


def test_members_are_trained_one_by_one_and_joined(workplace):
    from tests.training.conftest import weights

    settings = {"ensemble": {"members": 2}, "model_parameters.epochs": 1}
    together = workplace.train("--set", *(f"{name}={json.dumps(value)}" for name, value in settings.items()))
    assert together.code == 0, together.err
    alone = prepare(workplace, **settings)
    for member in (2, 1):
        result = workplace.train("--member", member, resume=alone)
        assert result.code == 0, result.err
        assert read_status(alone / "members" / f"{member:02d}")["state"] == "done"
        assert read_status(alone)["state"] == "submitted"
    assert "is done already" in workplace.train("--member", 1, resume=alone).err
    joined = workplace.train(resume=alone)
    assert joined.code == 0, joined.err
    assert "epoch 1/1" not in joined.err
    from pathlib import Path

    ours, theirs = weights(Path(together.last)), weights(alone)
    assert all((one == other).all() for one, other in zip(ours, theirs, strict=True))


def test_members_that_do_not_exist_are_refused(workplace):
    assert workplace.train("--member", 1).code == 2
    folder = prepare(workplace)
    refused = workplace.train("--member", 1, resume=folder)
    assert refused.code == 2
    assert "no ensemble" in refused.err
    ensemble = prepare(workplace, ensemble={"members": 2})
    refused = workplace.train("--member", 3, resume=ensemble)
    assert refused.code == 2
    assert "2 members" in refused.err
    assert not (ensemble / "members").exists()


def test_a_member_that_still_runs_is_waited_for(workplace):
    folder = prepare(workplace, ensemble={"members": 2})
    member = folder / "members" / "01"
    member.mkdir(parents=True)
    with RunStatus(member):
        for refused in (workplace.train(resume=folder), workplace.train("--member", 1, resume=folder)):
            assert refused.code == 1
            assert f"{member} is still running" in refused.err
    assert read_json(folder / "status.json")["state"] == "submitted"


@pytest.mark.parametrize("lives", [True, False])
def test_a_run_of_another_machine_is_listened_for(workplace, monkeypatch, lives):
    folder = prepare(workplace, **{"model_parameters.epochs": 1})
    status = read_json(folder / "status.json") | {"state": "running", "host": "elsewhere", "pid": 1}

    def beat():
        write_json(folder / "status.json", {**status, "heartbeat": datetime.now(UTC).isoformat()})

    beat()
    monkeypatch.setattr(RunStatus, "HEARTBEAT_S", 0.2)
    if lives:
        threading.Timer(1, beat).start()
    result = workplace.train(resume=folder)
    assert "ran on elsewhere a moment ago" in result.err
    assert ("is still running" in result.err) == lives
    assert result.code == (1 if lives else 0), result.err


def test_an_earlier_start_of_the_same_job_is_not_listened_for(workplace, monkeypatch, tmp_path):
    folder = prepare(workplace, **{"model_parameters.epochs": 1})
    job = {"id": "submit#77.0#17", "cluster": 77, "proc": 0, "start": 1}
    told = {"state": "running", "host": "elsewhere", "pid": 1, "heartbeat": datetime.now(UTC).isoformat()}
    write_json(folder / "status.json", read_json(folder / "status.json") | told | {"batch_job": job})
    (tmp_path / "job.ad").write_text('GlobalJobId = "submit#77.0#17"\nClusterId = 77\nProcId = 0\nNumJobStarts = 1\n')
    monkeypatch.setenv("_CONDOR_JOB_AD", str(tmp_path / "job.ad"))
    result = workplace.train(resume=folder)
    assert result.code == 0, result.err
    assert "waiting for a sign of life" not in result.err
    assert read_json(folder / "status.json")["batch_job"]["start"] == 2
    again = workplace.train(resume=folder)
    assert (again.code, again.last) == (0, str(folder))
    assert "is done already" in again.err
