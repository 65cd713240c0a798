"""A process is told from another that has its number on a host of its name."""

import json
import os
import socket
import subprocess
import sys

import pytest

from python.general_purpose_libs import read_json, write_json
from python.processes import alive as processes
from python.processes.alive import batch_job, lives, this_process
from python.runs.status import RunStatus, read_status

AD = """ClusterId = 77
ProcId = 0
GlobalJobId = "submit.example.org#77.0#1700000000"
NumJobStarts = {starts}
Iwd = "/home/me"
"""


@pytest.fixture
def in_job(tmp_path, monkeypatch):
    """A function after which this process is in a start of an HTCondor job, the `number`th, from 1."""

    def enter(number, cluster=77):
        (tmp_path / ".job.ad").write_text(AD.replace("77", str(cluster)).format(starts=number - 1))
        monkeypatch.setenv("_CONDOR_JOB_AD", str(tmp_path / ".job.ad"))
        return this_process()

    return enter


def test_this_process_lives():
    assert lives(this_process()) is True


def test_a_process_that_was_killed_does_not_even_while_its_parent_has_not_noticed():
    program = "import json, time; from python.processes.alive import this_process; print(json.dumps(this_process()), flush=True)"
    with subprocess.Popen([sys.executable, "-c", f"{program}; time.sleep(60)"], stdout=subprocess.PIPE) as process:
        told = json.loads(process.stdout.readline())
        assert lives(told) is True
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is dead and still there
        assert lives(told) is False


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        ({"process_started": 1}, False),  # the number was given away again
        ({"pid": 2**22 + 1}, False),
        ({"pid_namespace": "pid:[1]"}, None),  # of another container, or slot
        ({"boot": "another machine, or before it was started again"}, None),
        ({"host": "elsewhere"}, None),
    ],
)
def test_the_number_alone_says_nothing(change, alive):
    assert lives(this_process() | change) is alive


def test_of_what_older_versions_wrote_the_number_counts():
    assert lives({"host": socket.gethostname(), "pid": os.getpid()}) is True
    assert lives({"host": socket.gethostname(), "pid": 2**22 + 1}) is False


# ---------------------------------------------------------------------------- batch jobs
def test_a_start_of_a_job_is_told(in_job):
    told = {"id": "submit.example.org#77.0#1700000000", "cluster": 77, "proc": 0, "start": 3}
    assert in_job(3)["batch_job"] == told


def test_outside_a_job_there_is_none_to_tell(tmp_path, monkeypatch):
    monkeypatch.delenv("_CONDOR_JOB_AD", raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert "batch_job" not in this_process()
    monkeypatch.setenv("_CONDOR_JOB_AD", str(tmp_path / "gone"))
    assert batch_job() is None


def test_slurm_counts_restarts(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert batch_job() == {"id": "#12", "start": 2}


def test_an_earlier_start_of_this_job_is_gone_wherever_it_was(in_job):
    before = in_job(1) | {"host": "elsewhere"}
    assert lives(before) is None
    in_job(2)
    assert lives(before) is False


def test_of_a_later_start_and_of_another_job_nothing_is_known(in_job):
    later = in_job(3) | {"host": "elsewhere"}
    in_job(2)
    assert lives(later) is None
    in_job(4, cluster=78)
    assert lives(later) is None


# ---------------------------------------------------------------------------- what a run says
def test_a_run_tells_its_process_and_job(in_job, tmp_path):
    told = in_job(1)
    with RunStatus(tmp_path):
        status = read_json(tmp_path / "status.json")
    assert {name: status[name] for name in told} == told


def test_a_run_whose_start_is_over_reads_interrupted(in_job, tmp_path):
    in_job(1)
    with RunStatus(tmp_path):
        status = read_json(tmp_path / "status.json") | {"host": "elsewhere"}
    write_json(tmp_path / "status.json", status | {"state": "running"})
    assert read_status(tmp_path)["state"] == "running"
    in_job(2)
    assert read_status(tmp_path)["state"] == "interrupted"


def test_without_a_system_that_tells_of_processes_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "PROC", tmp_path / "proc")
    told = this_process()
    assert set(told) >= {"host", "pid"}
    assert lives(told) is None
