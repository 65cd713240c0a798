"""What HTCondor's condor_q says, here a command of this name that answers from a file and notes what it was asked."""

import json
import time

import pytest

from python.batch.progress import Progress
from python.batch.queue import Queued, queued_jobs


@pytest.fixture
def answer(put_command, tmp_path):
    def give(jobs, code=0):
        text = jobs if isinstance(jobs, str) else json.dumps(jobs)
        (tmp_path / "answer").write_text(text)
        put_command("condor_q", f'printf "%s\\n" "$@" >"{tmp_path}/asked"; cat "{tmp_path}/answer"; exit {code}')

    return give


@pytest.mark.parametrize(
    ("status", "state"), [(1, "idle"), (2, "running"), (5, "held"), (6, "transferring output"), (7, "suspended")]
)
def test_states(answer, status, state):
    answer([{"ClusterId": 77, "JobUniverse": 5, "JobStatus": status}])
    assert queued_jobs(["77"]) == {"77": Queued(state)}


def test_what_there_is_to_say_of_a_job(answer):
    told = {
        "HoldReason": "too much memory",
        "RemoteHost": "slot1_3@gpu7.example.org",
        "JobCurrentStartDate": 1700000000,
    }
    answer(
        [
            {"ClusterId": 77, "JobUniverse": 5, "JobStatus": 5, **told},
            {"ClusterId": 78, "JobUniverse": 5, "JobStatus": 1},
        ]
    )
    assert queued_jobs(["77", "78", "79"]) == {
        "77": Queued("held", "too much memory", "gpu7.example.org", 1700000000),
        "78": Queued("idle"),
    }


def test_of_a_dag_the_node_that_matters_most_is_told(answer):
    manager = {"ClusterId": 80, "JobUniverse": 7, "JobStatus": 2}
    nodes = [
        {"ClusterId": 81 + i, "DAGManJobId": 80, "JobUniverse": 5, "JobStatus": s} for i, s in enumerate((1, 2, 1))
    ]
    answer([manager, *nodes])
    assert queued_jobs(["80"])["80"].state == "running"
    answer(
        [manager, *nodes, {"ClusterId": 90, "DAGManJobId": 80, "JobUniverse": 5, "JobStatus": 5, "HoldReason": "disk"}]
    )
    held = Queued("held", "disk", counts=(("held", 1), ("running", 1), ("idle", 2)))
    assert queued_jobs(["80"])["80"] == held
    answer([manager])  # between two nodes
    assert queued_jobs(["80"])["80"].state == "running"


def test_why_a_job_is_idle(answer):
    entered = int(time.time()) - 7800
    asks = {"RequestMemory": 16384, "RequestCpus": 1, "RequestGPUs": 1}
    job = {"ClusterId": 77, "JobUniverse": 5, "JobStatus": 1, "EnteredCurrentStatus": entered, **asks}
    answer([{**job, "LastRejMatchReason": "no match found ", "VacateReason": "Job vacated by schedd"}])
    reason = queued_jobs(["77"])["77"].reason
    assert reason.startswith(
        "waits since 2 h 10 min for a node with 16384 MB of memory, 1 cores, 1 GPUs; the pool says: no match"
    )
    assert "it left the last one: Job vacated by schedd" in reason
    answer([{**job, "RequestGPUs": 0, "RequestMemory": "an expression"}])
    assert queued_jobs(["77"])["77"].reason.startswith(
        "waits since 2 h 10 min for a node with 1 cores; condor_q -better"
    )


def test_what_the_training_told_the_queue(answer):
    job = {"ClusterId": 77, "JobUniverse": 5, "JobStatus": 2}
    answer([{**job, "ChirpTraining": "3 50 val_loss 0.25 1700000000"}])
    assert queued_jobs(["77"])["77"].progress == Progress(3, 50, "val_loss", 0.25, 1.7e9)


def test_a_state_that_the_manual_does_not_name(answer):
    answer([{"ClusterId": 77, "JobUniverse": 5, "JobStatus": 42}, {"ClusterId": 78, "JobUniverse": 5}])
    assert {each.state for each in queued_jobs(["77", "78"]).values()} == {"not known"}


def test_htcondor_is_asked_once_for_all(answer, tmp_path):
    answer("")
    assert queued_jobs(["78", "77", "77", "local"]) == {}
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[-1] == "ClusterId == 77 || DAGManJobId =?= 77 || ClusterId == 78 || DAGManJobId =?= 78"


def test_nothing_is_asked_for_nothing(answer, tmp_path):
    answer([])
    assert queued_jobs([]) == {}
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(("jobs", "code"), [("Failed to fetch ads", 0), ("[]", 1), ('[{"ClusterId": 7', 0)])
def test_a_queue_that_does_not_answer_is_not_known(answer, jobs, code):
    answer(jobs, code)
    assert queued_jobs(["77"]) is None


def test_without_htcondor_the_queue_is_not_known(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queued_jobs(["77"]) is None
