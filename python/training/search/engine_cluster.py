"""Several workers at once, through ipyparallel: a controller on this machine, an engine for each worker."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import logging
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from python.batch.resources import THREAD_SETTINGS
from python.batch.systems import SYSTEMS, WORKERS, is_queued
from python.config.schema import BatchJob
from python.general_purpose_libs import TrainingError, log, write_json
from python.processes.cores import processor_cores
from python.processes.own_code import own_code
from python.processes.stop_requests import raise_if_stop_is_urgent
from python.training.search.engine_batch import (
    DESCRIPTIONS,
    engine_command,
    engine_descriptions,
    require_batch_system,
)
from python.training.search.engine_work import Job, Result, Run, failed_result, private_folder, result_of

LOOK_EVERY_S = 0.2
ASK_BATCH_SYSTEM_EVERY_S = 60.0
START_S = 120.0
ON_THIS_MACHINE = "127.0.0.1"
WORKER_LOGS, CONTROLLER_LOG = "*worker[0-9.]*", "ipcontroller*"
LINES_OF_LAST_WORDS = 5
CONTROLLER_OPTIONS = (
    "--nodb",  # no record of past trials
    "--usethreads",  # three processes instead of ten
    "--HeartMonitor.period=1000",  # in ms; a worker counts as there from its first beat, and as lost when 30 are missing
    "--HeartMonitor.max_heartmonitor_misses=30",
)


@dataclass
class Running:
    """A trial that was handed out: its job, its folder, ipyparallel's promise of its result, and when that was."""

    job: Job
    folder: Path
    promise: Any
    since: float

    def worker(self) -> str | None:
        """The process that guards the worker, None where no worker has begun with the trial."""
        mark = mark_of(self.folder)
        return mark.read_text() if mark.exists() else None


