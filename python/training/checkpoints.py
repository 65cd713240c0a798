"""What a training must take up again to go on as if it had never been interrupted."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from python.batch import progress
from python.config.differences import differences, no_settings
from python.config.load import dump_config, parse_config
from python.general_purpose_libs import ConfigError, log
from python.metrics.merit import larger_is_better
from python.processes.stop_requests import stop_requested
from python.runs.status import RunStatus
from python.training.callbacks import History, Remembered
from python.training.checkpoint_files import BEGINNING, CheckpointFiles, Moment
from python.training.provenance import other_surroundings, surroundings
from python.training.training import Training

METRICS = "metrics"


class Checkpoints(keras.callbacks.Callback):
    """Keeps the whole state of a training: after every epoch, every `checkpoint_steps` steps, and when it is asked to stop.

    The state is that of the network, of its random layers, the optimizer and the metrics of an epoch under way, the history, and
    what the callbacks `remembered` know. The order of the samples and their augmentation need none: they follow from the seed,
    the epoch and the step. `seconds` is how long the training waited for all this.
    """

    def __init__(self, folder: Path, training: Training, history: History, remembered: Sequence[Remembered]) -> None:
        super().__init__()
        config = training.config
        stopping = config.model_parameters.early_stopping
        self.files = CheckpointFiles(folder)
        self.task = training.task.schema
        self.configuration, self.no_settings = dump_config(config), no_settings(config)
        self.every = config.model_parameters.checkpoint_steps
        self.history = history
        self.callbacks = {type(callback).__name__: callback for callback in remembered}
        self.monitor = stopping.monitor if stopping else "val_loss"
        self.best: Moment | None = None
        self.best_value: float | None = None
        self.begin = BEGINNING  # of what is trained now
        self.seconds = 0.0
        self._metrics: list[np.ndarray] = []  # of the epoch under way, until it goes on
        self._copies: dict[str, np.ndarray] = {}  # of what is being written

    def restore(self, model: keras.Model) -> Moment:
        """Bring `model` and what is remembered to the newest checkpoint; return its moment, BEGINNING where there is none.

        Raises ConfigError when the checkpoint is of another configuration.
        """
        found = self.files.newest()
        if found is None:
            return self.begin
        moment, manifest = found
        # keys that came after the checkpoint have their defaults, with which a training is what it was without them
        own = dump_config(parse_config(manifest["configuration"], self.task, str(self.files.folder)))
        changed = differences(own, self.configuration, ignored=self.no_settings)
        if changed:
            raise ConfigError(
                f"{self.files.folder}: the checkpoints are of another configuration and can only go on with their own:\n  "
                + "\n  ".join(changed)
            )
        for difference in other_surroundings(manifest["surroundings"]):
            log.warning(
                "the checkpoint was made elsewhere, and the result may differ in the last digits: %s", difference
            )
        self._metrics = load_state(self.files, moment, model)
        self.best, self.best_value = manifest["best"] and Moment.of(manifest["best"]), manifest["best_value"]
        self.history.state = manifest["history"]
        for name, state in manifest["callbacks"].items():
            self.callbacks[name].state = state
        self.begin = moment
        return moment

    def load(self, moment: Moment, model: keras.Model) -> None:
        """Give `model` the state that it had at `moment`."""
        self.files.wait()
        self._metrics = load_state(self.files, moment, model)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Let the metrics go on where they were, after Keras has reset them."""
        for variable, value in zip(self.model.metrics_variables, self._metrics, strict=bool(self._metrics)):
            variable.assign(value)
        self._metrics = []
        self.moment = Moment(epoch, self.begin.step if epoch == self.begin.epoch else 0)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.moment = Moment(self.moment.epoch, self.moment.step + 1)
        due = self.every is not None and self.moment.step % self.every == 0
        if (due or stop_requested()) and batch + 1 < self.params["steps"]:
            self._save(self.moment, self.model.metrics_variables)

    def on_train_end(self, logs: dict | None = None) -> None:
        self.files.wait()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        done, value = Moment(epoch + 1), float((logs or {})[self.monitor])
        sign = -1 if larger_is_better(self.monitor) else 1
        if self.best_value is None or sign * value < sign * self.best_value:
            self.best, self.best_value = done, value
        self._save(done, [])

    def _save(self, moment: Moment, metrics: list[keras.Variable]) -> None:
        started = time.monotonic()
        self.files.wait()
        self._copy({**_variables(self.model), METRICS: metrics})
        memory: dict[str, Any] = {
            "epoch": moment.epoch,
            "step": moment.step,
            "monitor": self.monitor,
            "best_value": self.best_value,
            "history": copy.deepcopy(self.history.state),  # the lists grow while they are written
            "callbacks": {name: callback.state for name, callback in self.callbacks.items()},
            "configuration": self.configuration,
            "surroundings": surroundings(),
        }
        self.files.save(moment, self._copies, memory, self.best)
        if stop_requested():
            self.files.wait()
        self.seconds += time.monotonic() - started

    def _copy(self, parts: Mapping[str, Sequence[keras.Variable]]) -> None:
        """Copy the variables, into the arrays of the last time where they fit: new memory is slow to come by."""
        before, self._copies = self._copies, {}
        for name, variables in parts.items():
            for number, variable in enumerate(variables):
                key, value = f"{name}_{number}", np.asarray(variable)
                array = before.get(key)
                self._copies[key] = np.empty_like(value) if array is None or array.shape != value.shape else array
                np.copyto(self._copies[key], value)


class Announcement(keras.callbacks.Callback):
    """Tells the status of a run, and the queue where it is a batch job, how far the training is, and which epoch was the best."""

    def __init__(self, status: RunStatus, checkpoints: Checkpoints) -> None:
        super().__init__()
        self.status = status
        self.checkpoints = checkpoints

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._tell(self.checkpoints.begin.epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._tell(epoch + 1)

    def _tell(self, epoch: int) -> None:
        name, best = self.checkpoints.monitor, self.checkpoints.best_value
        epochs = self.checkpoints.configuration["model_parameters"]["epochs"]
        self.status.update(epoch=epoch, epochs=epochs, best={"name": name, "value": best})
        progress.tell(epoch, epochs, name, best)


def load_state(files: CheckpointFiles, moment: Moment, model: keras.Model) -> list[np.ndarray]:
    """Bring network and optimizer of `model` to the checkpoint of `moment`; return the metrics of an epoch under way, if any.

    Raises ConfigError when the checkpoint is of another network.
    """
    arrays = files.load(moment)
    model.optimizer.build(model.trainable_variables)
    for name, variables in _variables(model).items():
        values = _part(arrays, name)
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            raise ConfigError(
                f"{files.arrays_of(moment)}: is of another network than this release makes of the configuration; "
                "go on with the release that the run was started with (environment.json)"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return _part(arrays, METRICS)


def _variables(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """Weights and states of random layers, and what the optimizer has."""
    return {"network": model.variables, "optimizer": model.optimizer.variables}


def _part(arrays: Mapping[str, np.ndarray], part: str) -> list[np.ndarray]:
    return [arrays[f"{part}_{number}"] for number in range(sum(name.startswith(f"{part}_") for name in arrays))]
