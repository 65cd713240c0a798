"""Engines of a search on this machine: one trial after the other, and local workers."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from python.config.schema import BatchJob
from python.general_purpose_libs import TrainingError, start_logging
from python.training.search import engine_cluster
from python.training.search.engines import make_engine
from tests.patience import PATIENCE_S, wait_until
from tests.training.search.engine_work import both_work, command, pids, results, work

ROOT = Path(__file__).resolve().parents[3]


# ---------------------------------------------------------------------------- one after the other
@pytest.fixture
def in_turn(tmp_path):
    with make_engine("local", 1, work, tmp_path / "scratch", BatchJob()) as engine:
        yield engine


def test_one_worker_runs_trials_here_in_their_order(in_turn, tmp_path):
    assert in_turn.workers == 1
    in_turn.start({"number": 1})
    in_turn.start({"number": 2, "raise": "no such layer"})
    job, result = in_turn.finished()
    assert job == {"number": 1}
    assert result["pid"] == os.getpid()
    assert result["found"] == []
    assert list((tmp_path / "scratch").iterdir()) == []
    _, result = in_turn.finished()
    assert result == {
        "number": 2,
        "status": "failed",
        "metric": None,
        "loss": None,
        "reason": "ValueError: no such layer",
        "epochs": 0,
        "best_epoch": 0,
        "seconds": pytest.approx(0, abs=1),
        "memory_mb": 0,
        "curve": [],
    }


def interrupt_after(seconds):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_gets_through_a_trial_that_runs_here(in_turn, tmp_path):
    in_turn.start({"number": 1, "sleep": PATIENCE_S})
    began = time.monotonic()
    interrupt_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        in_turn.finished()
    assert time.monotonic() - began < PATIENCE_S
    assert list((tmp_path / "scratch").iterdir()) == []


# ---------------------------------------------------------------------------- local workers
@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two local workers, on a machine that seems to have the GPUs 3 and 5."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "3, 5")
        patch.setattr(engine_cluster, "processor_cores", lambda: 6)
        with make_engine("local", 2, work, tmp_path_factory.mktemp("scratch"), BatchJob()) as engine:
            yield engine


def test_the_controller_says_nothing_on_the_terminal(tmp_path, capfd):
    start_logging()  # the loggers below are asked to note everything
    with make_engine("local", 2, work, tmp_path / "scratch", BatchJob()) as engine:
        results(engine, {"number": 1})
        written = "".join(file.read_text() for file in (engine.folder / "log").glob("ipcontroller*"))
    assert "[IPController]" in written
    assert capfd.readouterr() == ("", "")


def test_two_workers_work_at_the_same_time(two, tmp_path):
    assert two.workers == 2
    assert both_work(two, tmp_path / "place", 1)


def test_workers_share_cores_and_gpus(two, tmp_path):
    met = results(two, *({"number": number, "meet": str(tmp_path / "place")} for number in (1, 2)))
    told = [result["environment"] for result in met.values()]
    assert {each["OMP_NUM_THREADS"] for each in told} == {each["TF_NUM_INTRAOP_THREADS"] for each in told} == {"3"}
    assert sorted(each["CUDA_VISIBLE_DEVICES"] for each in told) == ["3", "5"]


def test_an_error_is_a_failed_trial(two):
    result = results(two, {"number": 8, "raise": "too many filters"})[8]
    assert (result["number"], result["status"], result["reason"]) == (8, "failed", "ValueError: too many filters")


def test_a_trial_has_an_empty_private_folder(two):
    done = results(two, {"number": 1}, {"number": 2}).values()
    assert all(result["found"] == [] for result in done)
    assert not any(Path(result["folder"]).exists() for result in done)
    assert two.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("process", ["worker", "guard"])
def test_a_killed_worker_costs_its_trial_only(two, tmp_path, process):
    child = tmp_path / "child"
    kill = {"number": 1, "kill": process, "child": str(child)}
    done = results(two, kill, {"number": 2, "sleep": 1})
    assert done[1]["status"] == "failed"
    assert "worker was lost" in done[1]["reason"]
    assert done[1]["seconds"] < 20  # the controller alone needs twice as long to find out
    assert done[2]["number"] == 2
    worker, below = pids(child)
    wait_until(lambda: not psutil.pid_exists(worker))
    if process == "worker":
        wait_until(lambda: not psutil.pid_exists(below))
    else:  # nobody is left to find it: run_trial_process has its trials watch over their parent
        os.kill(below, signal.SIGKILL)
    assert both_work(two, tmp_path / "place", 3)


def test_ctrl_c_gets_through_and_all_is_gone(tmp_path):
    started, times = [], []

    def interrupted_search():
        with make_engine("local", 2, work, tmp_path / "scratch", BatchJob()) as engine:
            started.extend(set(psutil.Process().children(recursive=True)) - before)
            for number in (1, 2):
                engine.start({"number": number, "sleep": PATIENCE_S})
            times.append(time.monotonic())
            interrupt_after(0.5)
            engine.finished()

    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(KeyboardInterrupt):
        interrupted_search()
    assert time.monotonic() - times[0] < PATIENCE_S
    assert len(started) >= 6  # controller and two engines, each with its guard
    assert psutil.wait_procs(started, timeout=PATIENCE_S)[1] == []
    assert list((tmp_path / "scratch").iterdir()) == []


PARENT = """
import sys, time
from pathlib import Path
from python.config.schema import BatchJob
from python.training.search.engines import make_engine
from tests.training.search.engine_work import work

