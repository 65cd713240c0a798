"""What workers do in tests of the engines, and how these ask for it. Workers load this module, so it loads little."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.patience import PATIENCE_S, wait_until


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
    wait_until(lambda: len(list(place.iterdir())) >= 2)


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


def command(folder, name, script):
    """Put a command of this name into `folder`."""
    file = folder / name
    file.write_text(f"#!/bin/bash\n{script}\n")
    file.chmod(0o755)
