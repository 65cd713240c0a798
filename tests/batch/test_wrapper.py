"""The script of a job, run as a node would run it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from python.batch.packed import archive
from python.batch.parcel import pack
from python.general_purpose_libs import read_json, write_json, write_text
from tests.patience import PATIENCE_S


def start(job, *arguments, folder="/", **environment):
    """The job's process on a node, of whose environment nothing but PATH is known."""
    return subprocess.Popen(
        ["bash", str(job.folder / "job.sh"), *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **{name: str(value) for name, value in environment.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(output):
    return json.loads(output.partition("TOLD ")[2].splitlines()[0])


def ran(job, *arguments, **where):
    """Exit code, what the training told, the whole output, and the errors."""
    process = start(job, *arguments, **where)
    output, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, told(output) if "TOLD" in output else None, output, errors


# ---------------------------------------------------------------------------- the training
@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 85])
def test_the_exit_code_is_that_of_the_training(make_job, code):
    assert ran(make_job(), EXIT_CODE=code)[0] == code


ENDS = {  # what a description gives to the script, a signal, the exit code
    "a node that shares the file system evicts or holds it": ([], signal.SIGTERM, 85),
    "a node to which it was carried evicts or holds it": (["--stop-after", "60"], signal.SIGTERM, 143),
    "it is time to have the checkpoint carried back": (["--stop-after", "0.01"], None, 85),
    "Ctrl-C": ([], signal.SIGINT, 130),
    "killed": ([], signal.SIGKILL, -signal.SIGKILL),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_job_becomes_the_training_and_signals_reach_it(make_job, end):
    arguments, number, code = ENDS[end]
    process = start(make_job(), *arguments, TRAIN_S=60)
    output = ""
    while "TOLD" not in output:
        output += process.stdout.readline()
    assert told(output)["pid"] == process.pid
    if number is not None:
        process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code  # and not what the training ends with by itself


def test_an_environment_that_is_not_to_be_had_may_be_had_on_another_node(make_job):
    job = make_job()
    (job.project / "scripts" / "init.sh").write_text("fail() { exit $1; }; fail 2\n")
    code, _, _, errors = ran(job)
    assert code == 1
    assert "its environment is not to be had" in errors


def test_the_run_is_resumed_where_it_was_submitted_from(make_job):
    job = make_job(request_cpus=3)
    _, training, _, _ = ran(job, "--member", "2")
    assert training["arguments"] == ["--resume", str(job.run), "--member", "2"]
    assert training["folder"] == str(job.start)
    assert training["project"] == str(job.project)
    assert training["OMP_NUM_THREADS"] == "3"


def test_it_says_where_it_is(make_job, put_command):
    put_command("nvidia-smi", 'echo "NVIDIA A100, 40960 MiB, 550.54"')
    _, _, output, _ = ran(make_job())
    before = output.partition("TOLD")[0]
    assert f"host: {socket.gethostname()}" in before
    assert "GPU, memory, driver: NVIDIA A100, 40960 MiB, 550.54" in before
    assert f"Python: {sys.version.split()[0]}" in before
    assert "keras 3." in before
    assert "tensorflow" in before


@pytest.mark.parametrize(
    ("script", "line"),
    [("exit 9", "GPU: no NVIDIA driver is seen"), ("exit 0", "GPU, memory, driver: none is given to this job")],
)
def test_a_node_without_a_gpu_is_no_error(make_job, put_command, script, line):
    put_command("nvidia-smi", script)
    code, _, output, _ = ran(make_job())
    assert code == 0
    assert line in output


@pytest.mark.parametrize(("lost", "message"), [("run", "is not seen"), ("start", "submitted from is not seen")])
def test_a_node_that_does_not_see_what_it_needs_gives_another_one_the_chance(make_job, lost, message, tmp_path):
    job = make_job()
    shutil.copy(job.folder / "job.sh", tmp_path)
    shutil.rmtree(getattr(job, lost))
    done = subprocess.run(["bash", str(tmp_path / "job.sh")], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert message in done.stderr


# ---------------------------------------------------------------------------- LCG view
def view(folder, text):
    folder.mkdir()
    (folder / "setup.sh").write_text(text)
    return str(folder)


def test_the_python_of_an_lcg_view(make_job, tmp_path):
    there = view(
        tmp_path / "view", f'unset NOT_SET; : $NOT_SET; export VIEW=1 LCG_VERSION=7 PATH="{os.environ["PATH"]}"\n'
    )
    code, training, _, errors = ran(make_job(lcg_view=there))
    assert code == 0, errors
    assert training["VIEW"] == "1"


def test_a_node_without_the_view(make_job):
    code, _, _, errors = ran(make_job(lcg_view="/cvmfs/no/such/view"))
    assert code == 1
    assert "the LCG view /cvmfs/no/such/view is not there" in errors


# ---------------------------------------------------------------------------- carried
@pytest.fixture
def sandbox(tmp_path):
    folder = tmp_path / "sandbox"
    folder.mkdir()
    return folder


def carry(job, sandbox):
    """Put into the sandbox what HTCondor would."""
    pack(job)
    shutil.copy(job.folder / "parcel.tar.gz", sandbox)
    if job.data:
        shutil.copy(job.folder / "data.tar", sandbox)


SYSTEM = {"PATH": os.environ["PATH"], "ML_POINTING_ENV": "system", "VIRTUAL_ENV": sys.prefix}


def test_a_node_that_sees_the_project_uses_it(make_job, sandbox):
    job = make_job(file_transfer=True)
    carry(job, sandbox)
    code, training, _, errors = ran(job, folder=sandbox, **SYSTEM)
    assert code == 0, errors
    assert training["project"] == str(job.project)
    assert training["folder"] == str(sandbox)
    assert training["arguments"] == ["--resume", job.run.name]
    assert read_json(sandbox / job.run.name / "status.json") == {"state": "submitted"}
    assert not (sandbox / job.run.name / "job").exists()


def test_a_node_that_does_not_see_the_project_is_given_a_copy(make_job, sandbox):
    job = make_job(file_transfer=True)
    carry(job, sandbox)
    script = job.folder / "job.sh"
    shutil.rmtree(job.project)
    code, training, _, errors = ran(job, folder=sandbox, **SYSTEM)
    assert code == 0, errors
    assert training["project"] == str(sandbox / "project")
    assert script.exists()


def test_the_checkpoint_that_came_back_is_not_overwritten(make_job, sandbox):
    job = make_job(file_transfer=True)
    carry(job, sandbox)
    write_json(sandbox / job.run.name / "config.json", {"from": "checkpoint"})  # from HTCondor's spool
    assert ran(job, folder=sandbox, **SYSTEM)[0] == 0
    assert read_json(sandbox / job.run.name / "config.json") == {"from": "checkpoint"}
    assert not (sandbox / job.run.name / "status.json").exists()


def test_what_came_home_is_not_overwritten(make_job, sandbox):
    job = make_job(file_transfer=True)
    carry(job, sandbox)
    write_json(sandbox / job.run.name / "status.json", {"state": "done"})
    assert ran(job, folder=sandbox, **SYSTEM)[0] == 0
    assert read_json(sandbox / job.run.name / "status.json") == {"state": "done"}
    assert read_json(sandbox / job.run.name / "config.json") == {}


def test_the_packages_of_this_python_are_carried(make_job, sandbox, tmp_path, monkeypatch):
    packages = tmp_path / "here" / "site-packages"
    write_text(packages / "only_here.py", "VALUE = 7\n")
    monkeypatch.setattr("sysconfig.get_path", lambda _kind: str(packages))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "here"))
    job = make_job(file_transfer=True, environment="packed")
    carry(job, sandbox)
    shutil.move(archive(), sandbox)
    monkeypatch.undo()
    for _ in range(2):  # a job that checkpointed starts again in the same place
        code, training, _, errors = ran(job, folder=sandbox, PATH=os.environ["PATH"], _CONDOR_SCRATCH_DIR=sandbox)
        assert code == 0, errors
        assert training["python"] == str(sandbox / "environment")
    python = sandbox / "environment" / "bin" / "python"
    assert subprocess.run([python, "-c", "import only_here"], check=False).returncode == 0
    assert not list(sandbox.glob("packed-*"))


def test_packages_for_another_python(make_job, sandbox, monkeypatch):
    monkeypatch.setattr("python.batch.packed.PYTHON", "python3.99")
    job = make_job(file_transfer=True, environment="packed")
    monkeypatch.setattr("python.batch.parcel.pack_environment", lambda: None)
    carry(job, sandbox)
    code, _, _, errors = ran(job, folder=sandbox, **SYSTEM)
    assert code == 1
    assert "are for python3.99, which is not there" in errors


def test_in_a_container_its_own_python_is_used(make_job, sandbox, monkeypatch):
    monkeypatch.delenv("ML_POINTING_ENV")
    job = make_job(file_transfer=True, container_image="docker://example/pointing:2026")
    carry(job, sandbox)
    code, training, _, errors = ran(job, folder=sandbox, PATH=os.environ["PATH"], VIRTUAL_ENV=sys.prefix)
    assert code == 0, errors
    assert training["python"] == sys.prefix
    assert not (job.project / ".venv").exists()


def test_what_is_carried_back_is_there_whatever_the_training_does(make_job, sandbox):
    job = make_job(file_transfer=True, members=3)
    carry(job, sandbox)
    assert (job.run / "members").is_dir()  # the last node is given it
    assert ran(job, "--member", "2", folder=sandbox, EXIT_CODE=2, **SYSTEM)[0] == 2
    assert (sandbox / job.run.name / "members" / "02").is_dir()


def test_data_lie_where_the_configuration_says(make_job, sandbox):
    job = make_job(data=["data/es", "data/cc"], file_transfer=True, transfer_data=True)
    for folder in job.data:
        (job.start / folder).mkdir(parents=True)
        (job.start / folder / "images.npz").write_text(folder)
    carry(job, sandbox)
    for _ in range(2):  # a job that checkpointed starts again in the same place
        assert ran(job, folder=sandbox, **SYSTEM)[0] == 0
        assert [Path(sandbox, folder, "images.npz").read_text() for folder in job.data] == ["data/es", "data/cc"]


def test_a_node_on_which_nothing_arrived(make_job, sandbox):
    job = make_job(file_transfer=True)
    code, _, _, errors = ran(job, folder=sandbox, **SYSTEM)
    assert code == 1
    assert "the run did not arrive" in errors
