"""Where the trials of a search run: one after the other here, on several local workers, or on batch nodes."""

from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path
from typing import Protocol, Self

from python.config.schema import BatchJob
from python.training.search.engine_work import Job, Result, Run, private_folder, result_of


class Engine(Protocol):
    """Runs trials on its workers. A trial that breaks off, its worker killed or an error raised, has a failed result."""

    workers: int

    def start(self, job: Job) -> None:
        """Begin the trial `job` on a free worker; does not wait for it where there are several workers."""

    def finished(self) -> tuple[Job, Result]:
        """Wait for the next trial that ends and return it with its result. TrainingError: no worker is left to end one."""

    def __enter__(self) -> Self:
        """Start the workers. TrainingError: they do not come up."""

    def __exit__(self, *_: object) -> None:
        """Kill all that was started."""


def make_engine(name: str, workers: int, run: Run, scratch: Path, batch: BatchJob) -> Engine:
    """Return the engine `name` ("local", "htcondor", "slurm") with so many `workers`.

    `run(job, folder)` is what a worker does: a function of a module, which several workers import by name. `folder` is
    empty, the trial's own, and deleted after it; it lies under `scratch`, which batch nodes must see under the same path.
    `batch` says what a batch job asks for. ConfigError: the batch system's commands are not on this machine.
    """
    if name == "local" and workers == 1:
        return InTurn(run, scratch)
    from python.training.search.engine_cluster import BatchWorkers, LocalWorkers

    if name == "local":
        return LocalWorkers(workers, run, scratch)
    return BatchWorkers(name, workers, run, scratch, batch)


class InTurn:
    """One trial after the other, in this process."""

    workers = 1

    def __init__(self, run: Run, scratch: Path) -> None:
        self.run, self.scratch = run, scratch
        self.waiting: deque[Job] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.waiting.clear()

    def start(self, job: Job) -> None:
        self.waiting.append(job)

    def finished(self) -> tuple[Job, Result]:
        job = self.waiting.popleft()
        folder = private_folder(self.scratch, "trial")
        try:
            return job, result_of(self.run, job, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
