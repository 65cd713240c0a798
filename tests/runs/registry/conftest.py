"""A registry, and runs to record in it."""

import json
import logging
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from python.general_purpose_libs import write_json
from python.runs.registry.registry import Registry

ROOT = Path(__file__).resolve().parents[3]
TASK = "mt_identifier"


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path)


@pytest.fixture
def warnings(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("pointing"), "propagate", True)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def start(registry, run, **facts):
    registry.record(run, **{"task": TASK, "folder": run.replace(".", "/"), "state": "done", **facts})


def in_jsonl(registry):
    return [json.loads(line) for line in (registry.output / "registry.jsonl").read_text().split("\n")[:-1]]


def page(registry):
    return (registry.output / "TRAINING_REGISTRY.md").read_text()


def at_once(work, *arguments):
    """What `work` returns in processes of its own, one for each of the zipped arguments, that run at the same time."""
    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, *arguments))


def write_run(folder, state="done", **config):
    write_json(folder / "config.json", {"task": TASK, "model_name": "simple_cnn", **config})
    write_json(folder / "status.json", {"state": state, "started": f"2026-01-01T{folder.name}:00:00+00:00"})
    return folder
