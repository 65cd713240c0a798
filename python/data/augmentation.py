"""Random flips of training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_AXIS = {"time": 1, "channel": 2}  # of images (n, ticks, channels, 1)


@dataclass(frozen=True)
class RandomFlips:
    """Flip each image along each of `axes` ("channel", "time"), each with `probability`, independently.

    Reversing the channels is exact in the drift frame (a rotation by 180 degrees about the drift). Reversing time is not: it
    turns pulse shapes round, and is offered because older trainings used it.
    """

    axes: Sequence[str]
    probability: float

    def __call__(
        self, images: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return images (n, H, W, 1) with the drawn flips applied, and the targets, which do not change."""
        images = images.copy()
        for name in self.axes:
            chosen = rng.random(len(images)) < self.probability
            images[chosen] = np.flip(images[chosen], _AXIS[name])
        return images, targets