class ClusterEngine:
    """What local workers and those on batch nodes have in common: the controller, and trials handed out and taken back."""

    address = ON_THIS_MACHINE
    seconds_without_worker = START_S
    launcher = "Local"
    needed_at_start = 1
    repeats = 0  # of a trial whose worker was lost

    def __init__(self, workers: int, run: Run, scratch: Path) -> None:
        self.workers, self.run, self.scratch = workers, run, scratch
        self.waiting: deque[Job] = deque()
        self.running: dict[int, Running] = {}
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.lost: Counter[int] = Counter()  # workers, by the number of the trial
        self.tickets = itertools.count()
        self.cluster: Any = None
        self.client: Any = None

    # ------------------------------------------------------------------------ life of the cluster
    def __enter__(self) -> Self:
        self.folder = private_folder(self.scratch, "workers")
        try:
            (self.folder / "log").mkdir()
            self._start_controller()
            self._start_workers()
            self.last_worker_seen = time.monotonic()
            self._wait_for_workers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.client is not None:
            self.client.close()
        if self.cluster is not None:
            try:
                self.cluster.stop_engines_sync()
            except subprocess.CalledProcessError as error:
                log.debug("%s; the workers end when they miss their controller", error)
            self.cluster.stop_controller_sync()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_controller(self) -> None:
        from ipyparallel import Client, Cluster
        from traitlets.config import Config

        guarded = [sys.executable, "-m", "python.training.search.ends_with_parent", "--parent", str(os.getpid()), "--"]
        self.environment = {**own_code(), "IPYTHONDIR": str(self.folder)}
        quiet = logging.getLogger("pointing.ipyparallel")
        quiet.disabled = True  # it tells of every start, and calls each worker that is stopped on purpose a failure
        quiet.setLevel(
            logging.CRITICAL
        )  # at DEBUG, which it would inherit, the controller's lines go to the terminal too
        settings = {
            "LocalControllerLauncher": {
                "controller_cmd": [*guarded, sys.executable, "-m", "ipyparallel.controller"],
                "environment": self.environment,
            },
            "EngineLauncher": {"engine_cmd": [*guarded, *engine_command()]},
        }
        self.cluster = Cluster(
            config=Config(settings),
            log=quiet,
            load_profile=False,
            profile_dir=str(self.folder),
            cluster_id="",
            cluster_file="",
            shutdown_atexit=False,
            engines=self.launcher,
            send_engines_connection_env=False,
            controller_args=[f"--ip={self.address}", f"--location={self.address}", *CONTROLLER_OPTIONS],
        )
        self.cluster.start_controller_sync()
        files, began = self.cluster.controller.connection_files, time.monotonic()
        while not all(_is_complete(file) for file in files.values()):
            raise_if_stop_is_urgent()
            if not _lives(self.cluster.controller.pid) or time.monotonic() - began > START_S:
                raise TrainingError(f"the controller of the workers does not come up{self._last_words(CONTROLLER_LOG)}")
            time.sleep(LOOK_EVERY_S / 4)
        folder = str(self.folder)
        self.client = Client(files["client"], profile_dir=folder, ipython_dir=folder, timeout=60)
        self.view = self.client.load_balanced_view(retries=0)

    def _last_words(self, names: str = WORKER_LOGS) -> str:
        """What the process that wrote last, of those with such `names` of their logs, said at its end."""
        logs = [file for file in (self.folder / "log").glob(names) if file.stat().st_size]
        if not logs:
            return ""
        lines = max(logs, key=lambda file: file.stat().st_mtime).read_text(errors="replace").rstrip().splitlines()
        return "".join(f"\n  {line}" for line in lines[-LINES_OF_LAST_WORDS:])

    def _wait_for_workers(self) -> None:
        """Wait for the workers that are needed at the start, but not long for more than one."""
        began = time.monotonic()
        while not self.client.ids or (
            len(self.client.ids) < self.needed_at_start and time.monotonic() - began < START_S
        ):
            raise_if_stop_is_urgent()
            self._look_after_workers()
            time.sleep(LOOK_EVERY_S / 4)

    # ------------------------------------------------------------------------ trials
    def start(self, job: Job) -> None:
        self.waiting.append(job)
        self._hand_out()

    def _hand_out(self) -> None:
        """Give waiting trials to workers that have none."""
        while self.waiting and len(self.running) < len(self.client.ids):
            job, ticket = self.waiting.popleft(), next(self.tickets)
            folder = private_folder(self.folder, "trial")
            promise = self.view.apply_async(run_by_name, self.run.__module__, self.run.__name__, job, str(folder))
            self.running[ticket] = Running(job, folder, promise, time.monotonic())
            promise.add_done_callback(lambda _, ticket=ticket: self.ended.put(ticket))

    def finished(self) -> tuple[Job, Result]:
        if not self.waiting and not self.running:
            raise IndexError("no trial was started")
        while True:
            raise_if_stop_is_urgent()
            self._hand_out()
            try:
                ticket = self.ended.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                self._look_after_workers()
                continue
            trial = self.running.pop(ticket, None)
            if trial is None:  # a lost worker, of which the controller tells later than this machine
                continue
            result = self._result_of(trial)
            shutil.rmtree(trial.folder, ignore_errors=True)
            mark_of(trial.folder).unlink(missing_ok=True)
            if result is None:
                self.waiting.appendleft(trial.job)
                continue
            return trial.job, result

    def _result_of(self, trial: Running) -> Result | None:
        """The result of a trial that ended; None where its worker was lost and it is to be done again."""
        error = trial.promise.exception() if trial.promise.done() else None
        if trial.promise.done() and error is None:
            return trial.promise.get()
        seconds, number = time.monotonic() - trial.since, trial.job["number"]
        if error is not None and getattr(error, "ename", "") != "EngineError":
            return failed_result(trial.job, str(error), seconds)
        if trial.worker() is None:
            return None
        self.lost[number] += 1
        if self.lost[number] <= self.repeats:
            log.info("the worker of trial %d was lost; the trial is done again", number)
            return None
        times = f" {self.lost[number]} times" if self.repeats else ""
        reason = f"its worker was lost{times}: killed, out of memory, or at the end of its time"
        return failed_result(trial.job, reason, seconds)

    # ------------------------------------------------------------------------ workers
    def _start_workers(self) -> None:
        raise NotImplementedError

    def _look_after_workers(self) -> None:
        """Raise TrainingError when the controller is gone, or no worker was there for too long."""
        now = time.monotonic()
        if self.client.ids:
            self.last_worker_seen = now
        if not _lives(self.cluster.controller.pid):
            raise TrainingError("the controller of the workers was killed; go on with --resume")
        if now - self.last_worker_seen > self.seconds_without_worker:
            raise TrainingError(
                f"no worker has been there for {self.seconds_without_worker:.0f} s; go on with --resume{self._last_words()}"
            )


