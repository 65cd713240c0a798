"""Training batches whose content follows from (seed, epoch, batch number) alone, so that a resumed run sees the same data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from python.data.sparse_images import SparseImages

Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Batches:
    """Shuffled batches of dense images (n, H, W, 1) with their targets, from sparse images.

    Every epoch holds each of `rows` `copies` times, each time augmented anew, in a new order.
    """

    def __init__(
        self,
        images: SparseImages,
        targets: np.ndarray,
        rows: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        copies: int = 1,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.images = images
        self.targets = targets
        self.rows = np.asarray(rows)
        self.batch_size = batch_size
        self.seed = seed
        self.copies = copies
        self.augmentation = augmentation
        self.start_epoch(0)

    def __len__(self) -> int:
        return -(-len(self.rows) * self.copies // self.batch_size)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of `epoch`."""
        self.epoch = epoch
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.rows) * self.copies)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order[number * self.batch_size : (number + 1) * self.batch_size]
        rows = self.rows[chosen % len(self.rows)]
        images = self.images.dense(rows)
        if self.augmentation is not None:
            rng = np.random.default_rng([self.seed, self.epoch, number])
            images = self.augmentation(images, rng)
        return images[..., None], self.targets[rows]
