import json
import socket

import pytest

from python.general_purpose_libs import ConfigError, write_json
from python.runs.facts import run_facts, summary
from python.runs.status import RunStatus

CONFIG = {
    "task": "channel_tagging",
    "model_name": "resnet",
    "version": "v1",
    "description": "Does depth help?",
    "dataset_parameters": {"random_seed": 7, "train_fraction": 0.8},
    "model_parameters": {
        "input_shape": [208, 1242, 1],
        "build_parameters": {"filters": [32, 48], "learning_rate": 0.001},
        "loss": {"name": "focal", "gamma": 2.0},
        "optimizer": {"name": "adam", "clipnorm": None},
        "epochs": 5,
        "batch_size": 16,
        "hp_max_evals": None,
        "space_options": None,
    },
    "ensemble": None,
    "search": {"objective": "val_loss"},
}
HERE = socket.gethostname()


@pytest.fixture
def run(tmp_path):
    write_json(tmp_path / "config.json", CONFIG)
    return tmp_path


def test_a_finished_run(run):
    with RunStatus(run, task="channel_tagging", version="v1") as status:
        started = json.loads(status.path.read_text())["started"]
    write_json(run / "args.json", {"json": "my.json"})
    write_json(run / "data.json", [{"file": "data/b/1.npz"}, {"file": "data/a/1.npz"}, {"file": "data/a/2.npz"}])
    write_json(run / "cuts.json", [{"step": "read", "kept": 100}, {"step": "split", "kept": 90}])
    write_json(run / "training_history.json", {"loss": [3, 2, 1], "val_loss": [3, 2, 1]})
    write_json(run / "environment.json", {"git_commit": "abc", "host": "elsewhere"})
    write_json(run / "metrics.json", {"n_test": 9, "auc": 0.9, "accuracy": 0.8, "f1": None, "log_loss": 0.4})
    facts = run_facts(run)
    ended = facts.pop("ended")
    assert started <= ended
    assert facts == {
        "task": "channel_tagging",
        "version": "v1",
        "model_name": "resnet",
        "configuration": {
            "input_shape": [208, 1242, 1],
            "build_parameters": {"filters": [32, 48], "learning_rate": 0.001},
            "loss": {"name": "focal", "gamma": 2.0},
            "optimizer": {"name": "adam", "clipnorm": None},
            "epochs": 5,
            "batch_size": 16,
            "seed": 7,
        },
        "configuration_file": "my.json",
        "data_set": {"folders": ["data/a", "data/b"], "files": 3, "samples": 90},
        "rationale": "Does depth help?",
        "started": started,
        "state": "done",
        "epochs": 3,
        "results": {"accuracy": 0.8, "auc": 0.9},
        "commit": "abc",
        "host": HERE,
    }


def test_a_run_that_has_just_begun(run):
    with RunStatus(run, version="20261121_1"):
        facts = run_facts(run)
    assert facts["state"] == "running"
    assert not {"ended", "results", "epochs", "data_set", "message"} & facts.keys()


def test_a_failed_run_says_why(run):
    with pytest.raises(OSError), RunStatus(run):
        raise OSError("the disk is gone")
    assert run_facts(run)["state"] == "failed"
    assert run_facts(run)["message"] == "the disk is gone"


def test_a_killed_run_ended_with_its_last_heartbeat(run):
    dead = {"state": "running", "host": HERE, "pid": 2**22 + 1, "heartbeat": "2026-01-01T10:00:00+00:00"}
    write_json(run / "status.json", dead)
    assert run_facts(run)["state"] == "interrupted"
    assert run_facts(run)["ended"] == "2026-01-01T10:00:00+00:00"


def test_the_version_that_was_made_up_is_found_in_the_status(run):
    write_json(run / "config.json", {**CONFIG, "version": None})
    write_json(run / "status.json", {"state": "done", "version": "20261121_4"})
    assert run_facts(run)["version"] == "20261121_4"


def test_searches_and_ensembles_are_told():
    model = {**CONFIG["model_parameters"], "hp_max_evals": 20, "space_options": {"n_filters": [8, 16]}}
    told = summary({**CONFIG, "model_parameters": model, "ensemble": {"members": 5}})
    assert told["search"] == {"trials": 20, "objective": "val_loss", "space": {"n_filters": [8, 16]}}
    assert told["ensemble"] == {"members": 5}


@pytest.mark.parametrize("name", ["data", "cuts", "metrics", "environment", "args", "training_history"])
@pytest.mark.parametrize("text", ["{", "[1, [2]]", '{"a": 1, "json": 3, "accuracy": "high"}', "null", "\xff"])
def test_damaged_files_take_only_their_own_facts_away(run, name, text):
    write_json(run / "status.json", {"state": "done"})
    (run / f"{name}.json").write_text(text, encoding="latin-1")
    assert run_facts(run)["state"] == "done"
    assert "results" not in run_facts(run)


@pytest.mark.parametrize("name", ["config.json", "status.json"])
@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"task": 3}'])
def test_without_configuration_or_status_it_is_no_run(run, name, text):
    write_json(run / "status.json", {"state": "done"})
    (run / name).unlink()
    if text is not None:
        (run / name).write_text(text)
    with pytest.raises(ConfigError, match=name):
        run_facts(run)
