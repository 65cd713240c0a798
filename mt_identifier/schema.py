"""What a configuration of the main-track identifier may say."""

from __future__ import annotations

from mt_identifier import models
from mt_identifier.older import OLDER
from python.config.classification import ClassifierConfig
from python.config.task_schema import TaskSchema, architectures_in

SCHEMA = TaskSchema(
    name="mt_identifier",
    architectures=architectures_in(models),
    input_shape=(128, 32, 1),
    monitors=("val_loss", "val_accuracy", "val_auc"),
    config=ClassifierConfig,
    older=OLDER,
)
