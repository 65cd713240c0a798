"""Callbacks of the training loop. Those with a memory give it as `state` and take it back, so that a run can go on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import keras

from python.general_purpose_libs import TrainingError, log, writing_to
from python.networks.saved import save_network
from python.processes.stop_requests import raise_if_stop_requested, stop_requested
from python.runs.files import EPOCHS, epoch_file
from python.samples.batches import Batches


class EpochOrder(keras.callbacks.Callback):
    """Draws the order of the training images of each epoch from the seed and the epoch's number."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.batches.start_epoch(epoch)


class EveryEpoch(keras.callbacks.Callback):
    """Keeps the network after each epoch in `folder`. To come before the checkpoint, which then never knows of an epoch whose
    network is missing.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        super().__init__()
        self.folder, self.classes = folder, classes

    def on_train_begin(self, logs: dict | None = None) -> None:
        with writing_to(self.folder / EPOCHS):
            (self.folder / EPOCHS).mkdir(exist_ok=True)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        save_network(self.model, self.folder / epoch_file(epoch + 1), self.classes)


class Undefined(keras.callbacks.Callback):
    """Says NaN of the metrics `names`, for which Keras has a number though they are undefined. To come before who reads them."""

    def __init__(self, names: Set[str]) -> None:
        super().__init__()
        self.names = names

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs.update(dict.fromkeys(self.names & logs.keys(), math.nan))


class StopWhenAsked(keras.callbacks.Callback):
    """Ends the training when that is asked for: after a step, or once the epoch is evaluated. To be the last callback."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if batch + 1 < self.params["steps"]:
            raise_if_stop_requested()

    def on_test_begin(self, logs: dict | None = None) -> None:
        self.said = False

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if stop_requested() and not self.said:
            log.info("stopping when this epoch is evaluated; Ctrl-C again stops at once")
            self.said = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        raise_if_stop_requested()


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends the training with a TrainingError as soon as the loss is not finite."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._check("loss", logs, f"step {batch + 1} of epoch {self.epoch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._check("val_loss", logs, f"epoch {epoch + 1}")

    @staticmethod
    def _check(name: str, logs: dict | None, where: str) -> None:
        value = (logs or {}).get(name, 0.0)
        if not math.isfinite(value):
            raise TrainingError(
                f"{name} became {value} in {where}. "
                "Lower learning_rate, or limit the gradient with model_parameters.optimizer.clipnorm"
            )


class LearningRateDecay(keras.callbacks.Callback):
    """Multiplies the learning rate by `rate` after every epoch."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate)) * self.rate


class Remembered(keras.callbacks.Callback):
    """Adds `state` to a Keras callback whose memory is a few attributes, which Keras resets when a training starts."""

    remembered: tuple[str, ...]
    restored: dict[str, Any] | None = None

    @property
    def state(self) -> dict[str, Any]:
        return {name: _plain(getattr(self, name)) for name in self.remembered}

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        self.restored = value

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        for name, value in (self.restored or {}).items():
            setattr(self, name, value)


class EarlyStopping(Remembered, keras.callbacks.EarlyStopping):
    remembered = ("wait", "best", "best_epoch", "stopped_epoch")


class ReduceLROnPlateau(Remembered, keras.callbacks.ReduceLROnPlateau):
    remembered = ("wait", "best", "cooldown_counter")


class History(keras.callbacks.Callback):
    """Keeps every epoch's values with its learning rate, and the seconds it took; says one line an epoch when `lines`.

    A value that is undefined is kept as None, and not said.
    """

    def __init__(self, epochs: int, lines: bool) -> None:
        super().__init__()
        self.epochs = epochs
        self.lines = lines
        self.values: dict[str, list[float | None]] = {}
        self.seconds: list[float] = []
        self.seconds_before = 0.0  # of the epoch under way, until it was interrupted

    @property
    def state(self) -> dict[str, Any]:
        """All that is kept; `seconds_before` of the next epoch when one has just ended."""
        return {"values": self.values, "seconds": self.seconds, "seconds_before": self._seconds_of_epoch()}

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        self.values, self.seconds, self.seconds_before = value["values"], value["seconds"], value["seconds_before"]

    def _seconds_of_epoch(self) -> float:
        return round(self.seconds_before + time.monotonic() - self.started, 3)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.monotonic()
        self.rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        values = {name: _plain(value) for name, value in (logs or {}).items() if name != "learning_rate"}
        for name, value in {**values, "learning_rate": self.rate}.items():
            self.values.setdefault(name, []).append(value)
        self.seconds.append(self._seconds_of_epoch())
        self.seconds_before, self.started = 0.0, time.monotonic()
        text = "  ".join(f"{name} {value:.4g}" for name, value in values.items() if value is not None)
        (log.info if self.lines else log.debug)("epoch %d/%d  %s", epoch + 1, self.epochs, text)


def _plain(value: Any) -> Any:
    """A number that JSON can hold, None for one that is not finite, as the best value from which callbacks start."""
    if value is None or isinstance(value, int):
        return value
    value = float(value)
    return value if math.isfinite(value) else None
