"""What a task declares to the training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from python.config.schema import RunConfig
from python.config.task_schema import Architecture, TaskSchema
from python.data.image_set import ImageSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class Samples:
    """What a network trains on: images (N) with metadata, and the label of each, int64 (N,) class number."""

    set: ImageSet
    labels: np.ndarray


class LearningProblem(Protocol):
    """What kind of question the network answers; classification is one."""

    def n_outputs(self, architecture: Architecture) -> int: ...

    def check_training_labels(self, labels: np.ndarray, architecture: Architecture) -> None:
        """Raise DataError when nothing can be learnt from the labels of the training part."""

    def targets(self, samples: Samples, architecture: Architecture) -> np.ndarray:
        """What the loss compares the output with, (N, n_outputs) float32."""

    def loss(self, config: RunConfig) -> Any:
        """The Keras loss that the configuration names."""

    def metrics(self, architecture: Architecture) -> list:
        """Keras metrics to follow during the training."""

    def predictions(self, outputs: np.ndarray, samples: Samples, architecture: Architecture) -> dict[str, np.ndarray]:
        """What is saved for each sample: the network's answer and the truth."""

    def evaluate(self, evaluation: Evaluation) -> tuple[dict[str, Any], list[list[str]], dict[str, Figure]]:
        """Flat metrics of the test part, the rows of the report's table, and the figures by name."""


@dataclass
class Evaluation:
    """All that plots and metrics are made from; nothing else is needed to make them again."""

    samples: Samples
    architecture: Architecture
    train_rows: np.ndarray
    test_rows: np.ndarray
    predictions: dict[str, np.ndarray]
    history: dict[str, list[float]]
    seed: int


@dataclass(frozen=True)
class Task:
    """A task: its configuration, how its samples are made, and what kind of problem it is.

    `prepare(config, architecture, skip_bad_files)` reads the data that the configuration names.
    """

    schema: TaskSchema
    prepare: Callable[[RunConfig, Architecture, bool], Samples]
    problem: LearningProblem

    def parts_of(self, config: RunConfig) -> tuple[str, ...]:
        """Folders between the output folder and the run's own."""
        return (self.schema.name, config.model_name, f"plane_{config.plane}")

    def architecture(self, config: RunConfig) -> Architecture:
        return self.schema.architectures[config.model_name]
