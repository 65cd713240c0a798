"""What the options of all launchers have in common."""

from __future__ import annotations

import argparse
from typing import Any

from python.version import VERSION


class CommandParser(argparse.ArgumentParser):
    """The parser of a launcher's options; asked with --version it says which release it is of."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add_argument(
            "--version", action="version", version=f"%(prog)s {VERSION}", help="say which release this is"
        )
