"""What submit_condor.sh prepares and submits, what it shows and tells."""

import json
import os
import re
import subprocess
import sys
import tarfile

import htcondor2
import pytest

from python.commands import job_status, train, update_registry
from python.general_purpose_libs import read_json, run_command
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus
from python.training.provenance import software
from tests.batch.job_logs import event, write_log
from tests.batch.submit_commands import unknown
from tests.commands.submit_condor.conftest import description, nothing_made, the_run
from tests.synthetic import write_folder


@pytest.mark.usefixtures("pool")
def test_a_run_is_prepared_submitted_and_registered(place):
    done = place.submit()
    run = the_run(place)
    assert (done.code, done.runs) == (0, [str(run)])
    assert read_json(run / "status.json")["state"] == "submitted"
    assert read_json(run / "config.json")["task"] == "mt_identifier"
    assert read_json(run / "args.json")["skip_bad_files"] is False
    assert (run / "logs").is_dir()
    read = description(run)
    assert unknown(read) == set()
    assert read["executable"] == str(run / "job" / "job.sh")
    assert os.access(run / "job" / "job.sh", os.X_OK)
    (entry,) = Registry(place.output).entries()
    told = {name: entry[name] for name in ("task", "state", "job", "flavour", "model_name")}
    assert told == {
        "task": "mt_identifier",
        "state": "submitted",
        "job": "77",
        "flavour": "tomorrow",
        "model_name": "simple_cnn",
    }


@pytest.mark.usefixtures("pool")
def test_each_configuration_is_a_run(place):
    done = place.submit(files=[place.write("a.json", version="a"), place.write("b.json", version="b")])
    assert done.code == 0
    assert len(set(done.runs)) == 2
    entries = Registry(place.output).entries()
    assert {(entry["version"], entry["job"]) for entry in entries} == {("a", "77"), ("b", "78")}


@pytest.mark.usefixtures("pool")
def test_values_are_changed_for_the_job(place):
    changes = ("batch_job.job_flavour=workday", "batch_job.request_memory=32GB", "model_parameters.epochs=7")
    assert place.submit("--set", *changes, "--skip-bad-files").code == 0
    run = the_run(place)
    assert description(run)["MY.JobFlavour"] == '"workday"'
    assert "32768" in description(run)["request_memory"]
    assert read_json(run / "config.json")["model_parameters"]["epochs"] == 7
    assert read_json(run / "args.json")["skip_bad_files"] is True
    assert Registry(place.output).entries()[0]["flavour"] == "workday"


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize(("option", "resampling"), [("--ensemble", "bootstrap"), ("--folds", "cross_validation")])
def test_members_become_nodes_of_a_dag(place, option, resampling):
    assert place.submit(option, 3).code == 0
    run = the_run(place)
    assert read_json(run / "config.json")["ensemble"] == {"members": 3, "resampling": resampling}
    dag = (run / "job" / "ensemble.dag").read_text()
    assert "PARENT member_01 member_02 member_03 CHILD join" in dag
    assert description(run, "member.sub")["arguments"] == "--member $(member)"
    assert "arguments" not in description(run)
    assert (place.path / "pool" / "condor_submit_dag.n").exists()
    assert not (place.path / "pool" / "condor_submit.n").exists()


@pytest.mark.usefixtures("pool")
def test_the_ensemble_of_a_configuration_is_a_dag_too(place):
    assert place.submit(files=[place.write(ensemble={"members": 2})]).code == 0
    assert (the_run(place) / "job" / "ensemble.dag").exists()


@pytest.mark.usefixtures("pool")
def test_an_ensemble_of_a_searched_network_is_one_job(place):
    space = ("model_parameters.hp_max_evals=2", 'model_parameters.space_options={"n_filters": [4, 8]}')
    assert place.submit("--ensemble", 2, "--set", *space).code == 0
    assert {file.name for file in (the_run(place) / "job").iterdir()} == {"job.sub", "job.sh"}


@pytest.mark.usefixtures("pool")
def test_a_run_that_is_carried(place):
    write_folder_here = place.path / "data" / "es"
    write_folder_here.mkdir(parents=True)
    write_folder(write_folder_here)
    carried = ("batch_job.file_transfer=true", "batch_job.transfer_data=true", "batch_job.checkpoint_minutes=30")
    assert place.submit("--set", *carried, data=["data/es"]).code == 0
    run = the_run(place)
    assert description(run)["arguments"] == "--stop-after 30"
    with tarfile.open(run / "job" / "parcel.tar.gz") as parcel:
        assert {f"{run.name}/config.json", "project/scripts/init.sh"} < set(parcel.getnames())
    with tarfile.open(run / "job" / "data.tar") as parcel:
        assert "data/es/file0_planeX.npz" in parcel.getnames()


@pytest.mark.usefixtures("pool")
def test_data_that_cannot_be_carried(place):
    write_folder(place.path / "data" / "es")
    (place.path / "data" / "es" / "gone_planeX.npz").symlink_to("/nowhere")
    carried = ("--set", "batch_job.file_transfer=true", "batch_job.transfer_data=true")
    done = place.submit(*carried, data=["data/es"])
    assert done.code == 3
    assert "gone_planeX.npz: is a link to /nowhere" in done.err
    assert not place.output.exists()
    assert place.submit(*carried, "--skip-bad-files", data=["data/es"]).code == 0


