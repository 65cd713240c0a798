"""What networks start from when a configuration continues from another run: asked for, kept in the new run, taken up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from python.config.schema import RunConfig
from python.data.npz import write_npz
from python.general_purpose_libs import ConfigError
from python.runs.files import INITIAL_WEIGHTS_FILE, configuration_file
from python.training.task import Task

if TYPE_CHECKING:
    import keras


class Start(NamedTuple):
    """Weights, and what the optimizer had, [] where that is not asked for."""

    network: list[np.ndarray]
    optimizer: list[np.ndarray]


def configuration_of(run: Path) -> Path:
    """The file that says what the network of a run is: after a search that of the best trial. ConfigError: there is none."""
    path = configuration_file(run)
    if not path.is_file():
        raise ConfigError(
            f"continue_from: {run}: is no run folder, it has no {path.name}; give the folder that a run printed"
        )
    return path


def starts_of(task: Task, config: RunConfig) -> tuple[RunConfig, list[Start]]:
    """What each network starts from, none where the configuration names no run, and the configuration with its digest.

    Raises ConfigError as `origin.read_starts`.
    """
    if config.continue_from is None:
        return config, []
    from python.training.origin import read_starts  # with Keras

    return read_starts(task, config, config.continue_from)


def keep_starts(places: Sequence[Path], starts: Sequence[Start]) -> None:
    """Write what each network starts from into its folder, so that a run needs nothing beyond its own. Raises OutputError."""
    for place, start in zip(places, starts, strict=bool(starts)):
        parts = start._asdict().items()
        write_npz(
            place / INITIAL_WEIGHTS_FILE,
            {f"{part}_{n}": values for part, each in parts for n, values in enumerate(each)},
        )


def take_start(model: keras.Model, folder: Path) -> None:
    """Give `model`, as it was built, what is kept in `folder`; its learning rate stays the configuration's."""
    path = folder / INITIAL_WEIGHTS_FILE
    if not path.is_file():
        raise ConfigError(f"{path}: is missing, and the training was to start from it; start anew with --continue-from")
    with np.load(path, allow_pickle=False) as arrays:
        network, optimizer = ([arrays[name] for name in _numbered(part, arrays.files)] for part in Start._fields)
    model.set_weights(network)
    if optimizer:
        rate = float(np.asarray(model.optimizer.learning_rate))
        model.optimizer.build(model.trainable_variables)
        for variable, value in zip(model.optimizer.variables, optimizer, strict=True):
            variable.assign(value)
        model.optimizer.learning_rate = rate


def _numbered(part: str, names: Sequence[str]) -> list[str]:
    return [f"{part}_{number}" for number in range(sum(name.startswith(f"{part}_") for name in names))]
