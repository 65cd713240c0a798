"""What cannot be compared is refused in words: runs that are not done, of other tasks, or damaged."""

import json

import numpy as np
import pytest

from tests.commands.compare_runs.conftest import entries, run, write_run, written
from tests.commands.test_analyze_by_energy import write_run as write_direction_run
from tests.directions.samples import direction_results


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_run_that_is_not_done_is_refused_by_name(runs, tmp_path, capsys, state):
    unfinished = write_run(tmp_path / "unfinished", state=state)
    assert run(*runs, unfinished, "-o", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert f"{unfinished}: the run is {state}, not done" in said
    assert "--resume" in said
    assert not (tmp_path / "out").exists()


def test_runs_of_different_tasks_are_refused(runs, tmp_path, capsys):
    direction = write_direction_run(tmp_path / "direction", direction_results(50))
    assert run(*runs, direction, "-o", tmp_path / "out") == 2
    assert (
        f"{direction}: is a run of electron_direction, and only runs of one task, mt_identifier"
        in capsys.readouterr().err
    )
    assert run(*runs, "--task", "electron_direction", "-o", tmp_path / "out") == 2
    assert "is a run of mt_identifier" in capsys.readouterr().err
    other = write_run(tmp_path / "other", task="muon_counter")
    assert run(other) == 2
    assert "does not say which task" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name", "a"], "1 names for 3 runs"),
        (["--name", "a", "a", "b"], "same name"),
        (["--sort", "acuracy"], 'did you mean "accuracy"'),
        (["--sort", "n_test"], "ranks nothing"),
        (["{0}/../v2"], "is named twice"),
        (["{0}/nowhere"], "no such folder"),
        (["{0}/.."], "is no run folder"),
    ],
)
def test_what_cannot_be_compared_is_refused(runs, tmp_path, capsys, arguments, said):
    assert run(*runs, *(argument.format(runs[0]) for argument in arguments), "-o", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["metrics.json", "training_history.json", "config.json"])
@pytest.mark.parametrize("content", ["{", "[]", "3"])
def test_damaged_json_is_named(runs, tmp_path, capsys, name, content):
    (runs[1] / name).write_text(content)
    assert run(*runs, "-o", tmp_path / "out") == 2
    assert str(runs[1] / name) in capsys.readouterr().err


@pytest.mark.parametrize("content", [{"loss": "falls"}, {"loss": ["high", "low"]}, {"loss": 3}, {"loss": [[1.0]]}])
def test_a_history_that_is_none_is_named(runs, tmp_path, capsys, content):
    (runs[1] / "training_history.json").write_text(json.dumps(content))
    assert run(*runs, "-o", tmp_path / "out") == 2
    assert str(runs[1] / "training_history.json") in capsys.readouterr().err


def test_a_metric_that_is_no_number_is_not_known(runs, tmp_path):
    (runs[1] / "metrics.json").write_text(json.dumps({"auc": "good", "accuracy": 0.5}))
    assert run(*runs, "-o", tmp_path / "out") == 0
    assert entries(written(tmp_path / "out"), "rank") == {"v3": 1, "v2": 2, "v1": None}


@pytest.mark.parametrize("change", ["cut", "no scores", "no event", "too few labels", "no probabilities", "words"])
def test_damaged_predictions_are_named(runs, tmp_path, capsys, change):
    path = runs[1] / "test_predictions.npz"
    if change == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        arrays = dict(np.load(path))
        arrays.pop(change.removeprefix("no "), None)
        arrays["labels"] = arrays["labels"][: 200 if change == "too few labels" else None]
        if change == "words":
            arrays["true_nu_energy"] = np.full(300, "high")
        if change == "no probabilities":
            arrays["scores"] = arrays["scores"] + 1
        np.savez(path, **arrays)
    assert run(*runs, "-o", tmp_path / "out") == 3
    assert str(path) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
