"""What a configuration of the channel tagger may say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field

from channel_tagging import models
from channel_tagging.older import OLDER
from python.config.classification import ClassifierConfig, ClassifierDataset
from python.config.problems import Problem
from python.config.schema import PLACE, Section, Texts
from python.config.task_schema import Architecture, ImageKind, Input, TaskSchema, architectures_in


class TaggingDataset(ClassifierDataset):
    max_samples_per_class: int | None = Field(
        None, ge=1, description="Use at most so many samples of each channel, drawn at random; null: all."
    )
    loading: Literal["memory", "streaming"] = Field(
        "memory",
        description="Keep all volumes in memory, stored sparse (some kB each), or read each batch from disk in the background.",
    )


class Selection(Section):
    main_track: bool = Field(
        True,
        description="Learn from the main track of each event alone; false: from every cluster, or from every matched one where "
        "these are known by their points.",
    )


class TaggingConfig(ClassifierConfig):
    es_directories: Texts | None = Field(
        None,
        description="Folders with elastic scattering, instead of data_directories.",
        json_schema_extra=PLACE,
    )
    cc_directories: Texts | None = Field(
        None,
        description="Folders with charged-current interactions, instead of data_directories.",
        json_schema_extra=PLACE,
    )
    dataset_parameters: TaggingDataset = Field(TaggingDataset(), description="The samples and their split.")
    selection: Selection = Field(Selection(), description="Which clusters to learn from.")

    def of_folders(self, folders: Sequence[str]) -> Self:
        return super().of_folders(folders).model_copy(update={"es_directories": None, "cc_directories": None})

    @property
    def streamed(self) -> bool:
        return self.dataset_parameters.loading == "streaming"

    @property
    def named_folders(self) -> tuple[str, ...]:
        return super().named_folders or (*(self.es_directories or ()), *(self.cc_directories or ()))


def rules(config: TaggingConfig, architecture: Architecture) -> Iterator[Problem]:
    """What must hold between keys of this task."""
    inputs = architecture.inputs(config.model_parameters.build_parameters)
    if Input.IMAGE not in inputs and config.plane != "X":
        text = f"is {config.plane}, but this network takes all three planes; leave plane out"
        yield Problem(("plane",), text, (("plane",),))
    volumes = architecture.images == ImageKind.VOLUMES and Input.POINTS not in inputs
    if config.dataset_parameters.loading == "streaming" and not (volumes and Input.IMAGE in inputs):
        path = ("dataset_parameters", "loading")
        yield Problem(path, "is streaming, which only networks on the volumes of one plane allow", (path,))
    if volumes and not config.selection.main_track:
        path = ("selection", "main_track")
        text = "is false, but there is one volume an event, around its most energetic cluster; leave it out"
        yield Problem(path, text, (path,))
    es, cc, both = ("es_directories",), ("cc_directories",), ("data_directories",)
    if (config.es_directories is None) != (config.cc_directories is None):
        alone, missing = (es, cc) if config.es_directories else (cc, es)
        yield Problem(alone, f"needs {missing[0]} beside it: a tagger learns both channels", (alone, missing))
    elif config.es_directories and config.data_directories:
        text = "names folders beside es_directories and cc_directories; set it, or those two, to null"
        yield Problem(both, text, (both, es, cc))
    if architecture.images == ImageKind.VOLUMES and config.dataset_parameters.old_flips is not None:
        path = ("dataset_parameters", "old_flips")
        yield Problem(path, "is of images of clusters, not of volumes; leave it out", (path,))


SCHEMA = TaskSchema(
    name="channel_tagging",
    architectures=architectures_in(models),
    monitors=("val_loss", "val_accuracy", "val_auc"),
    config=TaggingConfig,
    rules=rules,
    older=OLDER,
)
