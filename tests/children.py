"""Commands in processes of their own, to be stopped and killed; forked from one process that has loaded the framework."""

import multiprocessing
import os
import resource
import runpy
import signal
import sys
from pathlib import Path

from tests.drawing import NoDrawing
from tests.patience import PATIENCE_S, wait_until

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.children", "python.training.run", "keras", "hyperopt.tpe"])


def become(what, place, surroundings, errors, limit):
    """What a child does: take over folder, environment and limits, say nothing but errors, and do `what`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which is ignored where tests run in the background
    os.chdir(place)
    os.environ.clear()
    os.environ.update(surroundings)
    for number, path in ((1, os.devnull), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
    if limit:
        resource.setrlimit(*limit)
    NoDrawing().begin()
    what()


class Command:
    """`python -m module`, as if typed."""

    def __init__(self, module, arguments):
        self.module, self.arguments = module, arguments

    def __call__(self):
        sys.modules.pop(self.module, None)
        sys.argv[1:] = self.arguments
        runpy.run_module(self.module, run_name="__main__", alter_sys=True)


class Child:
    """A process that does `what`, perhaps with less than it needs (`limit`: a resource, and its soft and hard limit).

    What it says goes to the file `errors`.
    """

    def __init__(self, what, errors, limit=None):
        self.errors = errors
        errors.touch()
        surroundings = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = FORKS.Process(target=become, args=(what, Path.cwd(), surroundings, errors, limit))
        self.process.start()

    @property
    def is_running(self):
        return self.process.is_alive()

    def wait_until(self, happens):
        """What `happens()` returns, once it is something; the process runs until then."""

        def runs():
            assert self.is_running, self.errors.read_text()
            return True

        return wait_until(happens, runs)

    def end(self, number=None):
        """The exit code of the process, which is sent a signal or ends by itself, and what it said."""
        if number is not None:
            os.kill(self.process.pid, number)
        self.process.join(PATIENCE_S)
        assert not self.is_running, "it does not end"
        said = self.errors.read_text()
        assert "Traceback" not in said, said
        return self.process.exitcode, said

    def kill(self):
        self.process.kill()
        self.process.join()


def training(*arguments, errors, limit=None):
    """The training of a task by the command line, in a process of its own."""
    return Child(Command("python.commands.train", [str(argument) for argument in arguments]), errors, limit)


def run_in(output):
    """The folder of the only run in `output`; None before there is one."""
    return next((status.parent for status in output.glob("*/*/**/status.json")), None)
