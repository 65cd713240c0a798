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
from python.general_purpose_libs import run_command
from python.metrics.classification import classification_metrics
from python.metrics.directions import direction_metrics
from tests.commands.test_analyze_by_energy import write_run as write_direction_run
from tests.directions.samples import direction_results

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("background", "main_track")
FILES = {"comparison.md", "comparison.html", "comparison.json", "plots"}


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def write_run(folder, *, n=300, first=0, sharpness=2.0, version=None, state="done", leave_out=(), **config):
    """A run folder of the main-track identifier as a training leaves it, as far as the command reads it."""
    folder.mkdir(parents=True)
    event = np.arange(first, first + n)
    labels = (event % 3 == 0).astype(int)
    logit = sharpness * (labels - 0.5) + np.random.default_rng([first, n]).normal(size=n)
    scores = np.stack([1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit))], 1).astype(np.float32)
    arrays = {
        "scores": scores,
        "labels": labels,
        "class_names": np.array(CLASSES),
        "sources": np.array(["a.root", "b.root"]),
        "source": event % 2,
        "event": event // 2,  # in both files
        "plane": np.full(n, 2, np.int8),
        "match_id": np.full(n, -1),
        "cluster_energy": (5.0 + event % 40).astype(np.float32),
        "true_electron_energy": np.where(labels == 1, 6.0 + event % 40, np.nan),
        "true_nu_energy": np.full(n, 30.0),
    }
    config = {"task": "mt_identifier", "model_name": "simple_cnn", "version": version, "description": "", **config}
    contents = {
        "status.json": {"state": state},
        "config.json": config,
        "metrics.json": {**classification_metrics(labels, scores, CLASSES), "n_parameters": 1234},
        "training_history.json": {
            "loss": [2.0, 1.0],
            "val_loss": [2.0, 1.5],
            "auc": [0.5, 0.6],
            "val_auc": [0.5, None],
        },
    }
    for name in contents.keys() - set(leave_out):
        (folder / name).write_text(json.dumps(contents[name]))
    if "test_predictions.npz" not in leave_out:
        np.savez(
            folder / "test_predictions.npz", **{name: each for name, each in arrays.items() if name not in leave_out}
        )
    return folder


def written(folder):
    return json.loads((folder / "comparison.json").read_text())


def entries(found, key):
    return {entry["name"]: entry[key] for entry in found["runs"]}


@pytest.fixture
def runs(tmp_path):
    """Three runs on the same events, in no order."""
    return [
        write_run(
            tmp_path / "output" / version, version=version, sharpness=sharpness, model_parameters={"epochs": epochs}
        )
        for version, sharpness, epochs in (("v2", 2, 5), ("v1", 1, 5), ("v3", 3, 7))
    ]


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


def test_a_new_folder_lies_in_the_output_folder(runs, tmp_path, capsys):
    found = set()
    for _ in range(2):
        assert run(runs[0], "--output-folder", tmp_path / "output") == 0
        found.add(capsys.readouterr().out.splitlines()[-1])
    assert len(found) == 2
    assert {Path(folder).parent for folder in found} == {tmp_path / "output" / "compare_runs"}


def test_names_and_another_metric(runs, tmp_path):
    assert run(*runs, "-o", tmp_path / "out", "--name", "a", "b", "c", "--sort", "log_loss") == 0
    found = written(tmp_path / "out")
    assert found["metric"] == "log_loss"
    losses = {name: metrics["log_loss"] for name, metrics in entries(found, "metrics").items()}
    assert list(losses) == sorted("abc", key=losses.get)


def test_a_run_of_a_search_is_told_by_what_was_found(runs, tmp_path):
    config = json.loads((runs[0] / "config.json").read_text())
    best = {**config, "model_name": "plain", "model_parameters": {"epochs": 99}}
    (runs[0] / "best_config.json").write_text(json.dumps(best))
    assert run(*runs[:2], "-o", tmp_path / "out") == 0
    assert written(tmp_path / "out")["settings"] == {"model_parameters.epochs": {"v2": 99, "v1": 5}}


# ---------------------------------------------------------------------------- test events
def test_other_test_events_are_said_and_not_ranked(runs, tmp_path, capsys):
    other = write_run(tmp_path / "other", version="v9", n=200, first=200, sharpness=9)
    assert run(*runs[:2], other, "-o", tmp_path / "out") == 0
    printed = capsys.readouterr()
    said = "no ranking is given: the runs were tested on different events (v2, v1: 300; v9: 200), of which 100 are the same"
    assert said in printed.err
    assert "Not ranked" in printed.out
    for name in ("comparison.md", "comparison.html"):
        assert said in (tmp_path / "out" / name).read_text()
    found = written(tmp_path / "out")
    assert not found["ranked"]
    assert entries(found, "rank") == {"v2": None, "v1": None, "v9": None}
    assert list(entries(found, "rank")) == ["v2", "v1", "v9"]


def test_common_events_can_be_ranked(runs, tmp_path, capsys):
    other = write_run(tmp_path / "other", version="v9", n=200, first=200, sharpness=9)
    assert run(runs[0], other, "-o", tmp_path / "out", "--common") == 0
    assert "Measured on the 100 test events that all runs share." in capsys.readouterr().out
    found = written(tmp_path / "out")
    assert entries(found, "rank") == {"v9": 1, "v2": 2}
    assert entries(found, "n_test") == {"v9": 100, "v2": 100}
    arrays = np.load(runs[0] / "test_predictions.npz")
    expected = classification_metrics(arrays["labels"][200:], arrays["scores"][200:], CLASSES)
    assert entries(found, "metrics")["v2"] == pytest.approx({**expected, "n_parameters": 1234})


