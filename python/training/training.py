"""A training as one object: all that a network is trained from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from python.config.schema import RunConfig
from python.config.task_schema import Architecture
from python.data.data_origin import DataFolders
from python.samples.splits import Split
from python.training.task import LearningProblem, Samples, Task


@dataclass(frozen=True, eq=False)
class Training:
    """What a network is asked, and the samples that teach it, from `data`: `rows` are those to train on, `parts` how all are
    divided.

    Where it is trained is no part of it: the samples are known to be good before a folder is made, and a trial of a search keeps
    none. A member of an ensemble is the same training with other `config` and `rows` (`dataclasses.replace`).
    """

    task: Task
    config: RunConfig
    data: DataFolders
    samples: Samples
    parts: Split
    rows: np.ndarray

    @cached_property
    def architecture(self) -> Architecture:
        return self.task.architecture(self.config)

    @cached_property
    def problem(self) -> LearningProblem:
        return self.task.problem_of(self.config)
