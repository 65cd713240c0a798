"""Searches whose trials train no network. Workers load this module, so it loads little."""

import json
import math
import os
import signal
import time
from itertools import zip_longest
from pathlib import Path

from python.commands.tasks import load_schema
from python.config.load import parse_config

SPACE = {"n_filters": {"quniform": [4, 16, 1]}, "learning_rate": [1e-4, 1e-1]}


def trial(job, _folder):
    """Best at learning rate 0.003 and 12 filters; the notes of the configuration say what befalls it."""
    parse_config(job["config"], load_schema(job["task"]))
    notes, number = job["config"]["notes"], job["number"]
    if "account" in notes:
        with open(notes["account"], "a") as account:
            account.write(json.dumps(job) + "\n")
    time.sleep(notes.get("sleep", {}).get(str(number), notes.get("seconds", 0)))
    if number in notes.get("killed", []):
        os.kill(os.getpid(), signal.SIGKILL)
    if number in notes.get("failing", []):
        raise MemoryError("so many filters do not fit")
    build = job["config"]["model_parameters"]["build_parameters"]
    loss = abs(math.log10(build["learning_rate"] / 0.003)) + abs(build.get("n_filters", 12) - 12) / 10
    curve, reason = [], ""
    for epoch, bound in zip_longest(range(1, job["config"]["model_parameters"]["epochs"] + 1), job["hopeless"]):
        curve.append(loss + 1 / epoch)
        if bound is not None and curve[-1] > bound:
            reason = f"hopeless after epoch {epoch}"
            break
    metric = curve[-1] if job["objective"] == "val_loss" else -curve[-1]
    facts = {"reason": reason, "epochs": len(curve), "best_epoch": len(curve), "seconds": 0.0, "memory_mb": 1}
    return {"status": "pruned" if reason else "done", "metric": metric, "loss": curve[-1], "curve": curve, **facts}


# ---------------------------------------------------------------------------- how searches are asked for, and what they leave
def without_networks(replace):
    replace("python.training.search.loop.run_trial_process", trial)
    replace("python.training.run.choose_device", lambda _: "CPU")
    replace("python.training.run_folder.environment", lambda *_: {})
    replace("python.training.run._fit_and_evaluate", lambda *_: None)


def asking(trials, space=SPACE, notes=None, **settings):
    """The arguments that ask for a search."""
    told = {"model_parameters.hp_max_evals": trials, "model_parameters.space_options": space, "notes": notes or {}}
    told |= {name.replace("__", "."): value for name, value in settings.items()}
    return "--set", *(f"{name}={json.dumps(value)}" for name, value in told.items())


def trials_of(folder):
    return [json.loads(line) for line in (Path(folder) / "trials.jsonl").read_text().splitlines()]


def table(folder):
    """What does not depend on the clock and the machine."""
    return [
        {name: each[name] for name in ("number", "values", "status", "loss", "curve")} for each in trials_of(folder)
    ]


def jobs(account):
    return [json.loads(line) for line in account.read_text().splitlines()]
