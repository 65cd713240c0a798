"""The run whose weights a new one starts from: is it there, are its networks the same, and what are its weights?

Keras is imported here, so import this module only where a configuration names such a run.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from python.config.differences import differences
from python.config.format_version import read_configuration
from python.config.load import dump_config, load_config
from python.config.schema import ContinueFrom, RunConfig
from python.general_purpose_libs import ConfigError
from python.networks.saved import load_network
from python.runs.files import CHECKPOINTS, NETWORK_FILES
from python.runs.shipped import check_whole, read_card
from python.runs.status import read_status
from python.training.checkpoint_files import CheckpointFiles, DamagedError, Moment
from python.training.checkpoints import load_state
from python.training.fitting import build_model
from python.training.run_folder import network_folders
from python.training.starts import Start, configuration_of
from python.training.task import Task

SHAPES_THE_NETWORK = ("input_shape", "build_parameters", "loss")  # of model_parameters


def read_starts(task: Task, config: RunConfig, section: ContinueFrom) -> tuple[RunConfig, list[Start]]:
    """What each network of `config` starts from, as its `section` says, with the configuration that names the digest of it.

    Raises ConfigError with what differs when `config` makes other networks, and when the run has no weights, is running, or has
    other weights than the configuration names.
    """
    run = Path(section.run)
    check_whole(run)
    theirs = _configuration(task, run)
    _require_same_members(run, theirs, config)
    optimizers = theirs.model_parameters.optimizer.name, config.model_parameters.optimizer.name
    if section.with_optimizer and optimizers[0] != optimizers[1]:
        raise ConfigError(
            f"continue_from.with_optimizer: {run} has the state of {optimizers[0]}, the optimizer is {optimizers[1]}; take the "
            "same one, or set with_optimizer to false"
        )
    if section.with_optimizer and read_card(run) is not None:
        raise ConfigError(
            f"continue_from.with_optimizer: {run} ships without its optimizer's state; set with_optimizer to false"
        )
    ours, network = build_model(task, config), build_model(task, theirs)
    _require_same_network(task, run, theirs, config, (network, ours))
    starts = []
    for folder in network_folders(run, theirs):
        _load(network, folder)
        optimizer = network.optimizer.variables if section.with_optimizer else []
        starts.append(Start(network.get_weights(), [np.array(variable) for variable in optimizer]))
    keras.utils.clear_session()  # layers of later networks are numbered from the start
    digest = _digest(starts)
    if section.weights not in (None, digest):
        raise ConfigError(
            f"continue_from: the weights of {run} are not those that the configuration names (continue_from.weights); give the "
            "run as it was, or set continue_from.weights to null"
        )
    return config.model_copy(update={"continue_from": section.model_copy(update={"weights": digest})}), starts


# ---------------------------------------------------------------------------- the run
def _configuration(task: Task, run: Path) -> RunConfig:
    path = configuration_of(run)
    said = read_configuration(path)
    if (of := said.get("task") if isinstance(said, dict) else None) != task.schema.name:
        raise ConfigError(
            f"continue_from: {run} is a run of {of}, not of {task.schema.name}; name one of the same task"
        )
    if read_card(run) is None and read_status(run)["state"] == "running":
        raise ConfigError(f"continue_from: {run} is still running; wait for it, or stop it first")
    return load_config(path, task.schema)


def _load(model: keras.Model, folder: Path) -> None:
    """Bring `model` to the trained state in `folder`: that of the saved network, else of the best epoch's checkpoint."""
    saved = sorted(folder.glob(NETWORK_FILES))
    try:
        if read_card(folder) is not None:  # which has no optimizer's state, and Keras would miss it
            model.set_weights(load_network(saved[0]).get_weights())
            return
        model.optimizer.build(model.trainable_variables)
        if saved:
            model.load_weights(saved[0])
            return
        checkpoints = CheckpointFiles(folder / CHECKPOINTS)
        best = _best(checkpoints)
        if best is not None:
            load_state(checkpoints, best, model)
            return
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(
            f"continue_from: {folder}: its weights cannot be read ({reason}); name another run"
        ) from error
    raise ConfigError(
        f"continue_from: {folder}: has no weights, neither a network nor a whole checkpoint; go on with that run first (--resume)"
    )


def _best(checkpoints: CheckpointFiles) -> Moment | None:
    """The best epoch, or how far the training came before the first one ended; damaged checkpoints are passed over."""
    for moment in reversed(checkpoints.moments()):
        try:
            best = checkpoints.verified(moment)["best"]
        except DamagedError:
            continue
        return Moment.of(best) if best else moment
    return None


# ---------------------------------------------------------------------------- is it the same?
def _require_same_members(run: Path, theirs: RunConfig, ours: RunConfig) -> None:
    there, here = (config.ensemble.members if config.ensemble else None for config in (theirs, ours))
    if there != here:
        found, asked = (f"an ensemble of {members}" if members else "one network" for members in (there, here))
        raise ConfigError(
            f"continue_from: {run} is {found}, and {asked} is asked for; members start from members: ask for as many (ensemble)"
        )


def _require_same_network(
    task: Task, run: Path, theirs: RunConfig, ours: RunConfig, models: tuple[keras.Model, keras.Model]
) -> None:
    found = [
        [task.problem_of(config).outputs(), _inputs(model), [tuple(variable.shape) for variable in model.weights]]
        for config, model in zip((theirs, ours), models, strict=True)
    ]
    if found[0] == found[1]:
        return
    names = ("what the network says", "its inputs", "its weights' shapes")
    parts = [name for name, there, here in zip(names, *found, strict=True) if there != here]
    settings = differences(_shaping(theirs), _shaping(ours))
    raise ConfigError(
        "\n  ".join(
            [
                f"continue_from: {run} has another network, different in {' and '.join(parts)}; configure the same one, or start "
                "without its weights:",
                *settings,
                *_shapes(*found),
            ]
        )
    )


def _inputs(model: keras.Model) -> list[tuple]:
    """Names and shapes; of a single input the shape alone, whatever Keras calls it."""
    if len(model.inputs) == 1:
        return [tuple(model.inputs[0].shape[1:])]
    return sorted((tensor.name, *tensor.shape[1:]) for tensor in model.inputs)


def _shaping(config: RunConfig) -> dict[str, Any]:
    """The settings that shape a network."""
    said = dump_config(config)
    model = {name: said["model_parameters"][name] for name in SHAPES_THE_NETWORK}
    return {"model_name": said["model_name"], "model_parameters": model}


def _shapes(there: list, here: list) -> Iterator[str]:
    """Lines that tell the networks apart where settings may not, as between releases."""
    if there[1] != here[1]:
        yield f"inputs: there {there[1]}, here {here[1]}"
    counts = [sum(int(np.prod(shape)) for shape in shapes) for shapes in (there[2], here[2])]
    if there[2] != here[2]:
        yield f"weights: there {counts[0]:,} numbers in {len(there[2])} arrays, here {counts[1]:,} in {len(here[2])}"


def _digest(starts: Sequence[Start]) -> str:
    """Of the content, so that the same weights have it wherever they are kept."""
    digest = hashlib.sha256()
    for start in starts:
        for values in (*start.network, *start.optimizer):
            digest.update(f"{values.dtype.str}{values.shape}".encode())
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:32]
