"""Runs of older code: a network as Keras saved it, and beside it files of many names, of which these are known."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python.general_purpose_libs import ConfigError, log, read_json
from python.runs.files import ARGUMENTS_FILE, CONFIG_FILE, STATUS_FILE

ENDINGS = (".keras", ".h5", ".hdf5")
PLACES = ("", "models", "checkpoints")  # of networks in a run's folder: the first that holds any counts
RESULTS_FILE = "results.json"  # holds the configuration where there is no file of it


@dataclass(frozen=True)
class OlderRun:
    """The `network` that is meant, and the `folder` of the run that it is of."""

    network: Path
    folder: Path

    def configuration(self) -> dict[str, Any]:
        """The configuration beside the network, in the dialect of its time; {} where there is none."""
        return _object(self.folder / CONFIG_FILE) or _section(_object(self.folder / RESULTS_FILE), "config")

    def plane_asked_for(self) -> str | None:
        """The plane that the command line of the training named."""
        return _object(self.folder / ARGUMENTS_FILE).get("plane")


def older_run(named: str | os.PathLike | None) -> OlderRun | None:
    """The run of older code that a network's file, or a folder, is; None for anything else.

    ConfigError: a folder holds several networks, or a file is of a run of this project.
    """
    if named is None:
        return None
    path = Path(named)
    if path.is_file() and path.suffix in ENDINGS:
        return _of_file(path)
    if not path.is_dir() or _of_today(path):
        return None
    for place in PLACES:
        files = [file for file in sorted((path / place).glob("*")) if file.suffix in ENDINGS and file.is_file()]
        if len(files) > 1:
            names = ", ".join(str(file.relative_to(path)) for file in files)
            raise ConfigError(
                f"{path}: a run of older code with {len(files)} networks ({names}); name one of the files"
            )
        if files:
            return OlderRun(files[0], path)
    return None


def _of_file(path: Path) -> OlderRun:
    parent = path.resolve().parent
    for folder in (parent, parent.parent):
        if _of_today(folder):
            raise ConfigError(f"{path}: is of a run of this project; name its folder, {folder}")
    return OlderRun(path, path.parent.parent if path.parent.name in PLACES else path.parent)


def _of_today(folder: Path) -> bool:
    """Whether a training of this project made the folder: it leaves a status, or at least says of which task it is."""
    return (folder / STATUS_FILE).exists() or "task" in _object(folder / CONFIG_FILE)


def _object(path: Path) -> dict[str, Any]:
    """What a JSON file holds, {} where it is missing or is no section; one that cannot be read is told of."""
    try:
        content = read_json(path) if path.is_file() else {}
    except ConfigError as error:
        log.warning("left aside: %s", error)
        return {}
    return content if isinstance(content, dict) else {}


def _section(content: dict[str, Any], key: str) -> dict[str, Any]:
    return content[key] if isinstance(content.get(key), dict) else {}
