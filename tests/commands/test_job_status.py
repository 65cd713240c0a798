"""job_status.sh on runs that are registered in an output folder, with and without an HTCondor that answers."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from python.commands.job_status import main
from python.general_purpose_libs import RunStatus, run_command, write_json
from python.reporting.registry import Registry
from python.reporting.registry_names import run_id


@pytest.fixture
def jobs(tmp_path, monkeypatch, capsys):
    """`jobs.add(...)` registers a run as a job, `jobs.queue(...)` says what HTCondor has, `jobs.show(...)` the lines shown."""
    output, pool = tmp_path / "output", tmp_path / "pool"
    pool.mkdir()
    monkeypatch.setenv("PATH", f"{pool}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def add(name, state="submitted", job="77", task="mt_identifier", flavour="workday", config=None, **facts):
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
