"""Random flips of training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python.data.sparse_images import NetworkInputs
from python.samples.symmetries import random_elements, transform_inputs

_SYMMETRY = {"channel": "rotation", "time": "mirror_x"}


@dataclass(frozen=True)
class RandomFlips:
    """Flip each sample, of "clusters" or "volumes", along each of `axes` ("channel", "time") with `probability`, independently.

    Reversing the channels of all planes is exact in the drift frame (a rotation by 180 degrees about the drift). Reversing time
    is not: it turns pulse shapes round, and is offered because older trainings used it.
    """

    axes: Sequence[str]
    probability: float
    kind: str = "clusters"

    def __call__(
        self, inputs: NetworkInputs, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[NetworkInputs, np.ndarray]:
        """Return images (n, H, W, 1), or inputs by name, with the drawn flips applied, and the targets, which do not change."""
        signs = random_elements([_SYMMETRY[axis] for axis in self.axes], self.probability, len(targets), rng)
        if isinstance(inputs, dict):
            return transform_inputs(inputs, signs, self.kind), targets
        return transform_inputs({"image": inputs}, signs, self.kind)["image"], targets
