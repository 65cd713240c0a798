"""What a configuration of the main-track identifier may say."""

from __future__ import annotations

from collections.abc import Iterator

from mt_identifier import models
from mt_identifier.older import OLDER
from python.config.classification import ClassifierConfig
from python.config.problems import Problem
from python.config.task_schema import Architecture, TaskSchema, architectures_in


def rules(config: ClassifierConfig, architecture: Architecture) -> Iterator[Problem]:
    """What must hold between keys of this task."""
    inputs = architecture.inputs(config.model_parameters.build_parameters)
    if "image" not in inputs and config.plane != "X":
        text = f"is {config.plane}, but this network takes the points around clusters of X; leave plane out"
        yield Problem(("plane",), text, (("plane",),))


SCHEMA = TaskSchema(
    name="mt_identifier",
    architectures=architectures_in(models),
    monitors=("val_loss", "val_accuracy", "val_auc"),
    config=ClassifierConfig,
    rules=rules,
    older=OLDER,
)
