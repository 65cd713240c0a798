"""submit_condor.sh -t simulation: what it submits, and what nodes make of it."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import htcondor2
import pytest

from python.batch.parcel import PROJECT_PARTS
from python.commands import submit_simulation
from python.commands.submit_condor import PROJECT, main
from python.general_purpose_libs import run_command
from python.simulation.settings import EVENTS_PER_FILE
from tests.batch.submit_commands import unknown
from tests.commands.submit_condor.conftest import description
from tests.simulation.test_marley_events import CC_EVENT, write

EVENTS = EVENTS_PER_FILE + 1
NODE = {"PATH": os.environ["PATH"], "ML_POINTING_ENV": "system", "VIRTUAL_ENV": sys.prefix}


@pytest.fixture
def submit(tmp_path, monkeypatch, capsys):
    """Submits parts of EVENTS events to the folder `data/cc` below the one that is submitted from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ML_POINTING_ENV", "system")
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)

    def line(*options, parts=2):
        events = ["-n", str(EVENTS), "--channel", "cc", "--background", "none", "--direction", "-1,0,0"]
        words = ["-t", "simulation", "--parts", str(parts), "-o", "data/cc", *events, *options]
        code = run_command(lambda: main(words))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return line


def on_a_node(folder, script, part):
    """Errors of the job that makes this part, which must end well."""
    done = subprocess.run(
        ["bash", script, str(part)], cwd=folder, env=NODE, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def names(folder):
    return {path.name.removesuffix(".npz") for path in folder.glob("*.npz")}


OF_THE_SECOND = {"cc_00001_planeU", "cc_00001_planeV", "cc_00001_planeX", "cc_00001_points"}


@pytest.mark.usefixtures("pool")
def test_jobs_of_one_cluster_make_a_part_each(submit, tmp_path):
    done = submit("--set", "batch_job.job_flavour=espresso", "batch_job.request_cpus=3")
    assert (done.code, done.out) == (0, "data/cc\n"), done.err
    assert "submitted 2 parts as job 77" in done.err
    data = tmp_path / "data" / "cc"
    read = description(data)
    assert unknown(read) == set()
    asked = {name: read[name] for name in ("arguments", "request_cpus", "MY.JobFlavour", "initialdir")}
    assert asked == {
        "arguments": "$(Process)",
        "request_cpus": "3",
        "MY.JobFlavour": '"espresso"',
        "initialdir": str(tmp_path / "data"),
    }
    assert read.getQArgs() == "2"
    assert "request_gpus" not in read
    assert "checkpoint_exit_code" not in read
    assert (data / "job" / "logs").is_dir()
    assert os.access(data / "job" / "job.sh", os.X_OK)
    assert (data / "simulation.json").is_file()
    on_a_node("/", data / "job" / "job.sh", 1)
    assert names(data) == OF_THE_SECOND


@pytest.mark.usefixtures("pool")
def test_a_node_that_sees_nothing_is_carried_all_it_needs(submit, tmp_path, monkeypatch):
    """The project, of which a small one stands here, and the list of events; its part is made where it is carried back from."""
    project = tmp_path / "small project"
    for name in PROJECT_PARTS:
        (project / name).mkdir(parents=True) if "." not in name else (project / name).touch()
    shutil.copy(PROJECT / "scripts" / "init.sh", project / "scripts")
    (project / "scripts" / "simulate.sh").write_text('#!/usr/bin/env bash\n(pwd; printf "%s\\n" "$0" "$@") >cc/told\n')
    (project / "scripts" / "simulate.sh").chmod(0o755)
    monkeypatch.setattr(submit_simulation, "PROJECT", project)
    (tmp_path / "lists").mkdir()
    write(tmp_path / "lists" / "some.ascii", CC_EVENT)
    done = submit("--set", "batch_job.file_transfer=true", "--marley=lists/some.ascii")
    assert done.code == 0, done.err
    read = description(tmp_path / "data" / "cc")
    assert (read["transfer_output_files"], read["should_transfer_files"]) == ("cc", "YES")
    node = tmp_path / "node"
    node.mkdir()
    for path in [read["executable"], *read["transfer_input_files"].split(", ")]:
        shutil.copy(path, node)
    shutil.rmtree(project)
    on_a_node(node, "job.sh", 1)
    where, script, *options = (node / "cc" / "told").read_text().splitlines()
    assert (where, script) == (str(node), f"{node}/project/scripts/simulate.sh")
    events = ["-n", str(EVENTS), "--channel", "cc", "--background", "none", "--direction=-1,0,0"]
    assert options == ["-o", "cc", *events, "--marley=some.ascii", "--workers", "1", "--part", "2/2"]
    assert (node / "some.ascii").is_file()


def test_what_would_be_submitted_is_shown_and_nothing_made(submit, tmp_path):
    done = submit("--dry-run")
    assert done.code == 0
    assert htcondor2.Submit(done.out.partition("--- ")[2].partition("\n")[2].partition("--- ")[0]).getQArgs() == "2"
    assert "--direction=-1,0,0" in done.out
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize(
    ("options", "parts", "message"),
    [
        ((), 3, "divide them in 2 at most"),
        (("--set", "batch_job.request_cpu=2"), 2, 'did you mean "request_cpus"?'),
        (("--set", "batch_job.environment=packed"), 2, "goes with batch_job.file_transfer"),
        (("--set", "model_name=simple_cnn"), 2, "unknown key"),
        (("--energy", "5", "4"), 2, "the first must be less than the second"),
    ],
)
def test_refused_before_anything_is_made(submit, tmp_path, options, parts, message):
    done = submit(*options, parts=parts)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "data").exists()


def test_without_htcondor_nothing_is_made(submit, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = submit()
    assert done.code == 2
    assert "condor_submit is not on the PATH" in done.err
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("pool")
def test_a_folder_of_other_data_is_not_touched(submit, tmp_path):
    (tmp_path / "data" / "cc").mkdir(parents=True)
    (tmp_path / "data" / "cc" / "other_planeX.npz").touch()
    done = submit()
    assert done.code == 2
    assert "holds image files of another origin" in done.err
    assert not (tmp_path / "data" / "cc" / "job").exists()
