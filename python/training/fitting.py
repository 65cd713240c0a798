"""The one training loop. Keras is imported here, so import this module only once the configuration and data are known good."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from python.config.schema import RunConfig
from python.data.sparse_images import NetworkInputs
from python.general_purpose_libs import TrainingError, log
from python.metrics.merit import larger_is_better
from python.networks.saved import save_network
from python.plots.text_lines import table_lines
from python.processes.stop_requests import requests_held
from python.runs.files import CHECKPOINTS, TENSORBOARD, network_file
from python.runs.status import RunStatus
from python.samples.batches import Batches
from python.training.callbacks import (
    EarlyStopping,
    EpochOrder,
    EveryEpoch,
    History,
    LearningRateDecay,
    ReduceLROnPlateau,
    Remembered,
    StopOnNonFinite,
    StopWhenAsked,
    Undefined,
)
from python.training.checkpoint_files import BEGINNING, Moment
from python.training.checkpoints import Announcement, Checkpoints
from python.training.learning_rate import ScheduledRate, scheduled_rate
from python.training.preparation import PartBatches, batches
from python.training.starts import take_start
from python.training.task import Task
from python.training.training import Training


class Feed(keras.utils.PyDataset):
    """Hands batches from number `first` on to Keras in their own order; while the network works on one, the next is made.

    `broken` is why no batch could be made: a framework wraps what is raised here in an error of its own.
    """

    def __init__(self, batches: Batches, first: int = 0) -> None:
        super().__init__()
        self.batches = batches
        self.first = first
        self.background = ThreadPoolExecutor(1)
        self.broken: Exception | None = None
        self.ahead: tuple[tuple[int, int], Future] | None = None  # epoch and number of the batch that is being made

    def __len__(self) -> int:
        return len(self.batches) - self.first

    def __getitem__(self, index: int) -> tuple[NetworkInputs, np.ndarray]:
        number, epoch, ahead = self.first + index, self.batches.epoch, self.ahead
        try:
            batch = ahead[1].result() if ahead and ahead[0] == (epoch, number) else self.batches[number]
        except Exception as error:
            self.broken = error
            raise
        following = number + 1
        if following < len(self.batches):
            self.ahead = (epoch, following), self.background.submit(self.batches.__getitem__, following)
        return batch


@dataclass
class Fitted:
    """A trained network, its history, in words how many epochs it took, and their seconds, validation included."""

    model: keras.Model
    history: dict[str, list[float | None]]
    epochs: str
    seconds: float

    @property
    def n_parameters(self) -> int:
        return self.model.count_params()

    def summary(self) -> str:
        return summary(self.model)


def build_model(task: Task, config: RunConfig) -> keras.Model:
    """Build and compile the network of the configuration, its weights drawn from the configuration's seed."""
    keras.utils.set_random_seed(config.dataset_parameters.random_seed)
    parameters, problem = config.model_parameters, task.problem_of(config)
    model = task.architecture(config).build(parameters.input_shape, problem.outputs(), parameters.build_parameters)
    _penalise(model, parameters.build_parameters.l2_reg)
    optimizer = keras.optimizers.get(parameters.optimizer.name)
    optimizer.learning_rate = parameters.build_parameters.learning_rate
    optimizer.clipnorm = parameters.optimizer.clipnorm
    model.compile(optimizer=optimizer, loss=problem.loss(), metrics=problem.metrics())
    return model


def _penalise(model: keras.Model, l2_reg: float) -> None:
    """Add the squared weights of convolutions and dense layers to the loss, whichever the architecture."""
    if l2_reg > 0:
        for variable in model.trainable_variables:
            if variable.name == "kernel":
                variable.regularizer = keras.regularizers.L2(l2_reg)


def fit(training: Training, folder: Path, status: RunStatus) -> Fitted:
    """Train as the configuration says, from the last checkpoint in `folder` if there is one.

    Saves in `folder`, and returns, the model of the best epoch (of the last, where restore_best_weights is off). Raises
    TrainingError when the loss stops being finite; the saved model is then the best one before that.
    """
    config, feeds = training.config, batches(training)
    model_file, classes = model_file_of(config, folder), training.architecture.classes
    parameters = config.model_parameters
    history = History(parameters.epochs, lines=not sys.stdout.isatty())
    early = _early_stopping(config)
    remembered = [callback for callback in (early, _plateau(config)) if callback is not None]
    checkpoints = Checkpoints(folder / CHECKPOINTS, training, history, remembered)
    model = build_model(training.task, config)
    done = checkpoints.restore(model)
    if done > BEGINNING:
        log.info("going on after %s", done)
    elif config.continue_from is not None:
        take_start(model, folder)
    stopped = early is not None and bool((early.restored or {}).get("stopped_epoch"))
    if done.epoch < parameters.epochs and not stopped:
        try:
            kept = [EveryEpoch(folder, classes)] if config.save_outputs.every_epoch else []
            others = [*remembered, *kept, checkpoints, Announcement(status, checkpoints), *_tensorboard(config, folder)]
            _run_epochs(model, config, feeds, [_undefined(training), history], others, done)
        except TrainingError:
            if checkpoints.best is not None:
                checkpoints.load(checkpoints.best, model)
                save_network(model, model_file, classes)
                log.info("the best model before that is kept: %s", model_file)
            raise
        log.debug("waited %.2f s for checkpoints, written in %.2f s", checkpoints.seconds, checkpoints.files.seconds)
    if checkpoints.best is None:
        raise TrainingError("no epoch has come to its end, so there is no network to keep")
    if parameters.early_stopping is None or parameters.early_stopping.restore_best_weights:
        checkpoints.load(checkpoints.best, model)
    save_network(model, model_file, classes)
    epochs = f"{len(history.values['loss'])}, best {checkpoints.best.epoch}"
    return Fitted(model, history.values, epochs, sum(history.seconds))


