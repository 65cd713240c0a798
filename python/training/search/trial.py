"""One trial of a hyperparameter search in a process of its own: what is done in it, and its start and end from outside."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.general_purpose_libs import PointingError, log, make_folder, read_json, write_json, writing_to
from python.metrics.merit import loss_of
from python.processes.own_code import own_code
from python.training.device import lack_of_memory

if TYPE_CHECKING:
    from python.config.schema import RunConfig
    from python.training.task import Task

PROGRAM = "python.commands.trial"
JOB, RESULT, LOG = "job.json", "result.json", "log.txt"  # files of a trial's folder
SECONDS_BETWEEN_LOOKS = 0.25
LINES_OF_LOG_SHOWN = 20
LONGEST_REASON = 500  # characters
PR_SET_PDEATHSIG = 1  # of Linux: sys/prctl.h

Job = Mapping[str, Any]
Result = dict[str, Any]


# ---------------------------------------------------------------------------- from outside
def run_trial_process(
    job: Job, scratch: Path, env: Mapping[str, str] | None = None, memory_limit: int | None = None
) -> Result:
    """Run the trial in a process of its own and return its result, failed where the process died without one.

    The process works in a new folder in `scratch`, which is removed at the end, and knows `env` beside this environment.
    It takes no Ctrl-C from the terminal, and ends with this process, however this one ends. `memory_limit` in bytes is what
    it may allocate of the machine's own memory. Raises OutputError when `scratch` cannot be written.
    """
    started = time.monotonic()
    with writing_to(scratch):
        make_folder(scratch)
        folder = Path(tempfile.mkdtemp(prefix=f"trial_{job['number']:04d}_", dir=scratch))
    try:
        write_json(folder / JOB, dict(job))
        code, memory = _run(folder, env or {}, memory_limit)
        if (folder / RESULT).exists():  # also of a process that the framework let crash at its very end
            result = read_json(folder / RESULT)
        else:
            result = _outcome(job, "failed", _how_it_died(code, _last_lines(folder)), [], memory)
        if result["status"] == "failed":
            log.debug("trial %d failed; it said:\n%s", job["number"], "\n".join(_last_lines(folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {**result, "seconds": round(time.monotonic() - started, 2)}


def _run(folder: Path, env: Mapping[str, str], memory_limit: int | None) -> tuple[int, int]:
    """Run the program in `folder` to its end; return its exit code and its largest resident memory in MB."""
    line = [sys.executable, "-m", PROGRAM, str(folder), "--parent", str(os.getpid())]
    if memory_limit is not None:
        line += ["--memory-limit", str(memory_limit)]
    memory = 0
    with (
        open(folder / LOG, "wb") as said,
        subprocess.Popen(
            line,
            stdin=subprocess.PIPE,  # never written to: its end tells the process that this one is gone
            stdout=said,
            stderr=said,
            env={**os.environ, **own_code(), **env},
            start_new_session=True,  # the terminal's Ctrl-C is for this process alone
        ) as process,
    ):
        try:
            while process.poll() is None:
                memory = max(memory, peak_memory_mb(process.pid))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(SECONDS_BETWEEN_LOOKS)
        finally:
            process.kill()
            process.wait()
    return process.returncode, memory


def peak_memory_mb(process: int | str = "self") -> int:
    """The largest resident memory in MB that a process has had; 0 where that is not known.

    Not from `resource.getrusage`: on Linux a new process starts with the maximum of the one that started it.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        if process != "self":
            return 0
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)
    return next((int(line.split()[1]) // 2**10 for line in lines if line.startswith("VmHWM:")), 0)


def _how_it_died(code: int, said: list[str]) -> str:
    last = said[-1] if said else "it said nothing"
    if code == -signal.SIGKILL:
        return "killed, out of memory perhaps (SIGKILL)"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}: {last}"[:LONGEST_REASON]
    return f"ended with exit code {code} and without a result: {last}"[:LONGEST_REASON]


def _last_lines(folder: Path) -> list[str]:
    text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()][-LINES_OF_LOG_SHOWN:]


# ---------------------------------------------------------------------------- in the process
def end_with_parent(parent: int) -> None:
    """End this process, at once and without a word, when the process `parent` that started it has ended, however it did.

    On Linux the kernel sees to it. Elsewhere, and where others stand between the two, the end of standard input tells.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), signal.SIGKILL)

    def wait_for_the_end_of_input() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait_for_the_end_of_input, daemon=True).start()


def limit_memory(limit: int) -> None:
    """Let this process allocate no more than `limit` bytes; the framework then says that memory is out.

    RLIMIT_DATA leaves libraries and reserved addresses out, so it is close to what is resident; RLIMIT_AS is not.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def run_trial(task: Task, job: Job) -> Result:
    """Train as the job says and return its result. What goes wrong makes the trial a failed one, with the reason."""
    from python.config.load import parse_config

    curve: list[float] = []
    try:
        config = parse_config(job["config"], task.schema, f"trial {job['number']}")
        pruned = _train(task, config, job, curve)
        status, reason = ("pruned", pruned) if pruned else ("done", "")
    except Exception as error:  # noqa: BLE001 (whatever breaks a trial off is its result)
        log.exception("trial %d failed", job["number"])
        status, reason = "failed", _in_words(error)
    return _outcome(job, status, reason, curve, peak_memory_mb())


def _train(task: Task, config: RunConfig, job: Job, curve: list[float]) -> str:
    """Train on the data of a run, filling `curve`; return why the trial was pruned, or nothing.

    The split is that of all the data, of which only the training part is made smaller: no trial sees the test part.
    """
    from python.data.image_set import random_rows
    from python.training.device import choose_device
    from python.training.preparation import configured_data, prepared
    from python.training.run_folder import check_data

    log.info("device: %s", choose_device(config.device))
    training = prepared(task, config, configured_data(config, job["skip_bad_files"]))
    check_data(Path(job["run"]), training.samples)
    seed, rows = config.dataset_parameters.random_seed, training.rows
    training = replace(training, rows=rows[random_rows(len(rows), job["max_samples"], seed)])
    training.problem.check_training_labels(training.samples.labels[training.rows])
    from python.training.fitting import fit_trial
    from python.training.search.watch import TrialWatch  # with Keras, once configuration and data are known good

    log.info("training on %d samples, validated on %d", len(training.rows), len(training.parts.val))
    watch = TrialWatch(job["objective"], job["hopeless"], curve)
    fit_trial(training, watch)
    return watch.pruned


def _outcome(job: Job, status: str, reason: str, curve: list[float], memory_mb: int) -> Result:
    best = min(curve, key=lambda value: loss_of(job["objective"], value), default=None)
    failed = status == "failed"
    return {
        "number": job["number"],
        "status": status,
        "metric": None if failed else best,
        "loss": None if failed or best is None else loss_of(job["objective"], best),
        "reason": reason,
        "epochs": len(curve),
        "best_epoch": 0 if best is None else curve.index(best) + 1,
        "seconds": 0.0,
        "memory_mb": memory_mb,
        "curve": curve,
    }


def _in_words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["nothing is known of it"]
    if isinstance(error, PointingError):
        return " ".join(lines)
    if said := lack_of_memory(error):
        return f"out of memory: {said}"[:LONGEST_REASON]
    return f"{type(error).__name__}: {lines[0]}"[:LONGEST_REASON]
