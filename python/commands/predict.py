"""predict.sh: what a trained network of any task answers for data, whether their truth is known or not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import check_output, named_path
from python.commands.tasks import load_task
from python.general_purpose_libs import Progress, run_command, start_logging
from python.runs.finished import task_of_finished_run
from python.runs.shipped import network_folder
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.training.trained import Trained

FORMAT_VERSION = 2  # 2: `run` and `subrun` are those of the events, and the trained run is `run_folder`


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="predict.sh",
        allow_abbrev=False,
        description="Ask a network of any task about data, whether their truth is known or not: that of a finished run, or one "
        "that comes with the project. All that the network can take is answered, repeated images too; limits and choices by "
        "truth of the training do not apply. The last line of standard output is the file that was written.",
        epilog="Exit codes: 0 done, 2 no finished run, a network that does not fit its configuration, or wrong usage, 3 data "
        "missing, damaged, or without what the network takes, 5 output not writable, 130 interrupted. "
        "example: ./scripts/predict.sh -m output/mt_identifier/simple_cnn/plane_X/20250101_120000 -d data/new -o new.npz",
    )
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
        "-o",
        "--output",
        type=named_path,
        metavar="FILE.npz",
        required=True,
        help="file for the answers; an existing one is not replaced",
    )
    add("--force", action="store_true", help="replace an existing file")
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
    add("--skip-bad-files", action="store_true", help="leave broken data files out and count them")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    run, output = network_folder(options.model, options.task), Path(options.output)
    task = load_task(task_of_finished_run(run, options.task))
    check_output(output, ".npz", replace=options.force)
    from python.runs.predictions import write_answers  # after -h, which needs the standard library only
    from python.training.trained import Trained

    changes = [] if options.old_flips is None else [f'dataset_parameters.old_flips="{options.old_flips}"']
    trained = Trained.load(task, run, changes, options.runtime)
    samples = trained.read(options.data, options.skip_bad_files)
    with Progress("predicting", "samples") as progress:
        answers = trained.answers(samples, progress)
    write_answers(output, answers, _provenance(trained))
    print(output)
    return 0


def _provenance(trained: Trained) -> dict[str, Any]:
    """Whose answers they are."""
    import numpy as np

    from python.training.provenance import git_commit

    return {
        "format_version": np.int64(FORMAT_VERSION),
        "task": np.str_(trained.task.schema.name),
        "model_name": np.str_(trained.config.model_name),
        "version": np.str_(trained.config.version or ""),
        "run_folder": np.str_(trained.run.resolve().name),
        "commit": np.str_(git_commit() or ""),
    }


if __name__ == "__main__":
    sys.exit(run_command(main))
