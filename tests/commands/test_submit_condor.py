"""submit_condor.sh on a machine whose HTCondor only takes note of what is submitted."""

import json
import os
import re
import subprocess
import sys
import tarfile
from types import SimpleNamespace

import htcondor2
import pytest

from python.commands import job_status, train, update_registry
from python.commands.submit_condor import main
from python.general_purpose_libs import read_json, run_command, write_json
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus
from python.training.provenance import software
from tests.batch.job_logs import event, rescue_dag, write_log
from tests.batch.submit_commands import unknown
from tests.synthetic import write_folder
from tests.training.conftest import SMALL

TAKES = (
    'n=$(cat "$0.n" 2>/dev/null || echo 76); echo $((n + 1)) >"$0.n"; echo "1 job(s) submitted to cluster $((n + 1))."'
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"), n=100, files=2)


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """A folder at the front of the PATH with HTCondor's commands; `pool(name, script)` changes one."""
    folder = tmp_path / "pool"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def put(name, script):
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)

    for name in ("condor_submit", "condor_submit_dag"):
        put(name, TAKES)
    for name in ("condor_q", "condor_rm"):
        put(name, "true")
    return put


@pytest.fixture
def place(tmp_path, data, capsys, monkeypatch):
    """An empty folder to submit from; `place.submit(...)` runs the command line on configurations of `keys`."""
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "output"

    def write(name="config.json", **keys):
        file = tmp_path / name
        file.write_text(json.dumps({**SMALL, **keys}))
        return str(file)

    def submit(*arguments, files=None, data=(str(data),)):
        line = ["-t", "mt_identifier", "-j", *(files or [write()]), "-o", str(output)]
        line += ["-d", *data] if data else []
        code = run_command(lambda: main([*line, *map(str, arguments)]))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err, runs=said.out.splitlines())

    return SimpleNamespace(submit=submit, write=write, output=output, path=tmp_path, data=data)


def description(run, name="job.sub"):
    return htcondor2.Submit((run / "job" / name).read_text())


def the_run(place):
    (status,) = place.output.rglob("status.json")
    return status.parent


def nothing_made(place):
    return not place.output.exists()


# ---------------------------------------------------------------------------- submitted
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


# ---------------------------------------------------------------------------- refused
def test_without_htcondor_nothing_is_made(place, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = place.submit()
    assert done.code == 2
    assert "condor_submit is not on the PATH of this machine" in done.err
    assert "--dry-run" in done.err
    assert nothing_made(place)


@pytest.mark.usefixtures("pool")
def test_one_wrong_configuration_of_several_stops_all(place):
    bad, worse = place.write("bad.json", epochs=3), place.write("worse.json", plane="W")
    done = place.submit(files=[place.write("good.json"), bad, worse])
    assert done.code == 2
    assert "bad.json" in done.err
    assert "worse.json" in done.err
    assert nothing_made(place)


@pytest.mark.usefixtures("pool")
def test_one_version_for_two_runs_is_refused_before_the_first_is_submitted(place):
    files = [place.write("a.json", version="v1"), place.write("b.json", version="v1")]
    done = place.submit(files=files)
    assert done.code == 2
    assert re.search(r'a\.json and .*b\.json: have the same version "v1"', done.err)
    assert nothing_made(place)
    assert place.submit("--force-version", files=files).code == 0


@pytest.mark.usefixtures("pool")
def test_a_version_that_is_taken(place):
    file = place.write(version="v1")
    assert place.submit(files=[file]).code == 0
    again = place.submit(files=[place.write("other.json", version="v2"), file])
    assert again.code == 2
    assert f'version "v1" belongs to the run {Registry(place.output).entries()[0]["run"]}' in again.err
    assert len(list(place.output.rglob("status.json"))) == 1
    assert place.submit("--force-version", files=[file]).code == 0


@pytest.mark.usefixtures("pool")
def test_a_data_folder_that_is_not_there(place):
    done = place.submit(data=["no/such/folder"])
    assert done.code == 3
    assert "no/such/folder: no such folder" in done.err
    assert nothing_made(place)


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["batch_job.file_transfer=true", "batch_job.transfer_data=true"], "only folders below the one"),
        (["batch_job.transfer_data=true"], "only with batch_job.file_transfer"),
        (["batch_job.request_memory=lots"], "batch_job.request_memory"),
        (
            [
                "search.engine=htcondor",
                "model_parameters.hp_max_evals=2",
                'model_parameters.space_options={"n_filters": [4, 8]}',
            ],
            "cannot submit others",
        ),
    ],
)
def test_what_cannot_be_done_on_a_node(place, change, message):
    done = place.submit("--set", *change)
    assert done.code == 2
    assert message in done.err
    assert nothing_made(place)


@pytest.mark.usefixtures("pool")
def test_a_carried_run_needs_data_with_a_name(place):
    done = place.submit("--set", "batch_job.file_transfer=true", data=())
    assert done.code == 2
    assert "cannot keep the embedded simulation" in done.err