@pytest.mark.parametrize("column", ["source", "event", "plane", "true_nu_energy", "labels"])
def test_events_of_other_data_are_not_the_same(runs, tmp_path, column):
    path = runs[1] / "test_predictions.npz"
    arrays = dict(np.load(path))
    arrays[column] = 1 - arrays[column] if column in ("source", "labels") else arrays[column] + 1
    np.savez(path, **arrays)
    assert run(*runs, "-o", tmp_path / "out") == 0
    assert not written(tmp_path / "out")["ranked"]


def test_an_old_run_that_does_not_tell_places_is_compared_by_what_it_tells(runs, tmp_path):
    path = runs[0] / "test_predictions.npz"
    arrays = dict(np.load(path))
    np.savez(
        path, **arrays, **dict.fromkeys(("apa", "face", "first_tick"), np.ones(300, int)), first_channel=np.arange(300)
    )
    assert run(*runs, "-o", tmp_path / "out") == 0
    assert written(tmp_path / "out")["ranked"]


def record_identity(folder, ids, names=("a.root", "b.root"), run=1):
    """Give the predictions of a run what files of today record of their events."""
    path = folder / "test_predictions.npz"
    arrays = dict(np.load(path))
    n = len(arrays["event"])
    arrays |= {
        "sources": np.array(names),
        "source_ids": np.array(ids),
        "run": np.full(n, run),
        "subrun": np.zeros(n, int),
    }
    np.savez(path, **arrays)


def same_events(folders, output):
    assert run(*folders, "-o", output) == 0
    return written(output)["n_same_events"]


def test_sources_are_the_same_by_content_whatever_they_are_called(runs, tmp_path):
    first, second, third = runs
    record_identity(first, ["11", "22"])
    record_identity(second, ["11", "22"], names=("copy.root", "other.root"))
    assert same_events([first, second], tmp_path / "copies") == 300
    record_identity(third, ["33", "22"])  # another file called a.root
    assert same_events([first, third], tmp_path / "others") is None
    assert run(first, third, "--common", "-o", tmp_path / "common") == 0
    assert written(tmp_path / "common")["n_same_events"] == 150
    record_identity(third, ["11", "22"], run=2)
    assert same_events([first, third], tmp_path / "runs") is None


@pytest.mark.parametrize("ids", [None, ["11", ""]])
def test_runs_of_older_code_and_data_are_compared_by_names(runs, tmp_path, ids):
    record_identity(runs[0], ["11", "22"])
    if ids:
        record_identity(runs[1], ids, run=-1)
    assert same_events(runs[:2], tmp_path / "out") == 300


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


# ---------------------------------------------------------------------------- the best of a task
@pytest.mark.usefixtures("runs")
def test_the_best_of_a_task_are_found(tmp_path, capsys):
    output = tmp_path / "output"
    write_run(output / "failed", version="bad", state="failed")
    write_run(output / "stopped", version="bad", state="interrupted")
    (write_run(output / "broken", version="bad") / "status.json").write_text("{")
    (write_run(output / "damaged", version="bad") / "metrics.json").write_text("[")
    write_direction_run(output / "direction", direction_results(50))
    assert run("--task", "mt_identifier", "--best", 2, "--output-folder", output, "-o", tmp_path / "out") == 0
    said = capsys.readouterr().err
    for part in ("1 failed", "1 interrupted", "2 unreadable", "2 of 3 finished runs of mt_identifier"):
        assert part in said
    assert entries(written(tmp_path / "out"), "rank") == {"v3": 1, "v2": 2}


def test_named_runs_are_compared_with_the_best(runs, tmp_path):
    arguments = ("--task", "mt_identifier", "--best", 1, "--output-folder", tmp_path / "output", "-o", tmp_path / "out")
    assert run(runs[1], *arguments) == 0
    assert entries(written(tmp_path / "out"), "rank") == {"v3": 1, "v1": 2}
    assert run(runs[2], *arguments) == 0  # itself the best
    assert list(entries(written(tmp_path / "out"), "rank")) == ["v3"]


def test_the_best_by_another_metric(runs, tmp_path):
    for folder, recall in zip(runs, (0.1, 0.9, 0.2), strict=True):
        metrics = json.loads((folder / "metrics.json").read_text())
        (folder / "metrics.json").write_text(json.dumps({**metrics, "recall": recall}))
    arguments = ("--task", "mt_identifier", "--best", 2, "--output-folder", tmp_path / "output", "--sort", "recall")
    assert run(*arguments, "-o", tmp_path / "out") == 0
    assert entries(written(tmp_path / "out"), "rank") == {"v1": 1, "v3": 2}


@pytest.mark.usefixtures("runs")
def test_no_run_of_the_task(tmp_path, capsys):
    assert run("--task", "channel_tagging", "--output-folder", tmp_path / "output") == 2
    assert "holds no finished run of channel_tagging" in capsys.readouterr().err
    assert run("--task", "mt_identifier", "--output-folder", tmp_path / "nowhere") == 2
    assert "no such folder" in capsys.readouterr().err
    assert not (tmp_path / "output" / "compare_runs").exists()


# ---------------------------------------------------------------------------- refusals
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
