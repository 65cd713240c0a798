"""File names for what the registry keeps: the ids of runs, and versions, which hold any text.

Different versions have different file names, also where the file system ignores case or composes accents. A name that would be
too long for a file system ends with a digest instead.
"""

from __future__ import annotations

import hashlib
import os
import string
from pathlib import Path

from python.general_purpose_libs import ConfigError

LONGEST_NAME = 200  # bytes; file systems allow 255, and temporary names are longer
DIGEST_MARK = "~"  # stands in no other name
_CAPITALS = set(string.ascii_uppercase)
_PLAIN = set(string.ascii_lowercase + string.digits + "_-+=,;@()[]!$#' ")


def folder_below(output: str | os.PathLike, folder: str | os.PathLike) -> str:
    """Return the path of `folder` from `output`, as both are named, else with links followed.

    Raises ConfigError when the folder is not below `output`.
    """
    for absolute in (os.path.abspath, os.path.realpath):
        path, root = Path(absolute(folder)), Path(absolute(output))
        if root in path.parents:
            return path.relative_to(root).as_posix()
    raise ConfigError(f"{folder}: is not below the output folder {output}; give the output folder of the run")


def is_below(output: str | os.PathLike, folder: str | os.PathLike) -> bool:
    """Whether `folder` lies in `output`, see `folder_below`."""
    try:
        return bool(folder_below(output, folder))
    except ConfigError:
        return False


def output_above(folder: str | os.PathLike, task: str, model_name: str) -> Path | None:
    """Return the output folder that the run in `folder` lies in, by its own place: OUTPUT/task/model_name/...; None: in none."""
    for absolute in (os.path.abspath, os.path.realpath):
        for place in Path(absolute(folder)).parents:
            if (place.parent.name, place.name) == (task, model_name):
                return place.parent.parent
    return None


def run_id(output: str | os.PathLike, folder: str | os.PathLike) -> str:
    """Return the name of the run in `folder`: its path below `output`, with "." for "/" and what is unusual in it as %XX.

    Raises ConfigError when the folder is not below `output`.
    """
    kept = _PLAIN | _CAPITALS
    parts = folder_below(output, folder).split("/")
    return _short(".".join("".join(c if c in kept else _escaped(c) for c in part) for part in parts))


def version_name(version: str) -> str:
    """Return the file name of a version: capitals as "^" and the small letter, what is unusual as %XX.

    So "v1" and "V1" are two versions everywhere.
    """
    kept = _PLAIN | {"."}
    name = "".join(f"^{c.lower()}" if c in _CAPITALS else c if c in kept else _escaped(c) for c in version)
    return _short(_escaped(".") + name[1:] if name.startswith(".") else name)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _short(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{name[: LONGEST_NAME - len(digest) - 1]}{DIGEST_MARK}{digest}"
