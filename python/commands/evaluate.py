"""evaluate.sh: how well a network of any task does on data whose truth is known, without a training."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from python.commands.network_options import add_network_options, asked_network
from python.commands.parser import CommandParser
from python.commands.result_folder import add_result_folder, result_folder
from python.general_purpose_libs import Progress, atomic_folder, log, run_command, start_logging
from python.runs.files import EVALUATION_FILE


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="evaluate.sh",
        allow_abbrev=False,
        description="Judge a network of any task by data whose truth is known: that of a finished run, or one that comes with "
        "the project. Samples are chosen and labelled as for its training, all of them, unless --set says otherwise. Writes what "
        "a training leaves for its test part: metrics, predictions, plots, a report. Data that the network was trained on "
        "flatter it. The last line of standard output is the folder.",
        epilog="Exit codes: 0 done, 2 no finished run, a network that does not fit its configuration, or wrong usage, 3 data "
        "missing, damaged, or without truth, 5 output not writable, 130 interrupted. "
        "example: ./scripts/evaluate.sh -t electron_direction -d data/es -o output/judged",
    )
    add_network_options(parser)
    add_result_folder(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    output = result_folder(options, EVALUATION_FILE, "evaluate.sh")
    trained = asked_network(options)
    from python.training.judged import judge  # after -h, which needs the standard library only

    with atomic_folder(output) as unfinished, Progress("asking the network", "samples") as progress:
        metrics = judge(trained, options.data, unfinished, options.skip_bad_files, progress)
    for name in trained.task.problem_of(trained.config).headlines():
        if metrics.get(name) is not None:
            log.info("%s: %.4f", name, metrics[name])
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
