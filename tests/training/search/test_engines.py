import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from python.config.schema import BatchJob
from python.general_purpose_libs import ConfigError, TrainingError, start_logging
from python.training.search import ends_with_parent, engine_cluster
from python.training.search.engine_batch import engine_descriptions
from python.training.search.engines import make_engine

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 40


# ---------------------------------------------------------------------------- what workers do in these tests
def work(job, folder):
    """Do what the job says; tell of the worker, its surroundings and the folder."""
    found = [file.name for file in folder.iterdir()]
    (folder / "leftover").touch()
    if "child" in job:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
        Path(job["child"]).write_text(f"{os.getpid()} {child.pid}")
    if "meet" in job:
        meet(Path(job["meet"]), job["number"])
    if "sleep" in job:
        time.sleep(job["sleep"])
    if "raise" in job:
        raise ValueError(job["raise"])
    if "kill" in job and not Path(job.get("unless", "")).is_file():
        if "unless" in job:
            Path(job["unless"]).write_text("killed")
        os.kill({"worker": os.getpid(), "guard": os.getppid()}[job["kill"]], signal.SIGKILL)
        time.sleep(PATIENCE_S)
    told = {
        name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "CUDA_VISIBLE_DEVICES")
    }
    return {"number": job["number"], "found": found, "folder": str(folder), "pid": os.getpid(), "environment": told}


def meet(place, number):
    """Return when two trials are at `place` at the same time."""
    place.mkdir(exist_ok=True)
    (place / str(number)).touch()
    wait_until(lambda: len(list(place.iterdir())) >= 2, PATIENCE_S)


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def pids(file):
    """The worker and the process below it, of which the worker told in `file`."""
    return tuple(int(word) for word in file.read_text().split())


def results(engine, *jobs):
    """The results of the jobs by number."""
    for job in jobs:
        engine.start(job)
    finished = [engine.finished() for _ in jobs]
    assert sorted(job["number"] for job, _ in finished) == sorted(job["number"] for job in jobs)
    return {job["number"]: result for job, result in finished}


def both_work(engine, place, first):
    """Whether two trials run at the same time on two workers."""
    met = results(engine, *({"number": number, "meet": str(place)} for number in (first, first + 1)))
    return len({result["pid"] for result in met.values()}) == 2


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
    assert time.monotonic() - began < 5
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
    wait_until(lambda: not psutil.pid_exists(worker), 5)
    if process == "worker":
        wait_until(lambda: not psutil.pid_exists(below), 5)
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
    assert time.monotonic() - times[0] < 10
    assert len(started) >= 6  # controller and two engines, each with its guard
    assert psutil.wait_procs(started, timeout=2)[1] == []
    assert list((tmp_path / "scratch").iterdir()) == []


PARENT = """
import sys, time
from pathlib import Path
from python.config.schema import BatchJob
from python.training.search.engines import make_engine
from tests.training.search.test_engines import work

with make_engine("local", 2, work, Path(sys.argv[1], "scratch"), BatchJob()) as engine:
    for number in (1, 2):
        engine.start({"number": number, "sleep": 300, "child": f"{sys.argv[1]}/child{number}"})
    engine.finished()
"""


def test_a_killed_search_leaves_no_process_behind(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT)
    told = [tmp_path / f"child{number}" for number in (1, 2)]
    wait_until(lambda: all(file.exists() and len(pids(file)) == 2 for file in told), 60)
    started = psutil.Process(parent.pid).children(recursive=True)
    assert {pid for file in told for pid in pids(file)} < {process.pid for process in started}
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(started, timeout=10)[1] == []


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


# ---------------------------------------------------------------------------- batch systems
def command(folder, name, script):
    """Put a command of this name into `folder`."""
    file = folder / name
    file.write_text(f"#!/bin/bash\n{script}\n")
    file.chmod(0o755)


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
    assert psutil.wait_procs(started, timeout=5)[1] == []


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
        wait_until(lambda: len(submitted(folder)) >= 4, PATIENCE_S)
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


# ---------------------------------------------------------------------------- lifeline
def test_a_controller_that_falls_silent_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(ends_with_parent, "ASK_CONTROLLER_EVERY_S", 0.0)
    file = tmp_path / "connection.json"
    with socket.create_server(("127.0.0.1", 0)) as controller:
        file.write_text(json.dumps({"interface": "tcp://127.0.0.1", "registration": controller.getsockname()[1]}))
        answers = ends_with_parent.controller_answers(file)
        assert [answers() for _ in range(5)] == [True] * 5
    assert [answers() for _ in range(4)] == [True, True, False, False]


def test_without_the_connection_file_there_is_no_controller(tmp_path):
    assert not ends_with_parent.controller_answers(tmp_path / "connection.json")()


def test_the_exit_code_is_that_of_the_command():
    line = [
        sys.executable,
        "-m",
        "python.training.search.ends_with_parent",
        "--parent",
        str(os.getpid()),
        "--",
        "bash",
        "-c",
        "exit 7",
    ]
    assert subprocess.run(line, cwd=ROOT).returncode == 7