@pytest.mark.usefixtures("pool")
def test_the_job_trains(place):
    """The wrapper and the training in earnest, as a node would run them."""
    assert place.submit("--set", "model_parameters.epochs=1").code == 0
    run = the_run(place)
    environment = {"PATH": os.environ["PATH"], "ML_POINTING_ENV": "system", "VIRTUAL_ENV": sys.prefix}
    done = subprocess.run(
        [run / "job" / "job.sh"], cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("host: ")
    assert done.stdout.splitlines()[-1] == str(run)
    assert read_json(run / "status.json")["state"] == "done"
    assert (run / "simple_cnn.keras").exists()


# ---------------------------------------------------------------------------- looked at
def test_a_dry_run_shows_all_and_makes_nothing(place):
    done = place.submit("--dry-run", "--ensemble", 2, "--set", "version=v7")
    assert done.code == 0
    assert nothing_made(place)
    parts = dict(re.findall(r"^--- (.*?)\n(.*?)(?=^---|\Z)", done.out, re.MULTILINE | re.DOTALL))
    names = [name.rpartition("/")[2] for name in parts]
    assert names[:4] == ["ensemble.dag", "member.sub", "job.sub", "job.sh"]
    for name, text in parts.items():
        if name.endswith(".sub"):
            assert unknown(htcondor2.Submit(text)) == set()
    registered = json.loads(parts[next(name for name in parts if "registered" in name)])
    assert (registered["version"], registered["state"]) == ("v7", "submitted")
    assert registered["flavour"] == "tomorrow"


@pytest.mark.usefixtures("pool")
def test_what_a_dry_run_shows_is_what_is_submitted(place):
    shown = place.submit("--dry-run").out
    assert place.submit().code == 0
    run = the_run(place)
    stamp = re.compile(r"\d{8}_\d{6}")
    for name in ("job.sub", "job.sh"):
        assert stamp.sub("STAMP", (run / "job" / name).read_text().rstrip()) in stamp.sub("STAMP", shown)


# ---------------------------------------------------------------------------- tried out
@pytest.mark.usefixtures("pool")
def test_a_try_is_short_and_no_attempt(place, capsys):
    space = ("model_parameters.hp_max_evals=2", 'model_parameters.space_options={"n_filters": [4, 8]}')
    assert place.submit("--try", "--set", "version=v1", *space).code == 0
    run = the_run(place)
    assert run.is_relative_to(place.output / "tries")
    config = read_json(run / "config.json")
    assert (config["version"], config["ensemble"], config["model_parameters"]["hp_max_evals"]) == (None, None, None)
    assert (config["model_parameters"]["epochs"], config["dataset_parameters"]["max_samples"]) == (1, 500)
    assert description(run)["MY.JobFlavour"] == '"espresso"'
    assert description(run)["batch_name"].startswith("try.mt_identifier.")
    assert Registry(place.output).entries() == []
    assert run_command(lambda: update_registry.main(["-o", str(place.output), "--import"])) == 0
    assert Registry(place.output).entries() == []
    capsys.readouterr()
    assert run_command(lambda: job_status.main(["-o", str(place.output)])) == 0
    assert "try mt_identifier" in capsys.readouterr().out
    assert place.submit("--set", "version=v1").code == 0  # the version is still free


# ---------------------------------------------------------------------------- what such jobs used
@pytest.fixture
def used(place, capsys):
    """`used(MB)` lets the first submitted job use so much and end well."""

    def used(memory, *options):
        assert place.submit(*options).code == 0
        run = the_run(place)
        write_log(run / "logs" / "job.log", ("submitted", 0), ("executing", 1), event("ended", 61, memory=memory))
        RunStatus(run).update("done")
        assert run_command(lambda: job_status.main(["-o", str(place.output)])) == 0
        capsys.readouterr()
        return run

    return used


@pytest.mark.usefixtures("pool")
def test_the_next_job_like_it_is_told_what_it_could_ask_for(place, used):
    run = used(5222)
    said = place.submit("--dry-run").err
    assert f"{run.name}) used 5.1 GB of memory in 1.0 h; request_memory 16GB could be 7GB" in said
    assert "job_flavour tomorrow could be longlunch" in said
    assert "--set batch_job.request_memory=7GB batch_job.job_flavour=longlunch" in said
    assert "7GB" not in description(run)["request_memory"]


@pytest.mark.parametrize("other", ["model_parameters.batch_size=7", "dataset_parameters.max_samples=10"])
@pytest.mark.usefixtures("pool")
def test_a_job_that_is_not_like_it_is_told_nothing(place, used, other):
    used(5222)
    assert "could be" not in place.submit("--dry-run", "--set", other).err


@pytest.mark.usefixtures("pool")
def test_a_job_that_needs_about_what_it_asks_for_is_told_nothing(place, used):
    used(11000, "--set", "batch_job.job_flavour=longlunch")
    assert "could be" not in place.submit("--dry-run", "--set", "batch_job.job_flavour=longlunch").err


@pytest.mark.usefixtures("pool")
def test_a_job_that_used_more_than_it_asked_for_is_told_to_ask_for_more(place, used):
    used(20000)
    assert "request_memory 16GB could be 26GB" in place.submit("--dry-run").err


# ---------------------------------------------------------------------------- where there is no checkout
@pytest.mark.usefixtures("pool")
def test_the_commit_travels_with_the_run(place, monkeypatch):
    monkeypatch.setattr("python.training.provenance._git", lambda *_: "abc" if _[0] == "rev-parse" else "")
    assert place.submit("--set", "model_parameters.epochs=1").code == 0
    run = the_run(place)
    monkeypatch.setattr("python.training.provenance._git", lambda *_: None)
    monkeypatch.setenv("ML_POINTING_COMMIT", "")  # what is set below is taken away again
    monkeypatch.delenv("ML_POINTING_COMMIT")
    software.cache_clear()
    assert run_command(lambda: train.main(["mt_identifier", "--resume", str(run)])) == 0
    software.cache_clear()
    assert read_json(run / "environment.json")["git_commit"] == "abc"
