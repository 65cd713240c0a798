"""Engines of a search whose workers a batch system starts: what is asked for, what is lost, and what ends the search."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from python.config.schema import BatchJob
from python.general_purpose_libs import ConfigError, TrainingError
from python.training.search import ends_with_parent, engine_cluster
from python.training.search.engine_batch import engine_descriptions
from python.training.search.engines import make_engine
from tests.patience import PATIENCE_S, wait_until
from tests.training.search.engine_work import command, results, work

ROOT = Path(__file__).resolve().parents[3]


def pairs(text, pattern):
    return dict(re.findall(pattern, text, re.MULTILINE))


ASKED = BatchJob(
    request_memory="1.5GB", request_cpus=3, request_gpus=2, job_flavour="workday", accounting_group="group_dune"
)


def test_htcondor_is_asked_for_what_the_configuration_says():
    text = engine_descriptions("htcondor", 4, ASKED)["workers.sub"]
    lines = pairs(text, r"^(\S+) = (.*)$")
    assert lines["request_memory"] == "1536MB"
    assert lines["request_cpus"] == "3"
    assert lines["request_gpus"] == "2"
    assert lines["+JobFlavour"] == '"workday"'
    assert lines["accounting_group"] == "group_dune"
    assert lines["executable"] == "FOLDER/worker.sh"
    assert lines["batch_name"] == "search"
    assert text.endswith("\nqueue 4\n")
    assert len(text.splitlines()) == len(lines) + 1


def test_slurm_is_asked_for_what_the_configuration_says():
    text = engine_descriptions("slurm", 4, ASKED)["workers.sbatch"]
    assert text.startswith("#!/bin/bash\n#SBATCH ")
    options = pairs(text, r"^#SBATCH --(\S+?)=(.*)$")
    assert options.pop("output") == "FOLDER/log/worker.%A.%a.out"
    assert options == {
        "job-name": "search",
        "array": "1-4",
        "cpus-per-task": "3",
        "mem": "1536M",
        "time": "480",
        "gres": "gpu:2",
        "account": "group_dune",
    }


@pytest.mark.parametrize("name", ["htcondor", "slurm"])
def test_what_is_not_wanted_is_not_asked_for(name):
    text = "".join(engine_descriptions(name, 1, BatchJob(request_gpus=0)).values())
    assert not re.search(r"gpu|account", text)


@pytest.mark.parametrize("name", ["htcondor", "slurm"])
def test_worker_scripts_are_sound_in_any_folder(name, tmp_path, monkeypatch):
    folder = tmp_path / "it's {a} $folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for file, text in engine_descriptions(name, 2, ASKED, folder).items():
        if file.endswith((".sh", ".sbatch")):
            subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    script = engine_descriptions(name, 2, ASKED, folder)["worker.sh"]
    shown = re.sub(r"^exec ", 'printf \'%s\\\\n\' "$PWD" "$OMP_NUM_THREADS" "$PYTHONPATH" ', script, flags=re.MULTILINE)
    told = subprocess.run(
        ["bash"], input=shown, capture_output=True, text=True, check=True, cwd="/"
    ).stdout.splitlines()
    assert told[0] == str(folder)
    assert told[1] == "3"
    assert told[2].split(":")[0] == str(ROOT)
    assert told[3] == sys.executable
    assert f"--file={folder}/security/ipcontroller-engine.json" in told


@pytest.mark.parametrize(("name", "missing"), [("htcondor", "condor_submit"), ("slurm", "sbatch")])
def test_a_machine_without_the_batch_system_is_told_so(name, missing, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=f"{missing} is not on the PATH"):
        make_engine(name, 2, work, tmp_path / "scratch", BatchJob())
    assert not (tmp_path / "scratch").exists()


START = 'setsid "{script}" >"$0.log" 2>&1 & echo $! >>"$0.pids"'
BATCH = {
    "slurm": {
        "sbatch": f'for n in 1 2; do {START.format(script="$1")}; done; echo "Submitted batch job 77"',
        "scancel": '[ "$*" = 77 ] && kill $(cat "${0%scancel}sbatch.pids")',
        "squeue": "echo 12; echo 77",
    },
    "htcondor": {
        "condor_submit": 'script=$(sed -n "s/^executable = //p" "$1"); grep -qx "queue 2" "$1" || exit 1\n'
        f'for n in 1 2; do {START.format(script="$script")}; done; echo "2 job(s) submitted to cluster 77."',
        "condor_rm": '[ "$*" = 77 ] && kill $(cat "${0%condor_rm}condor_submit.pids")',
        "condor_q": "echo 1; echo 2",
    },
}


@pytest.fixture(params=sorted(BATCH))
def batch_system(request, tmp_path, monkeypatch):
    """A batch system whose nodes are this machine; the folder with its commands."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in BATCH[request.param].items():
        command(folder, name, script)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(engine_cluster, "ASK_BATCH_SYSTEM_EVERY_S", 0.5)
    return request.param, folder


