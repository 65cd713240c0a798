"""Runs that an older version left (tests/older_runs) are loaded, predicted with, gone on with, compared and listed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from python.commands import analyze_by_energy, compare_runs, predict, train, update_registry
from python.general_purpose_libs import read_json, run_command
from python.runs.status import read_status

OLDER = Path(__file__).resolve().parents[1] / "older_runs"
TASKS = ("mt_identifier", "channel_tagging", "electron_direction")
ANSWERS = {"mt_identifier": "scores", "channel_tagging": "scores", "electron_direction": "direction"}


def config_of(run):
    return read_json(run / "config.json")


@pytest.fixture
def older(tmp_path, monkeypatch):
    """A copy of the runs and their data; a function from task and state to the folder of a run."""
    shutil.copytree(OLDER, tmp_path / "older")
    monkeypatch.chdir(tmp_path / "older")
    runs = {}
    for status in Path("output").rglob("status.json"):
        runs[config_of(status.parent)["task"], read_status(status.parent)["state"]] = status.parent
    return lambda task, state="done": runs[task, state]


@pytest.mark.parametrize("task", TASKS)
def test_its_network_gives_the_predictions_that_it_saved(older, task, tmp_path):
    run, file = older(task), tmp_path / "predictions.npz"
    assert run_command(lambda: predict.main(["-m", str(run), "-d", "data", "-o", str(file)])) == 0
    name = ANSWERS[task]
    with np.load(file) as now, np.load(run / "test_predictions.npz") as saved:
        rows = [
            np.flatnonzero((now["event"] == event) & (now["match_id"] == match))
            for event, match in zip(saved["event"], saved["match_id"], strict=True)
        ]
        assert all(len(found) for found in rows)
        for found, then in zip(rows, saved[name], strict=True):
            assert np.abs(now[name][found] - then).max(axis=-1).min() < 1e-4


@pytest.mark.parametrize("task", TASKS)
def test_it_goes_on_where_it_was_stopped(older, task):
    run = older(task, "interrupted")
    assert run_command(lambda: train.main([task, "--resume", str(run)])) == 0
    assert read_status(run)["state"] == "done"
    assert {"metrics.json", "test_predictions.npz", f"{config_of(run)['model_name']}.keras"} <= {
        file.name for file in run.iterdir()
    }


@pytest.mark.parametrize("task", TASKS)
def test_a_training_continues_from_it(older, task, tmp_path):
    run = older(task)
    line = [task, "-j", str(run / "config.json"), "-o", str(tmp_path / "new"), "--continue-from", str(run)]
    line += ["--set", "version=continued", "model_parameters.epochs=1"]
    assert run_command(lambda: train.main(line)) == 0


def test_runs_are_listed_and_compared(older, tmp_path, capsys):
    assert run_command(lambda: update_registry.main(["-o", "output", "--import"])) == 0
    listed = capsys.readouterr().out
    assert listed.count("done") == len(TASKS)
    assert listed.count("interrupted") == len(TASKS)
    for task in TASKS:
        run, copy = older(task), tmp_path / task
        shutil.copytree(run, copy)
        line = [str(run), str(copy), "-o", str(tmp_path / f"{task}_compared")]
        assert run_command(lambda line=line: compare_runs.main(line)) == 0
    energy = [str(older("electron_direction")), "-o", str(tmp_path / "energy")]
    assert run_command(lambda: analyze_by_energy.main(energy)) == 0
