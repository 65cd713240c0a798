"""A project whose training only tells what it was given, and jobs of it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from python.batch.parcel import PROJECT_PARTS
from python.batch.run_job import RunJob, descriptions
from python.batch.wrapper import wrapper
from python.config.schema import BatchJob
from python.general_purpose_libs import write_json, write_text

ROOT = Path(__file__).resolve().parents[2]
TRAINING = """#!/usr/bin/env bash
source "$(dirname "${BASH_SOURCE[0]}")/init.sh"
exec "$POINTING_PYTHON" - "$@" <<'END'
import json, os, sys, time

sys.path.insert(0, "ROOT")
from python.general_purpose_libs import run_command
from python.processes.stop_requests import raise_if_stop_requested, stop_on_request

told = {"pid": os.getpid(), "arguments": sys.argv[1:], "folder": os.getcwd(), "project": os.environ["PYTHONPATH"].split(":")[0]}
told |= {"python": sys.prefix}
told |= {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "KERAS_BACKEND", "VIEW")}
minutes = float(sys.argv[sys.argv.index("--stop-after") + 1]) if "--stop-after" in sys.argv else None

def main():
    with stop_on_request(after_minutes=minutes):
        print("TOLD", json.dumps(told), flush=True)
        end = time.monotonic() + float(os.environ.get("TRAIN_S", 0))
        while time.monotonic() < end:
            time.sleep(0.02)
            raise_if_stop_requested()
    return int(os.environ.get("EXIT_CODE", 0))

sys.exit(run_command(main))
END
""".replace("ROOT", str(ROOT))


@pytest.fixture
def make_job(tmp_path, monkeypatch):
    """A function that prepares a run as a batch job of a small project; its keywords are those of BatchJob and RunJob."""
    monkeypatch.setenv("ML_POINTING_ENV", "system")
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    project, start, run = (
        tmp_path / "it's a {project} $HOME",
        tmp_path / "start here",
        tmp_path / "output" / "20250101_1",
    )
    for part in PROJECT_PARTS:
        (project / part).mkdir(parents=True) if "." not in part else (project / part).touch()
    shutil.copy(ROOT / "scripts" / "init.sh", project / "scripts")
    write_text(project / "scripts" / "train_mt_identifier.sh", TRAINING)
    (project / "scripts" / "train_mt_identifier.sh").chmod(0o755)
    (project / "scripts" / "init.sh").chmod(0o755)
    start.mkdir()
    for name in ("config.json", "args.json"):
        write_json(run / name, {})
    write_json(run / "status.json", {"state": "submitted"})

    def make(members=0, data=(), **batch):
        job = RunJob("mt_identifier", run, BatchJob(**batch), "mt.v1", start, project, members, tuple(data))
        for name, text in {**descriptions(job), "job.sh": wrapper(job)}.items():
            write_text(job.folder / name, text)
        return job

    return make


@pytest.fixture
def put_command(tmp_path, monkeypatch):
    """A function that puts a command with this script on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def put(name, script):
        write_text(folder / name, f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)

    return put
