"""What configurations of classifiers share beyond those of all tasks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from python.config.schema import DatasetParameters, RunConfig, Section


class Flips(Section):
    flips: Annotated[tuple[Literal["channel", "time"], ...], Strict(False)] = Field(
        ("channel",),
        description="Axes that may be reversed, each with probability prob_per_flip: channel is exact in the drift "
        "frame, time turns pulse shapes round.",
    )


class ClassifierDataset(DatasetParameters):
    augmentation: Flips = Field(Flips(), description="How training images are varied.")


class ClassifierConfig(RunConfig):
    dataset_parameters: ClassifierDataset = Field(ClassifierDataset(), description="The images and their split.")
