"""What submit_condor.sh refuses, before anything is made."""

import re

import pytest

from python.general_purpose_libs import read_json
from python.runs.registry.registry import Registry
from tests.commands.submit_condor.conftest import nothing_made, the_run


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
