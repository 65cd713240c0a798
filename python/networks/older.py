"""A network of older code that answers in the terms of today: images in ADC in, classes in today's order or a direction out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from python.data.sparse_images import NetworkInputs
from python.general_purpose_libs import ConfigError
from python.networks.answering import Shape

if TYPE_CHECKING:
    import keras

Sides = tuple[int, int]
ROUNDING = 1e-3  # of probabilities


@dataclass(frozen=True)
class Sight:
    """What a network sees of images (N, *shape, 1) in ADC: their middle (N, *window, 1), as it is or divided by the `largest`
    value of each, with its axes `exchanged` or not."""

    shape: Sides
    window: Sides
    exchanged: bool = False
    largest: bool = False

    def of(self, images: np.ndarray) -> np.ndarray:
        rows, columns = (
            slice((whole - part) // 2, (whole - part) // 2 + part)
            for whole, part in zip(self.shape, self.window, strict=True)
        )
        seen = images[:, rows, columns]
        if self.largest:
            highest = seen.max(axis=(1, 2, 3), keepdims=True)
            seen = seen / np.where(highest > 0, highest, 1)
        return seen.transpose(0, 2, 1, 3) if self.exchanged else seen


@dataclass(frozen=True)
class OlderNetwork:
    """A Keras model of a list of images, one of each of the `shown`, or of all `stacked` behind each other.

    `columns` says which class of the network is which of today's, None of a network that answers with a direction.
    """

    model: keras.Model
    shown: tuple[str, ...]
    sight: Sight
    stacked: bool = False
    columns: Sequence[int] | None = None

    @property
    def inputs(self) -> Mapping[str, Shape]:
        return dict.fromkeys(self.shown, (*self.sight.shape, 1))

    @property
    def width(self) -> int:
        return 3 if self.columns is None else len(self.columns)

    def predict_on_batch(self, inputs: NetworkInputs) -> np.ndarray:
        """Unit vectors or not (N, 3), or probabilities (N, C). Raises ConfigError where answers are neither."""
        given = inputs if isinstance(inputs, dict) else {self.shown[0]: inputs}
        seen = [self.sight.of(given[name]) for name in self.shown]
        outputs = np.asarray(self.model.predict_on_batch([np.concatenate(seen, axis=-1)] if self.stacked else seen))
        if not np.all(np.isfinite(outputs)):
            raise ConfigError("the network of older code answers with what is no number; take another checkpoint of it")
        return outputs if self.columns is None else self._probabilities(outputs, self.columns)

    @staticmethod
    def _probabilities(outputs: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        if outputs.shape[1] == 1:
            outputs = np.concatenate([1 - outputs, outputs], axis=1)
        lowest, highest, sums = outputs.min(), outputs.max(), outputs.sum(axis=1)
        if lowest < -ROUNDING or highest > 1 + ROUNDING or np.any(np.abs(sums - 1) > ROUNDING):
            raise ConfigError(
                f"the network of older code answers from {lowest:.3g} to {highest:.3g}, which are no probabilities of classes; "
                "add its sigmoid or softmax as a last layer where it was trained"
            )
        return outputs[:, list(columns)]