def fit_trial(training: Training, watch: keras.callbacks.Callback) -> None:
    """Train exactly as `fit` does while `watch` looks on; nothing is saved, as nobody asks a trial's network anything."""
    config = training.config
    first = [_undefined(training), History(config.model_parameters.epochs, lines=True)]
    stopping = [callback for callback in (_early_stopping(config), _plateau(config)) if callback is not None]
    _run_epochs(build_model(training.task, config), config, batches(training), first, [*stopping, watch])


def _run_epochs(
    model: keras.Model,
    config: RunConfig,
    feeds: PartBatches,
    first: list[keras.callbacks.Callback],
    others: list[keras.callbacks.Callback],
    done: Moment = BEGINNING,
) -> None:
    """Train from `done` to the last epoch, or until one of the callbacks ends it. Raises what broke the feed, if anything.

    The callbacks `first` see what an epoch has brought before the learning rate falls, and before the `others`.
    """
    training, validation = feeds
    rate = scheduled_rate(config.model_parameters)
    callbacks = [
        EpochOrder(training),
        StopOnNonFinite(),
        *([ScheduledRate(rate, len(training), done.step)] if rate else []),
        *first,
        *([] if rate else [LearningRateDecay(config.model_parameters.build_parameters.decay_rate)]),
        *others,
        StopWhenAsked(),
    ]
    epochs = config.model_parameters.epochs
    model.optimizer.build(model.trainable_variables)  # variables made in the first step would have it traced twice
    if done.step:
        model.test_on_batch(*training[0])  # makes the metrics, which the checkpoint fills
        _run_feed(model, Feed(training, done.step), validation, callbacks, done.epoch, done.epoch + 1)
        done = Moment(done.epoch + 1)
        for callback in others:
            if isinstance(callback, Remembered):
                callback.state = callback.state  # to be taken back when the training starts again
        if model.stop_training:
            return
    if done.epoch < epochs:
        _run_feed(model, Feed(training), validation, callbacks, done.epoch, epochs)


def _run_feed(
    model: keras.Model,
    training: Feed,
    validation: Batches,
    callbacks: list[keras.callbacks.Callback],
    begin: int,
    end: int,
) -> None:
    feeds = training, Feed(validation)
    try:
        with requests_held():
            model.fit(
                training,
                validation_data=feeds[1],
                epochs=end,
                initial_epoch=begin,
                shuffle=False,  # the batches have an order of their own
                verbose=1 if sys.stdout.isatty() else 0,
                callbacks=callbacks,
            )
    except Exception as error:
        broken = next((feed.broken for feed in feeds if feed.broken is not None), None)
        if broken is None:
            raise
        raise broken from error


def model_file_of(config: RunConfig, folder: Path) -> Path:
    """Where the trained network of a run, or of a member of an ensemble, is kept."""
    return folder / network_file(config.model_name)


def summary(model: keras.Model) -> str:
    """The layers of the network with their shapes and numbers of parameters, as a table."""
    rows = [["layer", "kind", "output", "parameters"]]
    for layer in model.layers:
        shape = " x ".join(str(size) for size in layer.output.shape[1:])
        rows.append([layer.name, type(layer).__name__, shape, f"{layer.count_params():,}"])
    rows.append(["total", "", "", f"{model.count_params():,}"])
    return "\n".join(table_lines(rows))


def _undefined(training: Training) -> Undefined:
    """What says so of metrics that are undefined on the samples that are trained or validated on."""
    problem, labels = training.problem, training.samples.labels
    in_training, in_validation = (problem.undefined(labels[rows]) for rows in (training.rows, training.parts.val))
    return Undefined({*in_training, *(f"val_{name}" for name in in_validation)})


def _early_stopping(config: RunConfig) -> EarlyStopping | None:
    section = config.model_parameters.early_stopping
    if section is None:
        return None
    return EarlyStopping(
        monitor=section.monitor,
        mode=_mode(section.monitor),
        patience=section.patience,
        min_delta=section.min_delta,
    )


def _plateau(config: RunConfig) -> ReduceLROnPlateau | None:
    section = config.model_parameters.reduce_lr
    if section is None:
        return None
    return ReduceLROnPlateau(
        monitor=section.monitor,
        mode=_mode(section.monitor),
        patience=section.patience,
        factor=section.factor,
        min_lr=section.min_lr,
    )


def _mode(monitor: str) -> str:
    return "max" if larger_is_better(monitor) else "min"


def _tensorboard(config: RunConfig, folder: Path) -> list[keras.callbacks.Callback]:
    if not config.save_outputs.tensorboard:
        return []
    missing = [name for name in ("tensorflow", "tensorboard") if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"TensorBoard files need {' and '.join(missing)}, which this Python lacks; "
            "install it or set save_outputs.tensorboard to false"
        )
    return [keras.callbacks.TensorBoard(folder / TENSORBOARD)]
