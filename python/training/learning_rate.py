"""The learning rate as a function of how far the training is, so that a run goes on with it from any step."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras

from python.config.schema import CosineAnnealing, ModelParameters

Rate = Callable[[int, int], float]  # of an epoch and of a step since the start, both from 0


class ScheduledRate(keras.callbacks.Callback):
    """Sets the learning rate before each step of epochs of `steps` steps, the first of which begins with its step `first`."""

    def __init__(self, rate: Rate, steps: int, first: int) -> None:
        super().__init__()
        self.rate = rate
        self.steps = steps
        self.first = first

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch, self.step = epoch, epoch * self.steps
        self._set()  # which the history keeps of the epoch, also where it goes on in the middle
        self.step, self.first = self.step + self.first, 0

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._set()
        self.step += 1

    def _set(self) -> None:
        self.model.optimizer.learning_rate = self.rate(self.epoch, self.step)


def scheduled_rate(parameters: ModelParameters) -> Rate | None:
    """What the configuration says of each step, or None where the rate falls after epochs, by a factor or on a plateau."""
    optimizer, build = parameters.optimizer, parameters.build_parameters
    start, decay, steps, annealing = (
        build.learning_rate,
        build.decay_rate,
        optimizer.decay_steps,
        optimizer.cosine_annealing,
    )
    if annealing is not None:
        return lambda epoch, _step: annealed(start, annealing, epoch)
    if steps is not None:
        return lambda _epoch, step: start * decay ** (step / steps)
    return None


def annealed(start: float, annealing: CosineAnnealing, epoch: int) -> float:
    """The rate of an epoch: min_lr + (start - min_lr) (1 + cos(pi t / T)) / 2, t epochs into a fall of T epochs."""
    since, period = float(epoch), float(annealing.period)
    while since >= period:
        since, period = since - period, period * annealing.period_factor
    return annealing.min_lr + (start - annealing.min_lr) * (1 + math.cos(math.pi * since / period)) / 2
