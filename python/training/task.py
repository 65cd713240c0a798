"""What a task declares to the training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import numpy as np

from python.config.schema import RunConfig
from python.config.task_schema import Architecture, TaskSchema
from python.data import neighbours
from python.data.data_origin import DataFolders, DataOrigin
from python.data.image_set import ImageSet
from python.data.point_clouds import POINT_COLUMNS, POINT_UNITS
from python.data.point_events import PointEvents
from python.data.sources import Source
from python.data.sparse_images import NetworkInputs
from python.runs.predictions import Predictions
from python.samples.batches import Augmentation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class SampleSet(Protocol):
    """N samples with their metadata, structured (N,), and an account of how they were chosen: all that a training needs of them.

    What a task asks of its samples beyond that it declares by a type of its own.
    """

    metadata: np.ndarray
    sources: list[Source]
    cuts: list[dict]
    files: list[dict]

    def __len__(self) -> int: ...

    def keep(self, step: str, rows: np.ndarray) -> Self: ...

    def network_inputs(self, rows: np.ndarray) -> NetworkInputs: ...

    def image_keys(self) -> np.ndarray: ...


class PicturedSamples(SampleSet, Protocol):
    """Samples of which each has a picture: clusters or volumes of one plane, or of three, as images or as points."""

    def of_plane(self) -> ImageSet | PointEvents:
        """What is drawn of the samples, on the one plane that is shown."""


S = TypeVar("S", bound=SampleSet)
C = TypeVar("C", bound=RunConfig)


@dataclass
class Samples(Generic[S]):
    """What a network trains on, and the class of each sample, int64 (N,): what the training part can be balanced by."""

    set: S
    labels: np.ndarray


@dataclass(frozen=True)
class View:
    """One way of showing samples to a network: how its inputs change, and how its outputs change back."""

    show: Callable[[NetworkInputs], NetworkInputs] = lambda inputs: inputs
    undo: Callable[[np.ndarray], np.ndarray] = lambda outputs: outputs


class LearningProblem(Protocol[S]):
    """What kind of question a network answers, for one configuration: classification, regression of directions."""

    def outputs(self) -> Any:
        """What the architecture's `build` is told of its outputs."""

    def check_training_labels(self, labels: np.ndarray) -> None:
        """Raise DataError when nothing can be learnt from the labels of the training part."""

    def undefined(self, labels: np.ndarray) -> dict[str, str]:
        """The metrics of `metrics` that are undefined on samples of these labels, each with what these lack, in words."""

    def targets(self, samples: Samples[S]) -> np.ndarray:
        """What the loss compares the output with, (N, C) float32."""

    def augmentation(self) -> Augmentation | None:
        """How training samples are varied."""

    def loss(self) -> Any:
        """The Keras loss that the configuration names."""

    def metrics(self) -> list:
        """Keras metrics to follow during the training."""

    def views(self) -> list[View]:
        """The ways in which samples are shown to the network for one prediction."""

    def predictions(self, outputs: np.ndarray, samples: Samples[S], rows: np.ndarray) -> Predictions:
        """What the network answers for each of `rows`, and the truth as far as it is known.

        The outputs (K, n, C) are those of all views and members of an ensemble, which are combined here.
        """

    def calibration(self, predictions: Any) -> dict[str, Any] | None:
        """What corrects answers, as plain JSON values, by those for a validation part whose truth is known.

        None where there is nothing to correct, or too few events to tell, which the log says.
        """

    def calibrated(self, predictions: Any, calibration: Mapping[str, Any]) -> Any:
        """The same predictions with the corrected answers beside. Raises ValueError where the calibration is none of theirs."""

    def figures_of_merit(self, predictions: Any) -> dict[str, Any]:
        """Flat metrics of answers whose truth is known, of the kind that `predictions` returns."""

    def evaluate(self, evaluation: Evaluation[S, Any]) -> tuple[dict[str, Any], list[list[str]], dict[str, Figure]]:
        """Flat metrics of the tested samples, the rows of the report's table, and the figures by name."""

    def sample_figures(self, samples: Samples[S], number: int) -> tuple[dict[str, Figure], Figure]:
        """Pictures of `number` samples by name, and one of several together."""

    def headlines(self) -> tuple[str, ...]:
        """The metrics that a finished run says."""


Answered = TypeVar("Answered", bound=Predictions)


@dataclass(frozen=True)
class Learnt:
    """What a training leaves beside its network: which rows of the samples it trained on, and how its epochs went."""

    rows: np.ndarray
    history: Mapping[str, Sequence[float | None]]


@dataclass
class Evaluation(Generic[S, Answered]):
    """All that plots and metrics are made from; nothing else is needed to make them again.

    `predictions` are those of the `test_rows` of the samples, calibrated where that could be done. `learnt` is None where the
    samples are none of those that the network was trained with: then nothing is said of the training, nor of plain methods that
    would have to learn from the same samples.
    """

    samples: Samples[S]
    test_rows: np.ndarray
    predictions: Answered
    seed: int
    learnt: Learnt | None = None


def interactions(samples: SampleSet, _architecture: Architecture) -> np.ndarray:
    """1 elastic scattering, 0 charged current, -1 where it is not known; int64 (N,)."""
    return samples.metadata["is_es_interaction"].astype(np.int64)


@dataclass(frozen=True)
class Task(Generic[C, S]):
    """A task: its configuration, how its samples are made, and what kind of problem it is.

    `read(config, architecture, data)` returns all samples that the network can take, as the configuration says, whether their
    truth is known or not. `data` are files (`configured_data`), or products of trigger primitives in memory
    (`python.ingest.products`), whose samples are those of the files that they would make. `labels(samples, architecture)` is the
    class of each, int64 (N,), -1 where it is not known: the interaction, unless the task says otherwise. `prepare`, called like
    `read` with files, chooses and labels what is trained on. `problem(config, architecture)` is what the network is to answer.
    `numbers`, of a network that takes these inputs, and `points` are the columns of the inputs of these names, with units; points
    have one more, which says that there is one.
    """

    schema: TaskSchema
    read: Callable[[C, Architecture, DataOrigin], S]
    prepare: Callable[[C, Architecture, DataFolders], Samples[S]]
    problem: Callable[[C, Architecture], LearningProblem[S]]
    labels: Callable[[S, Architecture], np.ndarray] = interactions
    numbers: Callable[[Sequence[str]], Mapping[str, str]] = lambda _inputs: neighbours.UNITS
    points: Mapping[str, str] = field(default_factory=lambda: {name: POINT_UNITS[name] for name in POINT_COLUMNS})

    def parts_of(self, config: RunConfig) -> tuple[str, ...]:
        """Folders between the output folder and the run's own; the plane where the network takes one plane's images."""
        inputs = self.architecture(config).inputs(config.model_parameters.build_parameters)
        plane = (f"plane_{config.plane}",) if "image" in inputs else ()
        return (self.schema.name, config.model_name, *plane)

    def problem_of(self, config: C) -> LearningProblem[S]:
        return self.problem(config, self.architecture(config))

    def architecture(self, config: RunConfig) -> Architecture:
        return self.schema.architectures[config.model_name]
