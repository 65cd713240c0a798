"""The options by which a command asks a network about data: which network, which data, on what it runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from python.commands.tasks import load_task
from python.general_purpose_libs import ConfigError
from python.runs.finished import task_of_finished_run
from python.runs.older import OlderRun, older_run
from python.runs.shipped import network_folder
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.training.trained import Trained

TRAINED_WITH = ("planes", "classes", "flips", "values")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "-m",
        "--model",
        metavar="RUN",
        help="folder of a finished run, as the training printed it, or the name of a network that comes with the project; "
        "or a run of older code, see below; default: the one of -t",
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
    older = parser.add_argument_group(
        "networks of older code",
        "-m also takes a run folder of older code, or a .keras or .h5 file of one, with -t; what such a network was trained with "
        "is asked for where nothing tells it",
    )
    older.add_argument(
        "--trained-flips",
        choices=("none", "upstream"),
        help="how the images of clusters that it was trained on were flipped",
    )
    older.add_argument(
        "--trained-values",
        choices=("adc", "largest"),
        help="values of these images: ADC as in the files, or divided by the largest of each image",
    )
    older.add_argument(
        "--trained-planes",
        nargs="+",
        choices=("U", "V", "X"),
        help="planes that its inputs take, in their order; default: as its inputs are named, or its configuration says",
    )
    older.add_argument(
        "--trained-classes",
        nargs="+",
        metavar="CLASS",
        help="classes in the order of its answers, of one probability its own class last; default for main tracks: background "
        "main_track",
    )
    add("--set", dest="changes", nargs="+", default=[], metavar="KEY.PATH=VALUE",
        help="read the data otherwise than the run's configuration says, for example selection.min_energy=8")  # fmt: skip
    add("--skip-bad-files", action="store_true", help="leave broken data files out and count them")


def asked_network(options: Any) -> Trained:
    """The network that the options name. Raises ConfigError where there is none, or one that does not fit its configuration."""
    older = older_run(options.model)
    if older is not None:
        return _older_network(older, options)
    said = [f"--trained-{name}" for name in TRAINED_WITH if getattr(options, f"trained_{name}") is not None]
    if said:
        raise ConfigError(
            f"{', '.join(said)}: only for networks of older code; others know what they were trained with"
        )
    run = network_folder(options.model, options.task)
    task = load_task(task_of_finished_run(run, options.task))
    from python.training.trained import Trained  # after -h, which needs the standard library only

    return Trained.load(task, run, changes(options), options.runtime)


def _older_network(run: OlderRun, options: Any) -> Trained:
    if options.task is None:
        raise ConfigError(
            f"{run.network}: a network of older code does not say of which task it is; add -t with its name"
        )
    if options.runtime == "onnx":
        raise ConfigError(f"{run.network}: only Keras answers with networks of older code; leave --runtime out")
    from python.training.older import TrainedWith, load_older  # after -h, which needs the standard library only

    said = TrainedWith(**{name: getattr(options, f"trained_{name}") for name in TRAINED_WITH})
    return load_older(load_task(options.task), run, said, changes(options))


def changes(options: Any) -> Sequence[str]:
    """What is read otherwise than the run's configuration says."""
    flips = [] if options.old_flips is None else [f'dataset_parameters.old_flips="{options.old_flips}"']
    return [*options.changes, *flips]
