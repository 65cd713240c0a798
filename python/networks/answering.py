"""A network that answers, whatever it runs on: Keras here, ONNX Runtime in `python.networks.exported`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from python.data.sparse_images import NetworkInputs

if TYPE_CHECKING:
    import keras

Shape = tuple[int | None, ...]


class AsksInBatches(Protocol):
    """What can be asked about a batch of N events; a Keras model is one."""

    def predict_on_batch(self, inputs: NetworkInputs, /) -> Any:
        """The outputs (N, C), of an ensemble (N, members, C)."""


class AnsweringNetwork(AsksInBatches, Protocol):
    """A network of which is known what it takes: `inputs`, their shapes without N by name; and C, the `width` of an answer."""

    @property
    def inputs(self) -> Mapping[str, Shape]: ...

    @property
    def width(self) -> int: ...


@dataclass(frozen=True)
class KerasNetwork:
    """A Keras model that answers."""

    model: keras.Model

    @cached_property
    def inputs(self) -> Mapping[str, Shape]:
        return {tensor.name: tuple(tensor.shape[1:]) for tensor in self.model.inputs}

    @property
    def width(self) -> int:
        return self.model.output_shape[-1]

    def predict_on_batch(self, inputs: NetworkInputs) -> np.ndarray:
        return np.asarray(self.model.predict_on_batch(inputs))