def submitted(folder):
    """The processes that the batch system of `folder` started, with all below them."""
    (pids,) = folder.glob("*.pids")
    jobs = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    return jobs + [each for job in jobs for each in job.children(recursive=True)]


def test_workers_of_a_batch_system(batch_system, tmp_path):
    name, folder = batch_system
    with make_engine(name, 2, work, tmp_path / "scratch", BatchJob(request_cpus=2)) as engine:
        met = results(engine, *({"number": number, "meet": str(tmp_path / "place")} for number in (1, 2)))
        assert len({result["pid"] for result in met.values()}) == 2
        assert {result["environment"]["OMP_NUM_THREADS"] for result in met.values()} == {"2"}
        assert results(engine, {"number": 3, "raise": "no"})[3]["reason"] == "ValueError: no"
        started = submitted(folder)
        assert len(started) >= 4
    assert psutil.wait_procs(started, timeout=PATIENCE_S)[1] == []


@pytest.fixture
def found_out_soon(monkeypatch):
    """The controller misses a worker within seconds."""
    options = (*engine_cluster.CONTROLLER_OPTIONS[:-1], "--HeartMonitor.max_heartmonitor_misses=3")
    monkeypatch.setattr(engine_cluster, "CONTROLLER_OPTIONS", options)


@pytest.mark.parametrize("batch_system", ["htcondor"], indirect=True)
@pytest.mark.usefixtures("found_out_soon")
def test_a_trial_whose_batch_worker_is_lost_is_done_again(batch_system, tmp_path):
    place = tmp_path / "once"
    with make_engine(batch_system[0], 2, work, tmp_path / "run" / "search", BatchJob()) as engine:
        written = json.loads((tmp_path / "run" / "search" / "workers.json").read_text())
        assert written == {"system": batch_system[0], "job": "77", "workers": 2}
        done = results(engine, {"number": 1, "kill": "worker", "unless": str(place)})
    assert "status" not in done[1]
    assert place.read_text() == "killed"
    assert list((tmp_path / "run" / "search").iterdir()) == []


class Lost:
    """ipyparallel's promise of a trial whose engine died."""

    def done(self):
        return True

    def exception(self):
        return SimpleNamespace(ename="EngineError")


def test_a_trial_that_no_batch_worker_survives_is_given_up(batch_system, tmp_path):
    engine = make_engine(batch_system[0], 2, work, tmp_path / "scratch", BatchJob())
    trial = engine_cluster.Running({"number": 4}, tmp_path / "trial", Lost(), time.monotonic())
    assert engine._result_of(trial) is None  # it had not begun: that does not count
    engine_cluster.mark_of(trial.folder).write_text("1")
    results = [engine._result_of(trial) for _ in range(engine.repeats + 1)]
    assert results[:-1] == [None, None]
    assert results[-1]["status"] == "failed"
    assert "worker was lost 3 times" in results[-1]["reason"]


def test_workers_of_a_run_bear_its_name(tmp_path):
    for name, line in (("htcondor", "batch_name = search.20250101_1"), ("slurm", "--job-name=search.20250101_1")):
        assert line in "".join(engine_descriptions(name, 2, BatchJob(), tmp_path, "search.20250101_1").values())


def test_batch_workers_end_without_their_search(batch_system, tmp_path):
    name, folder = batch_system
    for delete in ("scancel", "condor_rm"):
        command(folder, delete, "exit 1")
    with make_engine(name, 2, work, tmp_path / "scratch", BatchJob()) as engine:
        engine.start({"number": 1, "sleep": PATIENCE_S})
        wait_until(lambda: len(submitted(folder)) >= 4)
        started = submitted(folder)
    assert psutil.wait_procs(started, timeout=2 * ends_with_parent.ASK_CONTROLLER_EVERY_S)[1] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"condor_submit": "exit 1", "sbatch": "exit 1"}, "does not take the workers"),
        ({"condor_submit": "true", "sbatch": "true"}, "does not take the workers"),
        (
            {
                "condor_submit": "echo '2 job(s) submitted to cluster 77.'",
                "sbatch": "echo 'Submitted batch job 77'",
                "condor_q": "echo 5",
                "squeue": "echo 12",
            },
            "has none of the workers",
        ),
    ],
)
def test_a_batch_system_that_gives_no_workers_ends_the_search(batch_system, tmp_path, change, message):
    name, folder = batch_system
    for each, script in change.items():
        command(folder, each, script)
    with (
        pytest.raises(TrainingError, match=message),
        make_engine(name, 2, work, tmp_path / "scratch", BatchJob()),
    ):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("asked", [{"file_transfer": True}, {"lcg_view": "/cvmfs/view"}])
def test_workers_need_the_folder_and_the_python_of_the_search(batch_system, tmp_path, asked):
    name, _ = batch_system
    with pytest.raises(ConfigError, match=f"batch_job.{next(iter(asked))}: the workers of a search share"):
        make_engine(name, 2, work, tmp_path / "scratch", BatchJob(**asked))
    assert not (tmp_path / "scratch").exists()