@pytest.mark.usefixtures("pool")
def test_an_output_folder_that_htcondor_cannot_name(place):
    done = place.submit("-o", place.path / "my output")
    assert done.code == 2
    assert "choose another output folder" in done.err
    assert not (place.path / "my output").exists()


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize("members", ["1", "0", "-3", "1000"])
def test_an_ensemble_of_an_impossible_size(place, members):
    done = place.submit("--ensemble", members)
    assert done.code == 2
    assert "ensemble.members" in done.err
    assert nothing_made(place)


@pytest.mark.parametrize("wrong", [("--ensemble", "3", "--folds", "3"), ("--ensemble", "many"), ("--no-such-option",)])
def test_usage(place, wrong):
    with pytest.raises(SystemExit) as ended:
        place.submit(*wrong)
    assert ended.value.code == 2


def test_a_job_that_htcondor_refuses_is_kept_as_failed(place, pool):
    pool("condor_submit", "echo 'ERROR: no accounting group of this name' >&2; exit 1")
    done = place.submit(files=[place.write(version="v1")])
    assert done.code == 2
    assert "no accounting group of this name" in done.err
    run = the_run(place)
    assert str(run) in done.err
    status = read_json(run / "status.json")
    assert status["state"] == "failed"
    assert "no accounting group" in status["message"]
    (entry,) = Registry(place.output).entries()
    assert entry["state"] == "failed"
    assert "job" not in entry


# ---------------------------------------------------------------------------- submitted again
@pytest.fixture
def again(capsys):
    """`again(RUN, ...)` submits runs again."""

    def again(*arguments):
        code = run_command(lambda: main(["--resume", *map(str, arguments)]))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return again


def left_the_queue(run, cluster=77, last="removed", name="logs/job.log"):
    return write_log(run / name, ("submitted", 0, cluster), ("executing", 1, cluster), (last, 20, cluster))


@pytest.mark.usefixtures("pool")
def test_an_interrupted_run_is_submitted_again(place, again):
    assert place.submit().code == 0
    run = the_run(place)
    left_the_queue(run)
    RunStatus(run).update("interrupted")
    done = again(run, run)
    assert done.code == 0, done.err
    assert done.out == f"{run}\n"
    (entry,) = Registry(place.output).entries()
    assert (entry["job"], entry["state"]) == ("78", "submitted")


@pytest.mark.usefixtures("pool")
def test_a_run_that_is_done_is_said_and_left_alone(place, again):
    assert place.submit().code == 0
    run = the_run(place)
    RunStatus(run).update("done")
    done = again(run)
    assert (done.code, done.out) == (0, "")
    assert "is done already" in done.err
    assert Registry(place.output).entries()[0]["job"] == "77"


@pytest.mark.parametrize(
    ("answer", "log", "state", "message"),
    [
        ('[{"ClusterId": 77, "JobUniverse": 5, "JobStatus": 5}]', None, "interrupted", "job 77 is held.*condor_rm 77"),
        ("[]", "released", "interrupted", "by its log job 77 is idle.*has it not"),
        ("[]", "removed", "running", "is running on"),
        ("no answer", "removed", "interrupted", "does not answer"),
    ],
)
def test_no_job_is_submitted_beside_another(place, again, pool, answer, log, state, message):
    assert place.submit().code == 0
    run = the_run(place)
    if log:
        left_the_queue(run, last=log)
    RunStatus(run).update(state)
    pool("condor_q", f"echo '{answer}'")
    done = again(run)
    assert done.code == 2
    assert re.search(message, done.err)
    assert (place.path / "pool" / "condor_submit.n").read_text() == "77\n"


@pytest.mark.usefixtures("pool")
def test_a_run_that_was_not_prepared_for_htcondor(again, tmp_path):
    done = again(tmp_path)
    assert done.code == 2
    assert "is no run folder" in done.err
    write_json(tmp_path / "run" / "config.json", {"task": "mt_identifier"})
    assert "go on here with train_mt_identifier.sh --resume" in again(tmp_path / "run").err


def test_a_dag_goes_on_from_its_rescue(place, again, pool):
    pool("condor_submit_dag", f'echo "$*" >>"$0.asked"; touch ensemble.dag.condor.sub; {TAKES}')
    assert place.submit("--ensemble", 2).code == 0
    run = the_run(place)
    left_the_queue(run, name="job/ensemble.dag.dagman.log")
    (run / "job" / "ensemble.dag.rescue001").write_text(rescue_dag(["member_01"], ["member_02"]))
    assert again(run).code == 0
    first, second = (place.path / "pool" / "condor_submit_dag.asked").read_text().splitlines()
    assert second == first.replace(" ensemble.dag", " -update_submit ensemble.dag")
    assert Registry(place.output).entries()[0]["job"] == "78"


@pytest.mark.parametrize("more", [("-j", "a.json"), ("--set", "batch_job.request_cpus=2"), ("--try",)])
def test_what_does_not_go_with_resume(again, tmp_path, more):
    with pytest.raises(SystemExit) as ended:
        again(tmp_path, *more)
    assert ended.value.code == 2


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
