"""The network of a run, loaded to answer: its exported file for ONNX Runtime where there is one that fits, else Keras."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from python.config.schema import RunConfig
from python.general_purpose_libs import ConfigError, log
from python.networks.answering import AnsweringNetwork, KerasNetwork
from python.networks.exported import OnnxNetwork, open_exported
from python.runs.files import NETWORK_FILES, exported_file
from python.training.description import described
from python.training.device import choose_device
from python.training.task import Task

if TYPE_CHECKING:
    import keras

Runtime = Literal["onnx", "keras"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)


def network_of_run(task: Task, config: RunConfig, run: Path, runtime: Runtime | None = None) -> AnsweringNetwork:
    """The network of the run's folder, by the `runtime` named; the log says which it is.

    None takes the exported file where it fits, and says why where it is there and does not. Raises ConfigError where the
    network is not whole, or the file named does not fit.
    """
    exported = exported_file(keras_file(run))
    if runtime == "onnx" or (runtime is None and exported.is_file()):
        try:
            network = exported_network(task, config, run)
        except (ConfigError, ModuleNotFoundError) as error:
            if runtime == "onnx":
                raise
            log.warning("%s; Keras answers instead", error)
        else:
            log.info("ONNX Runtime answers: %s", exported)
            return network
    model = keras_model(task, config, run)
    log.info("Keras answers: %s", keras_file(run))
    return KerasNetwork(model)


def exported_network(task: Task, config: RunConfig, run: Path) -> OnnxNetwork:
    """The exported network of a run. Raises ConfigError where it is missing, damaged, or not that of the Keras file beside it."""
    path = exported_file(keras_file(run))
    remedy = f"make it with export_network.sh -m {run}"
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; {remedy}")
    try:
        network, found = open_exported(path)
    except ConfigError as error:
        raise ConfigError(f"{error}; {remedy}") from error
    expected = described(task, config, keras_file(run))
    why = found.difference_from(expected)
    if not why and dict(network.inputs) != {tensor.name: tensor.shape for tensor in found.inputs}:
        why = "its inputs are not those that it tells of"
    if why:
        raise ConfigError(f"{path}: does not fit {run.name}: {why}; {remedy}")
    return network


def keras_file(run: Path) -> Path:
    """The one network at the top of the run folder. Raises ConfigError where there is none, or more than one."""
    files = sorted(run.glob(NETWORK_FILES))
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise ConfigError(
            f"{run}: one network ({NETWORK_FILES}) is needed, there is {names}; give the folder as the training left it"
        )
    return files[0]


def keras_model(task: Task, config: RunConfig, run: Path) -> keras.Model:
    """The Keras model of a run. Raises ConfigError where it is unusable, or tells apart other classes than its architecture."""
    path, classes = keras_file(run), task.architecture(config).classes
    if not zipfile.is_zipfile(path):
        raise ConfigError(f"{path}: is damaged or not whole; train the network again")
    log.debug("device: %s", choose_device("cpu" if config.device == "cpu" else "auto"))
    from python.networks.saved import load_network, saved_classes

    try:
        model = load_network(path)
        found = saved_classes(path, model) if classes else ()
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(f"{path}: the network cannot be used ({reason}); train it again") from error
    if found != classes:
        raise ConfigError(
            f"{path}: the network tells apart {', '.join(found)}, its configuration {', '.join(classes)}; "
            "give the run folder as the training left it"
        )
    return model