class LocalWorkers(ClusterEngine):
    """Workers on this machine, which share its cores and GPUs; one that is killed is started again."""

    def __init__(self, workers: int, run: Run, scratch: Path) -> None:
        super().__init__(workers, run, scratch)
        self.needed_at_start = workers
        self.pids: list[int] = []
        self.restarts_left = 0

    def _start_workers(self) -> None:
        self.gpus = visible_gpus()
        if self.gpus and len(self.gpus) < self.workers:
            log.warning("%d workers share %d GPUs", self.workers, len(self.gpus))
        self.restarts_left = self.workers
        self.pids = [self._start_worker(number) for number in range(self.workers)]

    def _start_worker(self, number: int) -> int:
        """Start worker `number` and return the process that guards it."""
        threads = str(max(1, processor_cores() // self.workers))
        environment = {**self.environment, **dict.fromkeys(THREAD_SETTINGS, threads)}
        if self.gpus:
            environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[number % len(self.gpus)]
        name = self.cluster.start_engines_sync(1, f"worker{number}-{time.monotonic_ns()}", environment=environment)
        return self.cluster.engines[name].launchers["0"].pid

    def _result_of(self, trial: Running) -> Result | None:
        self.restarts_left = self.workers
        return super()._result_of(trial)

    def _look_after_workers(self) -> None:
        super()._look_after_workers()
        for number, pid in enumerate(self.pids):
            if _lives(pid):
                continue
            if not self.restarts_left:
                raise TrainingError(f"the workers end as soon as they are started{self._last_words()}")
            self.restarts_left -= 1
            log.warning("worker %d was lost and is started again", number + 1)
            for ticket, trial in self.running.items():
                if trial.worker() == str(pid):
                    self.ended.put(ticket)
            self.pids[number] = self._start_worker(number)

    def __exit__(self, *_: object) -> None:
        for pid in self.pids:  # all at once: the cluster waits for one after the other
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        super().__exit__()


class BatchWorkers(ClusterEngine):
    """Workers on the nodes of a batch system, which come and go as it lets them: those that are there do the work."""

    seconds_without_worker = 24 * 3600.0
    repeats = 2  # a batch system evicts workers, which is no fault of their trials

    def __init__(self, name: str, workers: int, run: Run, scratch: Path, batch: BatchJob) -> None:
        super().__init__(workers, run, scratch)
        self.name, self.system, self.batch = name, SYSTEMS[name], batch
        require_batch_system(name, batch)
        self.launcher, self.address = self.system.name, own_address()

    def _start_workers(self) -> None:
        from ipyparallel.cluster.launcher import LauncherError

        title = f"search.{self.scratch.absolute().parent.name}"
        for name, text in engine_descriptions(self.name, self.workers, self.batch, self.folder, title).items():
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o700)
        description = self.folder / DESCRIPTIONS[self.name]
        log.info("submitting %d workers to %s: %s", self.workers, self.system.name, description)
        try:
            name = self.cluster.start_engines_sync(
                self.workers,
                batch_file_name=str(description),
                batch_template=description.read_text().replace("{", "{{").replace("}", "}}"),
            )
        except (OSError, subprocess.CalledProcessError, LauncherError) as error:
            self.cluster.engines.clear()
            raise TrainingError(f"{self.system.submit} does not take the workers ({error}); see its message") from error
        self.batch_job, self.asked = self.cluster.engines[name].job_id, time.monotonic()
        write_json(self.scratch / WORKERS, {"system": self.name, "job": self.batch_job, "workers": self.workers})
        log.info("waiting for the first of them (job %s)", self.batch_job)

    def __exit__(self, *_: object) -> None:
        (self.scratch / WORKERS).unlink(missing_ok=True)
        super().__exit__()

    def _look_after_workers(self) -> None:
        super()._look_after_workers()
        if self.client.ids or time.monotonic() - self.asked < ASK_BATCH_SYSTEM_EVERY_S:
            return
        self.asked = time.monotonic()
        if not is_queued(self.system, self.batch_job):
            raise TrainingError(
                f"{self.system.name} has none of the workers (job {self.batch_job}) left; look at what it says of them, and "
                f"go on with --resume{self._last_words()}"
            )


def run_by_name(module: str, name: str, job: Job, folder: str) -> Result:
    """In a worker: import the function that runs trials, and run one."""
    own = Path(folder)
    mark_of(own).write_text(str(os.getppid()))
    return result_of(getattr(importlib.import_module(module), name), job, own)


def mark_of(folder: Path) -> Path:
    """The file that a worker writes, with the process that guards it, when it begins with the trial of `folder`."""
    return folder.with_suffix(".begun")


def own_address() -> str:
    """The address at which other machines reach this one; 127.0.0.1 where it is in no network."""
    import psutil

    try:
        named = [socket.gethostbyname(socket.getfqdn())]
    except OSError:
        named = []
    networks = [one.address for each in psutil.net_if_addrs().values() for one in each if one.family == socket.AF_INET]
    return next((address for address in [*named, *networks] if not address.startswith("127.")), ON_THIS_MACHINE)


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1")]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def _is_complete(file: str) -> bool:
    """Whether the JSON file is there and written to its end."""
    try:
        json.loads(Path(file).read_text())
    except (OSError, ValueError):
        return False
    return True


def _lives(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid)
