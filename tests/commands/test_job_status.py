"""job_status.sh on runs that are registered in an output folder, with and without an HTCondor that answers."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from python.commands.job_status import main
from python.general_purpose_libs import run_command, write_json
from python.runs.registry.names import run_id
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus
from tests.batch.job_logs import dagman_out, event, rescue_dag, write_log


@pytest.fixture
def jobs(tmp_path, monkeypatch, capsys):
    """`jobs.add(...)` registers a run as a job, `jobs.queue(...)` says what HTCondor has, `jobs.show(...)` the lines shown."""
    output, pool = tmp_path / "output", tmp_path / "pool"
    pool.mkdir()
    monkeypatch.setenv("PATH", f"{pool}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def add(
        name,
        state="submitted",
        *,
        job="77",
        task="mt_identifier",
        flavour="workday",
        config=None,
        output=output,
        **facts,
    ):
        folder = output / task / "simple_cnn" / name
        folder.mkdir(parents=True)
        write_json(folder / "config.json", {"task": task, **(config or {})})
        RunStatus(folder, task=task, **facts).update(state)
        known = {"task": task, "folder": f"{task}/simple_cnn/{name}", "state": state, "flavour": flavour}
        Registry(output).record(run_id(output, folder), **known, job=job)
        return folder

    def queue(*answer, script=None):
        text = json.dumps([{"JobUniverse": 5, **each} for each in answer])
        (pool / "condor_q").write_text(f"#!/bin/bash\n{script or 'cat'} <<'END'\n{text}\nEND\n")
        (pool / "condor_q").chmod(0o755)

    def show(*arguments, folder=output):
        code = run_command(lambda: main(["-o", str(folder), *arguments]))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err, lines=said.out.splitlines())

    return SimpleNamespace(add=add, queue=queue, show=show, output=output)


def cells(line):
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_a_running_job(jobs):
    started = (datetime.now(UTC) - timedelta(hours=2, minutes=59, seconds=30)).isoformat(timespec="seconds")
    jobs.add(
        "a", "running", epoch=12, epochs=50, best={"name": "val_loss", "value": 0.123456}, started=started, host="gpu7"
    )
    title, line = jobs.show().lines
    assert cells(title)[0] == "job"
    shown = cells(line)
    assert shown[:5] == ["77", "mt_identifier.simple_cnn.a", "running", "12/50", "val_loss 0.1235"]
    assert shown[5] in ("5 h 00 min", "5 h 01 min")
    assert shown[6] == "gpu7"


def test_columns_stand_below_their_titles(jobs):
    for name in ("a", "long_name_of_a_run"):
        jobs.add(name, "running", epoch=1, epochs=2)
    title, *lines = jobs.show("--all").lines
    for line in lines:
        assert line.index("running") == title.index("state")
        assert line.index("1/2") == title.index("epoch")


def test_a_run_that_has_not_begun_has_no_host_and_no_time(jobs):
    jobs.add("a")
    assert cells(jobs.show().lines[1]) == ["77", "mt_identifier.simple_cnn.a", "submitted"]


@pytest.mark.parametrize(
    ("flavour", "minutes", "left"),
    [("espresso", 25, "over"), ("espresso", 5.5, "0 h 15 min"), ("nextweek", 61, "166 h 59 min"), ("unheard", 5, None)],
)
def test_the_time_that_is_left(jobs, flavour, minutes, left):
    started = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
    jobs.add("a", "running", flavour=flavour, started=started)
    assert (left or " h ") in jobs.show().lines[1] if left else " min" not in jobs.show().lines[1]


# ---------------------------------------------------------------------------- what HTCondor says
@pytest.mark.parametrize(("status", "state"), [(1, "idle"), (2, "running"), (7, "suspended")])
def test_what_the_queue_says_goes_before_what_the_run_wrote(jobs, status, state):
    jobs.add("a")
    jobs.queue({"ClusterId": 77, "JobStatus": status})
    assert cells(jobs.show().lines[1])[2] == state


def test_why_a_job_is_held_stands_below_it(jobs):
    jobs.add("a")
    jobs.queue({"ClusterId": 77, "JobStatus": 5, "HoldReason": "memory usage exceeded request_memory"})
    _, line, below = jobs.show().lines
    assert "held" in line
    assert below == "    memory usage exceeded request_memory"


def test_time_and_host_of_a_job_whose_run_is_carried(jobs):
    jobs.add("a", host="the submitting machine")
    jobs.queue(
        {"ClusterId": 77, "JobStatus": 2, "RemoteHost": "slot1@gpu9", "JobCurrentStartDate": int(time.time()) - 3630}
    )
    line = jobs.show().lines[1]
    assert line.endswith(("6 h 59 min  gpu9", "7 h 00 min  gpu9"))
    assert "submitting" not in line


def test_a_job_that_left_the_queue_before_it_began(jobs):
    jobs.add("a")
    jobs.queue()
    _, line, below = jobs.show().lines
    assert "gone" in line
    assert "not in the queue" in below


def test_a_run_that_is_done_is_done_whatever_the_queue_says(jobs):
    jobs.add("a", "done")
    jobs.queue({"ClusterId": 77, "JobStatus": 2})
    assert "done" in jobs.show("--all").lines[1]


def test_an_evicted_run_waits_to_go_on(jobs):
    jobs.add("a", "interrupted", epoch=3, epochs=9)
    jobs.queue({"ClusterId": 77, "JobStatus": 1})
    assert cells(jobs.show().lines[1])[2:] == ["idle", "3/9"]


def test_a_queue_that_does_not_answer(jobs):
    jobs.add("a", "running")
    jobs.queue(script="exit 1; cat")
    done = jobs.show()
    assert done.code == 0
    assert "running" in done.lines[1]
    assert "does not answer" in done.err


# ---------------------------------------------------------------------------- which jobs
def test_jobs_that_are_done_are_shown_when_asked_for(jobs):
    jobs.add("a", "done", job="1")
    jobs.add("b", "failed", job="2", message="the loss is not finite")
    assert [cells(line)[0] for line in jobs.show().lines[1:2]] == ["2"]
    assert "the loss is not finite" in jobs.show().out
    assert {line[0] for line in jobs.show("--all").lines} >= {"1", "2"}


def test_jobs_of_one_task(jobs):
    jobs.add("a")
    jobs.add("b", task="channel_tagging", job="78")
    assert [cells(line)[0] for line in jobs.show("-t", "channel_tagging").lines[1:]] == ["78"]


def test_a_run_that_was_not_submitted_is_no_job(jobs):
    jobs.add("a", "running", job=None)
    assert jobs.show().out == f"no jobs wait or run in {jobs.output}\n"


def test_when_all_are_done_that_is_said(jobs):
    jobs.add("a", "done")
    assert jobs.show().out == f"no jobs wait or run in {jobs.output}; 1 are done, which --all shows\n"


def test_members_that_are_done(jobs):
    folder = jobs.add("a", config={"ensemble": {"members": 5}})
    for name, state in (("01", "done"), ("02", "running"), ("03", "done")):
        (folder / "members" / name).mkdir(parents=True)
        RunStatus(folder / "members" / name).update(state)
    assert "2 of 5 members" in jobs.show().lines[1]


def test_the_epochs_of_a_run_that_did_not_write_them_into_its_status(jobs):
    folder = jobs.add("a", "interrupted")
    Registry(jobs.output).record(run_id(jobs.output, folder), epochs=3)
    assert cells(jobs.show().lines[1])[2:] == ["interrupted", "3"]


def test_no_output_folder(jobs, tmp_path):
    done = jobs.show(folder=tmp_path / "nowhere")
    assert done.code == 2
    assert "nowhere: no such folder" in done.err


# ---------------------------------------------------------------------------- what the jobs' logs say
def log(folder, *told):
    return write_log(folder / "logs" / "job.log", *told)


def entry_of(jobs):
    (entry,) = Registry(jobs.output).entries()
    return entry


def test_a_resubmission_by_hand_is_found_with_its_hold(jobs):
    folder = jobs.add("a", "interrupted", epoch=3, epochs=9)
    log(folder, ("submitted", 0), ("executing", 1), ("removed", 20), ("submitted", 60, 91))
    jobs.queue({"ClusterId": 91, "JobStatus": 5, "HoldReason": "no space on disk"})
    _, line, below = jobs.show().lines
    assert cells(line)[:4] == ["91", "mt_identifier.simple_cnn.a", "held", "3/9"]
    assert below.strip() == "no space on disk"
    entry = entry_of(jobs)
    assert (entry["job"], entry["state"], entry["batch"]["state"]) == ("91", "submitted", "held")
    page = (jobs.output / "TRAINING_REGISTRY.md").read_text()
    assert "91; held: no space on disk" in page
    assert "SUBMITTED" in page


def test_without_a_queue_the_log_tells(jobs):
    folder = jobs.add("a", "interrupted")
    log(folder, ("submitted", 0), ("executing", 1), ("evicted", 30), ("held", 40))
    _, line, *below = jobs.show().lines
    assert cells(line)[2] == "held"
    assert [each.strip() for each in below] == ["memory usage exceeded request_memory", "started once, evicted once"]


def test_how_often_a_job_started_and_what_evictions_cost(jobs):
    folder = jobs.add("a", "running", epoch=1, epochs=2)
    log(
        folder,
        ("submitted", 0),
        ("executing", 1),
        ("evicted", 30),
        ("executing", 70),
        ("evicted", 80),
        ("executing", 180),
    )
    assert "    started 3 times, evicted 2 times, 2 h 20 min of waiting in between" in jobs.show().lines


def test_a_removed_job_is_seen_at_once(jobs):
    folder = jobs.add("a", "running")  # with a heartbeat of this moment
    log(folder, ("submitted", 0), ("executing", 1), ("removed", 20))
    jobs.queue()
    _, line, below = jobs.show().lines
    assert cells(line)[2] == "removed"
    assert below.strip() == "via condor_rm (by user me)"
    assert entry_of(jobs)["state"] == "interrupted"
    RunStatus(folder).update("running")  # it was started by hand, which is newer
    assert entry_of(jobs)["state"] == "running"


def test_a_job_that_failed_before_its_run_began(jobs):
    folder = jobs.add("a")
    log(folder, ("submitted", 0), ("executing", 1), event("ended", 2, code=3))
    (folder / "logs" / "job.err").write_text("lines\nerror: data/es: no such folder\n")
    jobs.queue()
    _, line, below = jobs.show().lines
    assert cells(line)[2] == "failed"
    assert below.strip() == "job 77: exit code 3 (data): data/es: no such folder"
    assert entry_of(jobs)["state"] == "failed"


def test_the_end_of_a_run_that_was_carried_reaches_the_registry(jobs):
    folder = jobs.add("a", config={"batch_job": {"file_transfer": True}})
    log(folder, ("submitted", 0), ("executing", 1))
    jobs.show()
    assert entry_of(jobs)["state"] == "running"
    log(folder, ("submitted", 0), ("executing", 1), event("ended", 61, memory=5300))
    RunStatus(folder, task="mt_identifier").update("done")
    write_json(folder / "metrics.json", {"accuracy": 0.9})
    jobs.show()
    stored = json.loads((jobs.output / "registry" / "mt_identifier.simple_cnn.a.json").read_text())
    assert (stored["state"], stored["results"]) == ("done", {"accuracy": 0.9})
    assert (stored["batch"]["memory_mb"], stored["batch"]["hours"]) == (5300, 1.0)
    assert "1.0 h on nodes, 5.2 GB of memory" in (jobs.output / "TRAINING_REGISTRY.md").read_text()


def test_what_a_carried_training_told_the_queue(jobs):
    jobs.add("a", config={"batch_job": {"file_transfer": True}})
    jobs.queue({"ClusterId": 77, "JobStatus": 2})
    assert "its node does not see this folder" in jobs.show().out
    told = int(time.time()) + 60  # the status file is of this second
    jobs.queue({"ClusterId": 77, "JobStatus": 2, "ChirpTraining": f"12 50 val_loss 0.25 {told}"})
    assert cells(jobs.show().lines[1])[3:5] == ["12/50", "val_loss 0.25"]


def test_a_log_that_says_more_than_the_queue_here(jobs):
    log(jobs.add("a"), ("submitted", 0), ("executing", 1))
    jobs.queue()
    done = jobs.show()
    assert cells(done.lines[1])[2] == "running"
    assert "the queue that answers here has it not" in done.out


# ---------------------------------------------------------------------------- ensembles
@pytest.fixture
def failed_dag(jobs):
    """A DAG whose second member failed, and which has ended."""
    folder = jobs.add("a", job="80", config={"ensemble": {"members": 3}})
    place = folder / "job"
    place.mkdir()
    (place / "ensemble.dag").touch()
    write_log(
        place / "ensemble.dag.dagman.log", ("submitted", 0, 80), ("executing", 1, 80), event("ended", 15, 80, code=1)
    )
    (place / "ensemble.dag.dagman.out").write_text(dagman_out(80, {"member_02": 3}, 1))
    (place / "ensemble.dag.rescue001").write_text(rescue_dag(["member_01", "member_03"], ["member_02"]))
    for number, code in ((1, 0), (2, 3), (3, 0)):
        told = ("submitted", 2, 80 + number), ("executing", 3, 80 + number), event("ended", 9, 80 + number, code=code)
        write_log(folder / "logs" / f"member_{number:02d}.log", *told)
    (folder / "logs" / "member_02.err").write_text("error: data/es: no such folder\n")
    jobs.queue()
    return folder


WHY = "member 2 failed: exit code 3 (data): data/es: no such folder"


@pytest.mark.usefixtures("failed_dag")
def test_which_member_failed_and_why(jobs):
    _, line, below, *_ = jobs.show().lines
    assert cells(line)[:3] == ["80", "mt_identifier.simple_cnn.a", "failed"]
    assert below.strip() == f"job 80: {WHY}"
    assert entry_of(jobs)["state"] == "failed"
    assert "FAILED" in (jobs.output / "TRAINING_REGISTRY.md").read_text()


def test_the_members_own_word_goes_before_its_output(jobs, failed_dag):
    (failed_dag / "members" / "02").mkdir(parents=True)
    RunStatus(failed_dag / "members" / "02").update("failed", message="the loss became nan")
    assert "member 2 failed: exit code 3 (data): the loss became nan" in jobs.show().out


def test_without_dagmans_output_the_rescue_dag_names_the_member(jobs, failed_dag):
    (failed_dag / "job" / "ensemble.dag.dagman.out").unlink()
    assert "member 2 failed: data/es: no such folder" in jobs.show().out


def test_a_dag_that_was_submitted_again_and_runs(jobs, failed_dag):
    manager = failed_dag / "job" / "ensemble.dag.dagman.log"
    manager.write_text(manager.read_text() + event("submitted", 60, 95) + event("executing", 61, 95))
    member = failed_dag / "logs" / "member_02.log"
    member.write_text(member.read_text() + event("submitted", 62, 96) + event("executing", 63, 96))
    jobs.queue(
        {"ClusterId": 95, "JobStatus": 2, "JobUniverse": 7}, {"ClusterId": 96, "DAGManJobId": 95, "JobStatus": 2}
    )
    assert cells(jobs.show().lines[1])[:3] == ["95", "mt_identifier.simple_cnn.a", "running"]
    assert entry_of(jobs)["state"] == "running"


# ---------------------------------------------------------------------------- searches, tries, again and again
def test_the_workers_of_a_search(jobs):
    folder = jobs.add("a", "running", job=None)
    write_json(folder / "search" / "workers.json", {"system": "htcondor", "job": "60", "workers": 3})
    jobs.queue({"ClusterId": 60, "JobStatus": 2}, {"ClusterId": 60, "JobStatus": 2}, {"ClusterId": 60, "JobStatus": 1})
    _, line, below = jobs.show().lines
    assert cells(line) == ["60", "mt_identifier.simple_cnn.a, 3 workers", "running"]
    assert below.strip() == "2 running, 1 idle"


@pytest.mark.parametrize(("state", "shown"), [("done", "passed"), ("failed", "failed")])
def test_how_a_try_ended(jobs, state, shown):
    jobs.add("a", "running")
    jobs.output /= "tries"
    folder = jobs.add("b", state, output=jobs.output, message="no GPU" if state == "failed" else None)
    write_json(folder / "environment.json", {"device": "GPU: A100", "host": "gpu7"})
    lines = jobs.show().lines
    assert cells(lines[2])[1:3] == ["try mt_identifier.simple_cnn.b", shown]
    assert lines[3].strip() == ("no GPU" if state == "failed" else "trained on GPU: A100 on gpu7")


def test_watching_ends_with_the_last_job(jobs, monkeypatch):
    folder = jobs.add("a")
    log(folder, ("submitted", 0))
    slept = []

    def sleep(seconds):
        if seconds < 1:  # the registry's
            return
        slept.append(seconds)
        log(folder, ("submitted", 0), ("removed", 5))

    monkeypatch.setattr("python.commands.job_status.time.sleep", sleep)
    done = jobs.show("--watch", "30")
    assert (done.code, slept) == (0, [30.0])
    assert [cells(line)[2] for line in done.lines if line.startswith("77")] == ["idle", "removed"]
