import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from python.commands.tasks import load_task
from python.config.load import parse_config
from python.general_purpose_libs import TrainingError, read_json
from python.samples.batches import Batches
from python.training.preparation import configured_data, prepared
from python.training.search.trial import peak_memory_mb, run_trial, run_trial_process
from tests.patience import PATIENCE_S, wait_until

FIELDS = {"number", "status", "metric", "loss", "reason", "epochs", "best_epoch", "seconds", "memory_mb", "curve"}
TASK = load_task("mt_identifier")


def trials_in(scratch):
    """The processes of trials in `scratch`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes()
            if b"python.commands.trial" in line and bytes(scratch) in line:
                found.append(int(folder.name))
    return found


def is_alive(pid):
    """Whether the process still does something; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def begun_process(scratch):
    """The process of the trial in `scratch`, once it has asked the kernel to end it with its parent."""
    (process,) = wait_until(lambda: trials_in(scratch))
    wait_until(lambda: "numpy" in Path(f"/proc/{process}/maps").read_text())  # loaded after that
    return process


def training_process(scratch):
    """The process of the trial in `scratch`, once it has trained an epoch."""
    wait_until(lambda: [path for path in scratch.glob("*/log.txt") if "epoch 1/" in path.read_text()])
    (process,) = trials_in(scratch)
    return process


@pytest.fixture
def endless_job(trial_job, tmp_path):
    yield trial_job(epochs=100_000, early_stopping=None)
    for left in trials_in(tmp_path):
        os.kill(left, signal.SIGKILL)


def test_a_trial_is_the_training_of_a_run(workplace, trial_job, tmp_path):
    result = run_trial_process(trial_job(), tmp_path / "scratch")
    assert set(result) == FIELDS
    assert (result["number"], result["status"], result["reason"], result["epochs"]) == (7, "done", "", 3)
    assert result["metric"] == result["loss"] == min(result["curve"])
    assert result["curve"][result["best_epoch"] - 1] == result["metric"]
    assert 100 < result["memory_mb"] < 4000
    assert result["seconds"] > 1
    assert list((tmp_path / "scratch").iterdir()) == []
    run = Path(workplace.train().last)  # the same rows, order and weights, or the losses would differ
    assert result["curve"] == read_json(run / "training_history.json")["val_loss"]


def test_a_larger_objective_is_a_smaller_loss(trial_job):
    result = run_trial(TASK, trial_job(objective="val_accuracy"))
    assert result["metric"] == max(result["curve"])
    assert result["loss"] == -result["metric"]
    assert result["best_epoch"] == 1 + result["curve"].index(result["metric"])


def test_hopeless_trials_are_pruned(trial_job):
    job = trial_job(epochs=4)
    whole = run_trial(TASK, job)
    best = np.minimum.accumulate(whole["curve"])
    pruned = run_trial(TASK, {**job, "hopeless": [None, best[1] - 1e-6, None, None]})
    assert (pruned["status"], pruned["epochs"], pruned["curve"]) == ("pruned", 2, whole["curve"][:2])
    assert pruned["loss"] == best[1]
    assert "epoch 2" in pruned["reason"]
    for hopeless in ([None, *best[1:].tolist()], [None, None, None, best[3] - 1]):  # as good; at its end anyway
        spared = run_trial(TASK, {**job, "hopeless": hopeless})
        assert (spared["status"], spared["curve"]) == ("done", whole["curve"])


@pytest.mark.parametrize("balanced", [False, True])
def test_a_trial_sees_the_split_of_all_data_and_of_the_training_part_a_sample(trial_job, monkeypatch, balanced):
    used = []
    start = Batches.__init__

    def remember(self, samples, targets, rows, **others):
        used.append(rows)
        start(self, samples, targets, rows, **others)

    monkeypatch.setattr(Batches, "__init__", remember)
    job = trial_job(max_samples=20, epochs=1)
    job["config"]["dataset_parameters"] |= {"balance_data": balanced}
    assert run_trial(TASK, job)["status"] == "done"
    config = parse_config(job["config"], TASK.schema)
    whole = prepared(TASK, config, configured_data(config))
    training, validation = used
    assert len(training) == len(set(training)) == 20
    assert set(training) < set(whole.rows) <= set(whole.parts.train)
    assert np.array_equal(validation, whole.parts.val)
    assert not set(whole.parts.test) & {*training, *validation}
    assert run_trial(TASK, job)["status"] == "done"
    assert np.array_equal(used[2], training)


def test_early_stopping_ends_a_trial(trial_job):
    stopping = {"monitor": "val_loss", "patience": 1, "min_delta": 100.0}
    result = run_trial(TASK, trial_job(epochs=9, early_stopping=stopping))
    assert (result["status"], result["epochs"]) == ("done", 2)


