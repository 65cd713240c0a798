"""The options by which a command asks a network about data: which network, which data, on what it runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from python.commands.tasks import load_task
from python.runs.finished import task_of_finished_run
from python.runs.shipped import network_folder
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.training.trained import Trained


def add_network_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "-m",
        "--model",
        metavar="RUN",
        help="folder of a finished run, as the training printed it, or the name of a network that comes with the project; "
        "default: the one of -t",
    )
    add("-t", "--task", choices=TASKS, help="whose network is asked where -m names none, or a name of several")
    add("-d", "--data", metavar="DIR", nargs="+", required=True, help="data folders, searched recursively")
    add(
        "--old-flips",
        choices=("none", "upstream"),
        help="how images of older code are flipped; default: as the run's configuration says",
    )
    add(
        "--runtime",
        choices=("onnx", "keras"),
        help="what the network runs on: the file of export_network.sh with ONNX Runtime, which starts in a fraction of the time, "
        "or Keras; default: that file where there is one that fits the network, else Keras",
    )
    add("--set", dest="changes", nargs="+", default=[], metavar="KEY.PATH=VALUE",
        help="read the data otherwise than the run's configuration says, for example selection.min_energy=8")  # fmt: skip
    add("--skip-bad-files", action="store_true", help="leave broken data files out and count them")


def asked_network(options: Any) -> Trained:
    """The network that the options name. Raises ConfigError where there is none, or one that does not fit its configuration."""
    run = network_folder(options.model, options.task)
    task = load_task(task_of_finished_run(run, options.task))
    from python.training.trained import Trained  # after -h, which needs the standard library only

    return Trained.load(task, run, changes(options), options.runtime)


def changes(options: Any) -> Sequence[str]:
    """What is read otherwise than the run's configuration says."""
    flips = [] if options.old_flips is None else [f'dataset_parameters.old_flips="{options.old_flips}"']
    return [*options.changes, *flips]
