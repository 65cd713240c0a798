"""submit_condor.sh on a machine whose HTCondor only takes note of what is submitted."""

import json
import os
import re
import subprocess
import tarfile
from types import SimpleNamespace

import htcondor2
import pytest

from python.commands.submit_condor import main
from python.general_purpose_libs import read_json, run_command
from python.reporting.registry import Registry
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
    environment = {"PATH": os.environ["PATH"], "ML_POINTING_ENV": "system"}
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