def test_divergence_is_a_failure_that_keeps_the_epochs_before(trial_job, monkeypatch):
    start = Batches.start_epoch

    def poison(self, epoch):
        start(self, epoch)
        if epoch == 2:
            self.targets = np.full_like(self.targets, np.nan)

    monkeypatch.setattr(Batches, "start_epoch", poison)
    result = run_trial(TASK, trial_job(epochs=5))
    assert (result["status"], result["metric"], result["loss"], result["epochs"]) == ("failed", None, None, 2)
    assert result["reason"].startswith("loss became nan in step 1 of epoch 3")
    assert np.all(np.isfinite(result["curve"]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_objective_that_is_not_finite_ends_the_trial(value):
    from python.training.search.watch import TrialWatch

    curve = [0.5]
    with pytest.raises(TrainingError, match=f"val_auc became {value} in epoch 2"):
        TrialWatch("val_auc", [], curve).on_epoch_end(1, {"val_auc": value})
    assert curve == [0.5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_parameters": {"batch_size": 0}}, "trial 7: model_parameters.batch_size"),
        ({"data_directories": ["/nowhere"]}, "/nowhere"),
    ],
)
def test_mistakes_are_failures_in_one_line(trial_job, change, words):
    job = trial_job()
    job["config"] |= change
    result = run_trial(TASK, job)
    assert (result["status"], result["metric"], result["loss"], result["curve"]) == ("failed", None, None, [])
    assert words in result["reason"]
    assert "\n" not in result["reason"]


def test_a_process_tells_of_a_mistake_and_leaves_nothing(trial_job, tmp_path):
    result = run_trial_process(trial_job(batch_size=0), tmp_path)
    assert (result["status"], result["metric"], result["loss"], result["curve"]) == ("failed", None, None, [])
    assert "trial 7: model_parameters.batch_size" in result["reason"]
    assert "\n" not in result["reason"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is that of Linux")
def test_memory_that_runs_out_is_a_failure(trial_job, tmp_path):
    job = trial_job(input_shape=[2048, 512, 1], build_parameters={"n_dense_units": 4096})  # 4.3 GB of weights
    result = run_trial_process(job, tmp_path, memory_limit=3 * 2**30)
    assert result["status"] == "failed"
    assert result["reason"].startswith("out of memory: ")
    assert result["memory_mb"] < 3000


@pytest.mark.parametrize(
    ("number", "process", "words"),
    [(signal.SIGKILL, training_process, "out of memory perhaps"), (signal.SIGSEGV, begun_process, "SIGSEGV")],
)
def test_a_trial_that_is_killed_is_a_failure(endless_job, tmp_path, number, process, words):
    def kill():
        os.kill(process(tmp_path), number)

    killer = threading.Thread(target=kill)
    killer.start()
    result = run_trial_process(endless_job, tmp_path)
    killer.join()
    assert set(result) == FIELDS
    assert (result["number"], result["status"]) == (7, "failed")
    assert words in result["reason"]
    assert result["memory_mb"] > 100 or process is begun_process
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def parent(endless_job, tmp_path):
    """A process, leader of its group, that runs the endless trial in tmp_path/scratch; killed at the end of the test."""
    program = (
        "import json, sys, pathlib; from python.training.search.trial import run_trial_process;"
        "run_trial_process(json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    line = [sys.executable, "-c", program, json.dumps(endless_job), str(tmp_path / "scratch")]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, process_group=0)
    yield process
    process.kill()
    process.communicate()


def test_a_trial_dies_with_its_parent(parent, tmp_path):
    child = begun_process(tmp_path / "scratch")
    parent.kill()
    wait_until(lambda: not is_alive(child))
    assert len(list((tmp_path / "scratch").iterdir())) == 1  # nobody was left to remove it


def test_ctrl_c_is_for_the_parent_which_ends_the_trial(parent, tmp_path):
    child = begun_process(tmp_path / "scratch")
    assert os.getpgid(child) != parent.pid
    os.killpg(parent.pid, signal.SIGINT)  # as the terminal does
    error = parent.communicate(timeout=60)[1]
    assert error.strip().endswith("KeyboardInterrupt")
    assert not is_alive(child)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_end_of_its_input_ends_a_trial(endless_job, tmp_path):
    (tmp_path / "job.json").write_text(json.dumps(endless_job))
    line = [sys.executable, "-m", "python.commands.trial", str(tmp_path), "--parent", str(os.getpid())]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.stdin.close()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    not_its_parent = [*line[:-1], "1"]
    done = subprocess.run(not_its_parent, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "result.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the end of its input alone ends a trial")
def test_the_kernel_ends_a_trial_whose_input_stays_open(endless_job, tmp_path):
    (tmp_path / "job.json").write_text(json.dumps(endless_job))
    program = (
        "import os, subprocess, sys;"
        "line = [sys.executable, '-m', 'python.commands.trial', sys.argv[1], '--parent', str(os.getpid())];"
        "print(subprocess.Popen(line, stdout=subprocess.DEVNULL).pid, flush=True); input()"
    )
    line = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        child = int(parent.stdout.readline())
        wait_until(lambda: "numpy" in Path(f"/proc/{child}/maps").read_text())  # loaded after it has asked the kernel
        parent.kill()
        wait_until(lambda: not is_alive(child))


def test_memory_is_that_of_the_process_alone():
    ballast = np.ones(2**28, np.uint8)
    program = "from python.training.search.trial import peak_memory_mb; print(peak_memory_mb())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 5 < int(done.stdout) < 100 < peak_memory_mb() - len(ballast) // 2**20 + 100
