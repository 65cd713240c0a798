"""Networks that a training has saved, with the names of their classes.

A file is one of Keras, which holds one member more: what a network answers is told beside it, as a layer that knew would need
this project to be read.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

import python.networks
from python.general_purpose_libs import atomic_path
from python.networks.class_output import ClassProbabilities

CLASSES_FILE = "classes.json"


def save_network(model: keras.Model, path: Path, classes: Sequence[str]) -> None:
    """Save `model` at `path` with the classes that it tells apart, in the order of its answers; none for a direction."""
    with atomic_path(path) as temporary:
        model.save(temporary)
        if classes:
            with zipfile.ZipFile(temporary, "a") as file:
                file.writestr(CLASSES_FILE, json.dumps(list(classes)))


def load_network(path: str | os.PathLike) -> keras.Model:
    """Load the network that a run has saved, to predict with: the layers of this project are made known to Keras first."""
    for module in pkgutil.iter_modules(python.networks.__path__):
        importlib.import_module(f"{python.networks.__name__}.{module.name}")
    return keras.models.load_model(path, compile=False)


def saved_classes(path: str | os.PathLike, model: keras.Model) -> tuple[str, ...]:
    """The classes that the network in the file `path`, loaded as `model`, tells apart, in the order of its answers.

    Raises ValueError where it is no classifier of this project, or the members of an ensemble of an older release disagree.
    """
    with zipfile.ZipFile(path) as file:
        if CLASSES_FILE in file.namelist():
            return tuple(json.loads(file.read(CLASSES_FILE)))
    found = set(_classes_of_layers(model))
    if len(found) != 1:
        raise ValueError("the network does not say which classes it tells apart")
    return found.pop()


def _classes_of_layers(model: keras.Model) -> Iterator[tuple[str, ...]]:
    for layer in model.layers:
        if isinstance(layer, ClassProbabilities):
            yield layer.classes
        elif isinstance(layer, keras.Model):
            yield from _classes_of_layers(layer)
