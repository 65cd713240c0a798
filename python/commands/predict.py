"""predict.sh: what a trained network of any task answers for data, whether their truth is known or not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.network_options import add_network_options, asked_network
from python.commands.parser import CommandParser
from python.commands.path_option import check_output, named_path
from python.general_purpose_libs import Progress, run_command, start_logging

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
    add_network_options(parser)
    add = parser.add_argument
    add(
        "-o",
        "--output",
        type=named_path,
        metavar="FILE.npz",
        required=True,
        help="file for the answers; an existing one is not replaced",
    )
    add("--force", action="store_true", help="replace an existing file")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    output = Path(options.output)
    check_output(output, ".npz", replace=options.force)
    trained = asked_network(options)
    from python.runs.predictions import write_answers  # after -h, which needs the standard library only

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
