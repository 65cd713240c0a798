"""What watches over the training of a trial."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from python.general_purpose_libs import TrainingError
from python.metrics.merit import loss_of


class TrialWatch(keras.callbacks.Callback):
    """Keeps the objective of every epoch of a trial in `curve`, and ends the trial when it is hopeless.

    It is hopeless when after some epoch its best loss so far (the objective; its negative where larger is better) is above
    `hopeless` at that epoch; `pruned` then says so in words. Raises TrainingError when the objective is not finite.
    """

    def __init__(self, objective: str, hopeless: Sequence[float | None], curve: list[float]) -> None:
        super().__init__()
        self.objective = objective
        self.hopeless = hopeless
        self.curve = curve
        self.pruned = ""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = float((logs or {})[self.objective])
        if not math.isfinite(value):
            raise TrainingError(f"{self.objective} became {value} in epoch {epoch + 1}")
        self.curve.append(value)
        best = min(self.curve, key=lambda each: loss_of(self.objective, each))
        bound = self.hopeless[epoch] if epoch < len(self.hopeless) else None
        ends_anyway = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if bound is not None and loss_of(self.objective, best) > bound and not ends_anyway:
            self.pruned = f"best {self.objective} {best:.4g} after epoch {epoch + 1} is hopeless"
            self.model.stop_training = True
