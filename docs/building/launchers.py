"""The launchers under scripts/ and the parsers of the commands behind them, found through the scripts themselves."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[2]
BEHIND = re.compile(r"((?:python\.commands|docs\.building)\.\w+)((?: \w+)*) \"\$@\"")


class _AskedError(Exception):
    """Carries the parser of a command, and the arguments that it was to read, out of the command."""


def commands() -> dict[str, tuple[str, list[str]]]:
    """The module and first arguments of the command behind each launcher, by the launcher's name."""
    found = {}
    for script in sorted((ROOT / "scripts").glob("*.sh")):
        match = BEHIND.search(script.read_text(encoding="utf-8"))
        if match:
            found[script.name] = (match[1], match[2].split())
    return found


def parser_of(launcher: str, arguments: Sequence[str] = ()) -> tuple[argparse.ArgumentParser, list[str]]:
    """The parser of a launcher's command and the arguments as the command hands them to it; nothing is run."""
    module, first = commands()[launcher]
    main = importlib.import_module(module).main

    def ask(parser: argparse.ArgumentParser, given: Sequence[str] | None = None, *_rest: object) -> None:
        raise _AskedError(parser, list(given or ()))

    with patch.object(argparse.ArgumentParser, "parse_args", ask):
        try:
            main([*first, *arguments])
        except _AskedError as asked:
            return asked.args
    raise RuntimeError(f"{module} reads no arguments")
