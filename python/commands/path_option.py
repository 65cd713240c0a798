"""Folders and files as values of options."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from python.general_purpose_libs import ConfigError, writing_to


def named_path(text: str) -> str:
    """`text`, the name of a folder or file; an empty one, as an unset variable of the shell gives, would be the caller's."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; is a variable of the shell not set?")
    return text


def check_output(path: Path, suffix: str, *, replace: bool) -> None:
    """Raise ConfigError or OutputError now, rather than when all is done, where no file can be written at `path`."""
    if path.suffix != suffix:
        raise ConfigError(f"{path}: must be a name that ends with {suffix}; choose another with -o")
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file with -o")
    if path.exists() and not replace:
        raise ConfigError(f"{path}: is there already; choose another name with -o, or replace it with --force")
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
