"""docs.sh: build the documentation site, and serve it on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from python.commands.parser import CommandParser
from python.general_purpose_libs import ConfigError, run_command

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1:8000"


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="docs.sh",
        allow_abbrev=False,
        description="Build the documentation site and serve it on this machine until Ctrl-C, or build it into a folder. A broken "
        "link or reference is an error.",
        epilog="Exit codes: 0 done, 2 wrong usage or broken pages, 130 interrupted. example: ./scripts/docs.sh build -o site",
    )
    add = parser.add_argument
    add("what", nargs="?", choices=["serve", "build"], default="serve", help="default: serve")
    add("-o", "--output", metavar="DIR", default=str(ROOT / "site"), help="of build: the folder; default: site")
    add("-a", "--address", metavar="HOST:PORT", default=ADDRESS, help=f"of serve; default: {ADDRESS}")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    folder = Path(options.output).resolve()
    wanted = (
        ["serve", "--dev-addr", options.address] if options.what == "serve" else ["build", "--site-dir", str(folder)]
    )
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", *wanted, "--strict"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},  # of MkDocs's successor, which requirements.txt excludes
        check=False,
    )
    if done.returncode:
        raise ConfigError("the site was not built; mend what is named above")
    if options.what == "build":
        print(folder / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
