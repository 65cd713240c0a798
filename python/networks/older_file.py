"""Networks that older code saved, as Keras or HDF5 files, loaded to answer without running anything that is in the file.

What a file says of its layers is looked through before Keras sees it: not every version of Keras refuses code in HDF5 files.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from python.general_purpose_libs import ConfigError
from python.networks.saved import load_network

HOLDS_CODE = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
READS_FILES = ("StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization")
OF_TRAINING = ("compile_config", "training_config")  # losses and metrics, which an answer does not need
NOT_A_LAYER = ("DTypePolicy", "Functional", "Model", "Sequential")
REMEDY = "save it without where it was trained, see docs/predicting.md#networks-of-older-code"


def load_older_network(path: Path) -> keras.Model:
    """The network in a file of older code as a function of the list of its inputs. Raises ConfigError that says why not."""
    for described in _objects(_architecture(path)):
        _refuse_foreign(described, path)
    try:
        loaded = load_network(path)
        model = keras.Model(list(loaded.inputs), list(loaded.outputs))
    except Exception as error:  # whatever Keras makes of a file that it cannot read
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(f"{path}: Keras cannot load the network ({reason}); {REMEDY}") from error
    if not all(np.all(np.isfinite(values)) for values in model.get_weights()):
        raise ConfigError(
            f"{path}: weights of the network are not finite: its training failed; take an earlier checkpoint"
        )
    return model


def _architecture(path: Path) -> Any:
    """What the file says that the network is made of."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                (said_of_layers,) = [name for name in file.namelist() if name.startswith("config.")]
                return json.loads(file.read(said_of_layers))
        with h5py.File(path) as file:
            said = file.attrs.get("model_config")
            if said is not None:
                return json.loads(said)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: is damaged, or no network that Keras saved; copy it again") from error
    raise ConfigError(f"{path}: holds weights alone; give the file of the whole network, as model.save writes it")


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Everything in it that names a class or a function."""
    if isinstance(node, dict):
        if isinstance(node.get("class_name"), str):
            yield node
        for key, value in node.items():
            if key not in OF_TRAINING:
                yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _refuse_foreign(described: dict[str, Any], path: Path) -> None:
    """Raise ConfigError for what is no plain part of Keras, or of this project."""
    name, module = described["class_name"], described.get("module")
    of_layer = described.get("config")
    if name in HOLDS_CODE:
        called = f" {of_layer['name']!r}" if isinstance(of_layer, dict) and "name" in of_layer else ""
        raise ConfigError(f"{path}: the layer{called} ({name}) holds code, and none that is in a file is run; {REMEDY}")
    if name in READS_FILES:
        raise ConfigError(f"{path}: a layer {name} reads other files; {REMEDY}")
    if name.startswith("__"):  # a tensor, or a plain value
        return
    if name == "function":
        name, module = str(of_layer), None
        known = hasattr(keras.activations, name)
    elif module is None:
        places = (keras.layers, keras.initializers, keras.regularizers, keras.constraints)
        known = name in NOT_A_LAYER or any(hasattr(place, name) for place in places)
    else:
        known = str(module).split(".")[0] == "keras"
    if not known and not _registered(name, described.get("registered_name")):
        where = f" of {module}" if module else ""
        raise ConfigError(f"{path}: needs {name}{where}, which is neither in the file nor known here; {REMEDY}")


def _registered(*names: str | None) -> bool:
    """Whether a file in python/networks has made one of the names known to Keras."""
    known = keras.saving.get_custom_objects()
    return any(name in known or f"Custom>{name}" in known for name in names if name)
