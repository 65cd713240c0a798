"""Callbacks of the training loop. Those with a memory give it as `state` and take it back, so that a run can go on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from python.config.task_schema import larger_is_better
from python.data.batches import Batches
from python.general_purpose_libs import TrainingError, atomic_path, log, raise_if_stop_requested, read_json, write_json
from python.training.search.trials import loss_of


class EpochOrder(keras.callbacks.Callback):
    """Draws the order of the training images of each epoch from the seed and the epoch's number."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.batches.start_epoch(epoch)


class StopWhenAsked(keras.callbacks.Callback):
    """Ends the training after the step in which Ctrl-C or the batch system asked for it."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
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


class LearningRateDecay(keras.callbacks.Callback):
    """Multiplies the learning rate by `rate` after every epoch."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate)) * self.rate


class _Remembered:
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


class EarlyStopping(_Remembered, keras.callbacks.EarlyStopping):
    remembered = ("wait", "best", "best_epoch", "stopped_epoch")


class ReduceLROnPlateau(_Remembered, keras.callbacks.ReduceLROnPlateau):
    remembered = ("wait", "best", "cooldown_counter")


class History(keras.callbacks.Callback):
    """Keeps every epoch's values with its learning rate, and the seconds it took; says one line an epoch when `lines`."""

    def __init__(self, epochs: int, lines: bool) -> None:
        super().__init__()
        self.epochs = epochs
        self.lines = lines
        self.values: dict[str, list[float]] = {}
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.monotonic()
        self.rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        values = {name: float(value) for name, value in (logs or {}).items() if name != "learning_rate"}
        for name, value in {**values, "learning_rate": self.rate}.items():
            self.values.setdefault(name, []).append(value)
        self.seconds.append(round(time.monotonic() - self.started, 3))
        text = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        (log.info if self.lines else log.debug)("epoch %d/%d  %s", epoch + 1, self.epochs, text)


class Checkpoints(keras.callbacks.Callback):
    """Saves the model and the memory of the run after every epoch, and the model of the best epoch.

    `NNNN.keras` is written before `NNNN.json`, so an epoch that has its JSON file is complete. Two epochs are kept.
    """

    def __init__(self, folder: Path, history: History, remembered: list[_Remembered], monitor: str) -> None:
        super().__init__()
        self.folder = folder
        self.history = history
        self.callbacks = {type(callback).__name__: callback for callback in remembered}
        self.monitor = monitor
        self.sign = -1 if larger_is_better(monitor) else 1
        self.best: float | None = None
        self.best_epoch: int | None = None

    @property
    def best_model(self) -> Path:
        return self.folder / "best.keras"

    def last_epoch(self) -> int:
        """Number of complete epochs, 0 when there is no checkpoint."""
        return max((int(path.stem) for path in self.folder.glob("[0-9]*.json")), default=0)

    def _model_after(self, epoch: int) -> Path:
        return self.folder / f"{epoch:04d}.keras"

    def restore(self, epoch: int) -> keras.Model:
        """Return the model as it was after `epoch` epochs, and take back what was remembered then."""
        saved = read_json(self.folder / f"{epoch:04d}.json")
        model = keras.models.load_model(self._model_after(epoch))
        for variable, value in zip(_random_states(model), saved["random_states"], strict=True):
            variable.assign(value)
        self.best, self.best_epoch = saved["best"], saved["best_epoch"]
        self.history.values, self.history.seconds = saved["history"], saved["seconds"]
        for name, state in saved["callbacks"].items():
            self.callbacks[name].state = state
        return model

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        done = epoch + 1
        value = float((logs or {})[self.monitor])
        if self.best is None or self.sign * value < self.sign * self.best:
            self.best, self.best_epoch = value, done
            self._save(self.best_model)
        self._save(self._model_after(done))
        write_json(
            self.folder / f"{done:04d}.json",
            {
                "epoch": done,
                "best": self.best,
                "best_epoch": self.best_epoch,
                "history": self.history.values,
                "seconds": self.history.seconds,
                "random_states": [keras.ops.convert_to_numpy(v).tolist() for v in _random_states(self.model)],
                "callbacks": {name: callback.state for name, callback in self.callbacks.items()},
            },
        )
        for old in self.folder.glob("[0-9]*.*"):
            if int(old.stem) < done - 1:
                old.unlink()

    def _save(self, path: Path) -> None:
        with atomic_path(path) as temporary:
            self.model.save(temporary)


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """The states of the model's random layers, such as dropout, which a saved model does not keep."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


def _plain(value: Any) -> Any:
    """A number that JSON can hold; the callbacks start from an infinite or missing best value."""
    if value is None or isinstance(value, int):
        return value
    value = float(value)
    return value if math.isfinite(value) else None
