"""Networks that a training has saved."""

from __future__ import annotations

import importlib
import os
import pkgutil

import keras

import python.networks


def load_network(path: str | os.PathLike) -> keras.Model:
    """Load the network that a run has saved, to predict with: the layers of this project are made known to Keras first."""
    for module in pkgutil.iter_modules(python.networks.__path__):
        importlib.import_module(f"{python.networks.__name__}.{module.name}")
    return keras.models.load_model(path, compile=False)
