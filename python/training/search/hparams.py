"""The trials of a search for TensorBoard's HParams page."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path

from python.training.search.trials import Trial, column_name, value_text


def save_hparams(folder: Path, trials: Sequence[Trial], objective: str) -> None:
    """Write a session for each trial, its searched values and objective by epoch, anew into `folder`.

    Nothing is written where this Python lacks TensorFlow or TensorBoard, as trials.csv says the same.
    """
    if any(importlib.util.find_spec(name) is None for name in ("tensorflow", "tensorboard")):
        return
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    shutil.rmtree(folder, ignore_errors=True)  # what a search that goes on has written before
    for trial in trials:
        values = {column_name(name): _shown(value) for name, value in trial.values.items()}
        name = f"trial_{trial.number:04d}"
        with tf.summary.create_file_writer(str(folder / name)).as_default():
            api.hparams({**values, "status": trial.status}, trial_id=name)
            for epoch, value in enumerate(trial.curve, start=1):
                tf.summary.scalar(objective, value, step=epoch)


def _shown(value: object) -> bool | int | float | str:
    """The value itself, or in words where HParams has no type for it."""
    return value if isinstance(value, bool | int | float | str) else value_text(value)
