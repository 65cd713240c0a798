"""Batches of training samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

import numpy as np

from python.data.sparse_images import NetworkInputs

Augmentation = Callable[[NetworkInputs, np.ndarray, np.random.Generator], tuple[NetworkInputs, np.ndarray]]


class SampleSource(Protocol):
    """Whatever makes the inputs of a network from row numbers: image sets, triples."""

    def network_inputs(self, rows: np.ndarray) -> NetworkInputs: ...


@dataclass(eq=False)
class Batches:
    """Shuffled batches of the inputs of a network with their targets.

    Every epoch holds each of `rows` `copies` times, each time augmented anew, in a new order.
    """

    source: SampleSource
    targets: np.ndarray
    rows: np.ndarray
    _: KW_ONLY
    batch_size: int
    seed: int
    copies: int = 1
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        self.start_epoch(0)

    def __len__(self) -> int:
        return -(-len(self.rows) * self.copies // self.batch_size)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of `epoch`."""
        self.epoch = epoch
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.rows) * self.copies)

    def __getitem__(self, number: int) -> tuple[NetworkInputs, np.ndarray]:
        chosen = self._order[number * self.batch_size : (number + 1) * self.batch_size]
        rows = self.rows[chosen % len(self.rows)]
        inputs, targets = self.source.network_inputs(rows), self.targets[rows]
        if self.augmentation is not None:
            rng = np.random.default_rng([self.seed, self.epoch, number])
            inputs, targets = self.augmentation(inputs, targets, rng)
        return inputs, targets
