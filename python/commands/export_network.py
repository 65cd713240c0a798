"""export_network.sh: the network of a run as a file that answers without TensorFlow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from python.commands.parser import CommandParser
from python.commands.path_option import check_output, named_path
from python.commands.tasks import load_task
from python.general_purpose_libs import log, run_command, start_logging
from python.runs.files import exported_file
from python.runs.finished import task_of_finished_run


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="export_network.sh",
        allow_abbrev=False,
        description="Write the network of a finished run of any task as an ONNX file, which ONNX Runtime and other programs "
        "read: predict.sh then answers without TensorFlow, in a fraction of the time. The file says of itself what the network "
        "takes and answers. The last line of standard output is the file that was written.",
        epilog="Exit codes: 0 done, 2 no finished run, a network that does not fit its configuration, or wrong usage, 3 data, "
        "4 the network cannot be exported, 5 output not writable, 130 interrupted. "
        "example: ./scripts/export_network.sh -m output/electron_direction/point_network/20250101_120000",
    )
    add = parser.add_argument
    add("-m", "--model", metavar="RUN", required=True, help="folder of a finished run, as the training printed it")
    add(
        "-o",
        "--output",
        type=named_path,
        metavar="FILE.onnx",
        help="another file than <model>.onnx beside the run's <model>.keras, where predict.sh looks for it; an existing one is "
        "not replaced",
    )
    add("--force", action="store_true", help="replace an existing file that -o names")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    run = Path(options.model)
    task = load_task(task_of_finished_run(run))
    from python.training.export import export_network  # after -h, which needs the standard library only
    from python.training.network_of_run import keras_file

    output = Path(options.output) if options.output else exported_file(keras_file(run))
    check_output(output, ".onnx", replace=options.force or options.output is None)
    description = export_network(task, run, output)
    taken = ", ".join(tensor.name for tensor in description.inputs)
    log.info("%s of %s takes %s", description.model_name, description.task, taken)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
