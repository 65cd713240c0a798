"""Random flips of training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# of images (n, H, W, 1): clusters have ticks in rows, volumes channels
_AXIS = {"clusters": {"time": 1, "channel": 2}, "volumes": {"channel": 1, "time": 2}}


@dataclass(frozen=True)
class RandomFlips:
    """Flip each image, of "clusters" or "volumes", along each of `axes` ("channel", "time") with `probability`, independently.

    Reversing the channels is exact in the drift frame (a rotation by 180 degrees about the drift). Reversing time is not: it
    turns pulse shapes round, and is offered because older trainings used it.
    """

    axes: Sequence[str]
    probability: float
    kind: str = "clusters"

    def __call__(
        self, images: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return images (n, H, W, 1) with the drawn flips applied, and the targets, which do not change."""
        images = images.copy()
        for name in self.axes:
            chosen = rng.random(len(images)) < self.probability
            images[chosen] = np.flip(images[chosen], _AXIS[self.kind][name])
        return images, targets
