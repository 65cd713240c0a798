"""Random flips of training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_AXIS = {"time": 1, "channel": 2}  # of images (n, ticks, channels)


@dataclass(frozen=True)
class RandomFlips:
    """Flip each image along each of `axes` ("channel", "time"), each with `probability`, independently.

    Reversing the channels is exact in the drift frame (a rotation by 180 degrees about the drift). Reversing time is not: it
    turns pulse shapes round, and is offered because older trainings used it.
    """

    axes: Sequence[str]
    probability: float

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return images (n, H, W) with the drawn flips applied."""
        images = images.copy()
        for name in self.axes:
            chosen = rng.random(len(images)) < self.probability
            images[chosen] = np.flip(images[chosen], _AXIS[name])
        return images
