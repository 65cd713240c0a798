"""Searches that are killed, stopped, or lose a worker, and go on; through the command line, with trials in closed form."""

import json
import signal
import sys
import time
from functools import partial

import numpy as np
import psutil
import pytest

from python.commands.train import main
from python.general_purpose_libs import read_json, run_command
from python.runs.status import read_status
from tests.children import Child
from tests.patience import wait_until
from tests.training.search.closed_form import asking, jobs, table, trials_of, without_networks


# ---------------------------------------------------------------------------- one worker
def search(line):
    """The launcher's main, its trials in closed form."""
    without_networks(pytest.MonkeyPatch().setattr)
    sys.exit(run_command(lambda: main(line)))


@pytest.fixture
def start(workplace):
    """Starts a search in a process of its own; what still runs at the end of the test is killed."""
    started = []

    def start(*arguments, resume=None):
        here = (
            ["--resume", resume] if resume else ["-j", workplace.config, "-d", workplace.data, "-o", workplace.output]
        )
        line = ["mt_identifier", *map(str, [*here, *arguments])]
        started.append(Child(partial(search, line), workplace.path / f"errors_{len(started)}"))
        return started[-1]

    yield start
    for child in started:
        child.kill()


def end(child, number=None):
    """The exit code of a process that gets a signal, or ends by itself."""
    return child.end(number)[0]


def is_alive(process):
    """Whether it still does something; one that waits to be reaped does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def run_of(workplace):
    (folder,) = workplace.output.glob("mt_identifier/*/*/*")
    return folder


def has_begun(account, number):
    return account.exists() and len(account.read_text().splitlines()) >= number


def test_a_search_killed_again_and_again_finds_what_one_never_killed_finds(workplace, start, tmp_path):
    account, rng = tmp_path / "account", np.random.default_rng()
    search = asking(20, notes={"seconds": 0.1, "account": str(account)})
    folder, moments = None, []
    for kill in (1, 3, 6, 9, 12):  # the last ones after TPE has begun
        process = start(*search) if folder is None else start(resume=folder)
        before = moments[-1] if moments else 0
        wait_until(partial(has_begun, account, max(kill, before + 1)))
        time.sleep(rng.uniform(0, 0.15))  # in a trial, between two, or while one is written down
        assert end(process, signal.SIGKILL) == -signal.SIGKILL
        folder = run_of(workplace)
        moments.append(len(account.read_text().splitlines()))
    assert read_status(folder)["state"] == "interrupted"
    assert end(start(resume=folder)) == 0
    began = [job["number"] for job in jobs(account)]
    assert len(began) <= 20 + 5  # at most the trial that was under way is done again
    undisturbed = start(*search, "-o", tmp_path / "undisturbed")
    assert end(undisturbed) == 0
    (straight,) = (tmp_path / "undisturbed").glob("mt_identifier/*/*/*")
    assert table(folder) == table(straight), moments
    assert [each["number"] for each in table(folder)] == list(range(1, 21))
    found = [read_json(run / "best_config.json") for run in (folder, straight)]
    assert found[0]["model_parameters"] == found[1]["model_parameters"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 85), (signal.SIGINT, 130)])
def test_a_search_that_is_asked_to_stop_goes_on_later(workplace, start, tmp_path, number, code):
    account = tmp_path / "account"
    process = start(*asking(4, notes={"sleep": {"2": 30}, "account": str(account)}))
    wait_until(lambda: has_begun(account, 2))
    assert end(process, number) == code
    folder = run_of(workplace)
    assert read_status(folder)["state"] == "interrupted"
    assert [each["number"] for each in trials_of(folder)] == [1]
    first = trials_of(folder)[0]
    notes = json.dumps({"sleep": {}, "account": str(account)})  # notes are not compared: only the waiting is taken out
    assert end(start("--set", f"notes={notes}", resume=folder)) == 0
    assert trials_of(folder)[0] == first
    assert [job["number"] for job in jobs(account)] == [1, 2, 2, 3, 4]


# ---------------------------------------------------------------------------- several workers
@pytest.mark.usefixtures("quick")
def test_a_worker_that_is_killed_costs_its_trial_only(workplace):
    before = set(psutil.Process().children(recursive=True))
    notes = {"killed": [2], "sleep": {"1": 2, "3": 0.1, "4": 0.1}}
    result = workplace.train(*asking(4, notes=notes, search__workers=2))
    assert result.code == 0, result.err
    trials = trials_of(result.last)
    assert {each["number"]: each["status"] for each in trials} == {1: "done", 2: "failed", 3: "done", 4: "done"}
    assert "worker was lost" in next(each["reason"] for each in trials if each["number"] == 2)
    wait_until(lambda: not set(psutil.Process().children(recursive=True)) - before)


@pytest.mark.usefixtures("quick")
def test_trials_stand_in_the_order_in_which_they_ended(workplace):
    result = workplace.train(*asking(3, notes={"sleep": {"1": 3}}, search__workers=2))
    assert [each["number"] for each in trials_of(result.last)] == [2, 3, 1]
    values = [each["values"] for each in trials_of(result.last)]
    assert all(values.count(each) == 1 for each in values)


def test_workers_end_with_a_search_that_is_killed_and_the_search_goes_on(workplace, start, tmp_path):
    account = tmp_path / "account"
    process = start(*asking(4, notes={"sleep": {"2": 30, "3": 30}, "account": str(account)}, search__workers=2))
    wait_until(lambda: has_begun(account, 3))
    below = psutil.Process(process.process.pid).children(recursive=True)
    assert below
    end(process, signal.SIGKILL)
    wait_until(lambda: not any(is_alive(each) for each in below))
    folder = run_of(workplace)
    assert [each["number"] for each in trials_of(folder)] == [1]
    notes = json.dumps({"account": str(account)})
    assert end(start("--set", f"notes={notes}", resume=folder)) == 0
    assert sorted(each["number"] for each in trials_of(folder)) == [1, 2, 3, 4]
