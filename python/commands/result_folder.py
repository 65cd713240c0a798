"""The folder that a command leaves its results in: a new one, or one of its own that may be replaced."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from python.commands.path_option import named_path
from python.general_purpose_libs import ConfigError


def add_result_folder(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-o", "--output", type=named_path, metavar="DIR", required=True, help="folder for the results, a new one")
    add("--force", action="store_true", help="replace what an earlier call has left there")


def result_folder(options: Any, own_file: str, command: str) -> Path:
    """The folder that the options name. Raises ConfigError now, rather than when all is done.

    With --force no folder is lost but one that the `command` has left, which `own_file` in it tells.
    """
    output = Path(options.output)
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        if not (output / own_file).is_file():
            raise ConfigError(f"{output}: is there already, and not from {command}; choose a new folder with -o")
        if not options.force:
            raise ConfigError(f"{output}: is there already; choose another folder with -o, or replace it with --force")
    return output