with make_engine("local", 2, work, Path(sys.argv[1], "scratch"), BatchJob()) as engine:
    for number in (1, 2):
        engine.start({"number": number, "sleep": 300, "child": f"{sys.argv[1]}/child{number}"})
    engine.finished()
"""


def test_a_killed_search_leaves_no_process_behind(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT)
    told = [tmp_path / f"child{number}" for number in (1, 2)]
    wait_until(lambda: all(file.exists() and len(pids(file)) == 2 for file in told))
    started = psutil.Process(parent.pid).children(recursive=True)
    assert {pid for file in told for pid in pids(file)} < {process.pid for process in started}
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(started, timeout=PATIENCE_S)[1] == []


def test_workers_that_cannot_start_end_the_search(tmp_path, monkeypatch):
    broken = [sys.executable, "-c", "raise SystemExit('no module named ipykernel')"]
    monkeypatch.setattr(engine_cluster, "engine_command", lambda: broken)
    with (
        pytest.raises(TrainingError, match=r"as soon as they are started\n  no module named ipykernel"),
        make_engine("local", 2, work, tmp_path / "scratch", BatchJob()),
    ):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_controller_that_cannot_start_ends_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_cluster.LocalWorkers, "address", "203.0.113.7")  # of no machine (RFC 5737)
    with (
        pytest.raises(
            TrainingError, match=r"(?s)controller of the workers does not come up\n.*assign requested address"
        ),
        make_engine("local", 2, work, tmp_path / "scratch", BatchJob()),
    ):
        pass


def test_a_killed_controller_ends_the_search(tmp_path):
    with make_engine("local", 2, work, tmp_path / "scratch", BatchJob()) as engine:
        engine.start({"number": 1, "sleep": PATIENCE_S})
        (controller,) = psutil.Process(engine.cluster.controller.pid).children()
        controller.kill()
        with pytest.raises(TrainingError, match="controller of the workers was killed"):
            engine.finished()


@pytest.mark.parametrize(
    ("listed", "gpus"),
    [
        (
            "GPU 0: NVIDIA A100 (UUID: GPU-1)\n  MIG 1g.5gb Device 0: (UUID: MIG-1)\nGPU 1: NVIDIA A100 (UUID: GPU-2)\n",
            ["0", "1"],
        ),
        ("No devices were found\n", []),
    ],
)
def test_gpus_are_those_of_nvidia_smi(monkeypatch, tmp_path, listed, gpus):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    command(tmp_path, "nvidia-smi", f"cat <<'END'\n{listed}END")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert engine_cluster.visible_gpus() == gpus


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_gpus_stay_hidden(monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert engine_cluster.visible_gpus() == []
