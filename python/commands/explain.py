"""explain.sh: what a network of any task looks at, on data whose truth is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from python.commands.network_options import add_network_options, asked_network
from python.commands.parser import CommandParser
from python.commands.product_options import whole_number
from python.commands.result_folder import add_result_folder, result_folder
from python.general_purpose_libs import Progress, atomic_folder, run_command, start_logging
from python.runs.files import EXPLANATION_FILE


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="explain.sh",
        allow_abbrev=False,
        description="Show what a network of any task looks at: how much worse it gets where each plane is hidden, over all "
        "samples whose truth is known; and for some of them how the answer changes where patches of the images, or points close "
        "together, are hidden, and its gradient by every pixel or point, which needs Keras. Writes plots, a report and "
        "explain.json. The last line of standard output is the folder.",
        epilog="Exit codes: 0 done, 2 no finished run, a network that does not fit its configuration, or wrong usage, 3 data "
        "missing, damaged, or without truth, 5 output not writable, 130 interrupted. "
        "example: ./scripts/explain.sh -t electron_direction -d data/es -o output/explained",
    )
    add_network_options(parser)
    add_result_folder(parser)
    add = parser.add_argument
    add(
        "-n",
        "--samples",
        type=whole_number(0),
        default=6,
        metavar="N",
        help="samples that are drawn one by one (default: %(default)s)",
    )
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    output = result_folder(options, EXPLANATION_FILE, "explain.sh")
    trained = asked_network(options)
    from python.training.explanation import explain  # after -h, which needs the standard library only

    with atomic_folder(output) as unfinished, Progress("asking the network", "samples") as progress:
        explain(trained, options.data, unfinished, options.samples, options.skip_bad_files, progress)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
