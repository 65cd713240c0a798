"""compare_runs.sh, from the command line, on trained runs and on run folders with invented predictions."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from python.commands.compare_runs import main
from python.metrics.directions import direction_metrics
from tests.commands.compare_runs.conftest import entries, run, write_run, written
from tests.commands.test_analyze_by_energy import write_run as write_direction_run
from tests.directions.samples import direction_results

ROOT = Path(__file__).resolve().parents[3]
FILES = {"comparison.md", "comparison.html", "comparison.json", "plots"}


# ---------------------------------------------------------------------------- what there is
def test_runs_are_compared_in_table_page_and_plots(runs, tmp_path, capsys):
    output = tmp_path / "out" / "here"
    assert run(*runs, "-o", output) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[-1] == str(output)
    assert "note" not in printed.err
    assert "simulated" in lines[0]
    assert [line.split()[:2] for line in lines if re.match(r"\d\. ", line)] == [
        ["1.", "v3"],
        ["2.", "v2"],
        ["3.", "v1"],
    ]
    assert "model_parameters.epochs: 7 (v3); 5 (v2, v1)" in lines
    assert {path.name for path in output.iterdir()} == FILES
    assert {path.stem for path in (output / "plots").iterdir()} == {
        "what_is_reached",
        "learning_curves",
        "against_energy",
    }
    for path in (output / "plots").iterdir():
        assert matplotlib.image.imread(path).shape[1] > 1000
    html, markdown = ((output / f"comparison.{end}").read_text() for end in ("html", "md"))
    assert html.count("data:image/png;base64,") == 3
    for link in re.findall(r"!\[.*\]\((.*)\)", markdown):
        assert (output / link).is_file()
    found = written(output)
    assert found["ranked"]
    assert found["n_same_events"] == 300
    assert entries(found, "rank") == {"v3": 1, "v2": 2, "v1": 3}
    assert found["settings"] == {"model_parameters.epochs": {"v3": 7, "v2": 5, "v1": 5}}
    for folder, name in zip(runs, ("v2", "v1", "v3"), strict=True):
        assert entries(found, "metrics")[name] == json.loads((folder / "metrics.json").read_text())
    differences = entries(found, "difference_to_best")
    assert differences["v3"] is None
    auc = {name: metrics["auc"] for name, metrics in entries(found, "metrics").items()}
    assert differences["v1"]["value"] == pytest.approx(auc["v1"] - auc["v3"])
    assert differences["v1"]["low"] < differences["v1"]["value"] < differences["v1"]["high"] < 0


def test_a_trained_run_beside_one_that_guesses(track_run, tmp_path, capsys):
    guessing = tmp_path / "guessing"
    shutil.copytree(track_run, guessing)
    config = json.loads((guessing / "config.json").read_text())
    config["model_parameters"]["loss"] = {"name": "focal", "gamma": 2.0, "alpha": 0.25}
    (guessing / "config.json").write_text(json.dumps(config))
    arrays = dict(np.load(guessing / "test_predictions.npz"))
    order = np.random.default_rng(0).permutation(len(arrays["event"]))  # the rows may stand in another order
    arrays = {name: values[order] if len(values) == len(order) else values for name, values in arrays.items()}
    arrays["scores"] = np.full_like(arrays["scores"], 0.5)
    np.savez(guessing / "test_predictions.npz", **arrays)
    (guessing / "metrics.json").unlink()
    assert run(guessing, track_run, "-o", tmp_path / "out", "--name", "guessing", "trained") == 0
    found = written(tmp_path / "out")
    assert entries(found, "metrics")["guessing"]["auc"] == 0.5
    assert entries(found, "rank") == {"trained": 1, "guessing": 2}
    trained = json.loads((track_run / "metrics.json").read_text())
    assert entries(found, "difference_to_best")["guessing"]["value"] == pytest.approx(0.5 - trained["auc"])
    assert "model_parameters.loss.name" in found["settings"]
    assert "no metrics.json of guessing" in capsys.readouterr().err


def test_trained_directions(direction_run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(direction_run, other)
    assert run(direction_run, other, "-o", tmp_path / "out", "--name", "one", "other") == 0
    found = written(tmp_path / "out")
    assert found["metric"] == "containment_68_deg"
    assert found["settings"] == {}
    assert entries(found, "difference_to_best")["other"] == {"value": 0, "low": 0, "high": 0, "ahead": 0.5}
    assert (tmp_path / "out" / "plots" / "against_energy.png").is_file()


def test_directions_are_ranked_by_the_smaller_angle(tmp_path):
    folders = [
        write_direction_run(tmp_path / name, direction_results(300, scale_deg=scale), version=name)
        for name, scale in (("bad", 40.0), ("good", 15.0))
    ]
    assert run(*folders, "-o", tmp_path / "out") == 0  # no metrics.json, no history
    found = written(tmp_path / "out")
    assert entries(found, "rank") == {"good": 1, "bad": 2}
    expected = direction_metrics(direction_results(300, scale_deg=15.0))["containment_68_deg_high"]
    assert entries(found, "metrics")["good"]["containment_68_deg_high"] == pytest.approx(expected)
    assert {path.stem for path in (tmp_path / "out" / "plots").iterdir()} == {"what_is_reached", "against_energy"}


@pytest.mark.usefixtures("undrawn")
def test_a_new_folder_lies_in_the_output_folder(runs, tmp_path, capsys):
    found = set()
    for _ in range(2):
        assert run(runs[0], "--output-folder", tmp_path / "output") == 0
        found.add(capsys.readouterr().out.splitlines()[-1])
    assert len(found) == 2
    assert {Path(folder).parent for folder in found} == {tmp_path / "output" / "compare_runs"}


@pytest.mark.usefixtures("undrawn")
def test_names_and_another_metric(runs, tmp_path):
    assert run(*runs, "-o", tmp_path / "out", "--name", "a", "b", "c", "--sort", "log_loss") == 0
    found = written(tmp_path / "out")
    assert found["metric"] == "log_loss"
    losses = {name: metrics["log_loss"] for name, metrics in entries(found, "metrics").items()}
    assert list(losses) == sorted("abc", key=losses.get)


@pytest.mark.usefixtures("undrawn")
def test_a_run_of_a_search_is_told_by_what_was_found(runs, tmp_path):
    config = json.loads((runs[0] / "config.json").read_text())
    best = {**config, "model_name": "plain", "model_parameters": {"epochs": 99}}
    (runs[0] / "best_config.json").write_text(json.dumps(best))
    assert run(*runs[:2], "-o", tmp_path / "out") == 0
    assert written(tmp_path / "out")["settings"] == {"model_parameters.epochs": {"v2": 99, "v1": 5}}


# ---------------------------------------------------------------------------- what is missing
def test_what_a_run_lacks_is_said_and_left_out(tmp_path, capsys):
    whole = write_run(tmp_path / "whole", version="whole")
    bare = write_run(
        tmp_path / "bare", version="bare", leave_out=("test_predictions.npz", "training_history.json", "metrics.json")
    )
    assert run(whole, bare, "-o", tmp_path / "out") == 0
    said = capsys.readouterr().err
    for note in ("which events bare was tested on", "no metrics.json of bare", "no training_history.json of bare"):
        assert note in said
    found = written(tmp_path / "out")
    assert not found["ranked"]
    assert entries(found, "metrics")["bare"] == {}
    assert entries(found, "lacks") == {
        "whole": [],
        "bare": ["metrics.json", "training_history.json", "test_predictions.npz"],
    }
    assert run(whole, bare, "-o", tmp_path / "out", "--common") == 2
    assert "bare was tested on; leave it out" in capsys.readouterr().err


def test_nothing_but_bare_runs(tmp_path):
    bare = write_run(tmp_path / "bare", leave_out=("test_predictions.npz", "training_history.json", "metrics.json"))
    assert run(bare, "-o", tmp_path / "out") == 0
    assert {path.stem for path in (tmp_path / "out" / "plots").iterdir()} == {"what_is_reached"}


# ---------------------------------------------------------------------------- usage
def test_an_output_that_cannot_be_written_exits_5(runs, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(runs[0], "-o", tmp_path / "file" / "out") == 5
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--best", "3"], ["run", "--best", "0"], ["--task", "muon_counter"]])
def test_usage_exits_2(arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_help_needs_the_standard_library_only():
    done = subprocess.run(
        [sys.executable, "-S", "-m", "python.commands.compare_runs", "-h"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: compare_runs.sh")
