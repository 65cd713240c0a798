"""What a configuration of the electron-direction regressor may say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, Strict

from electron_direction import models
from electron_direction.older import OLDER
from python.config.problems import Path, Problem
from python.config.schema import DatasetParameters, RunConfig, Section
from python.config.task_schema import Architecture, ImageKind, TaskSchema, architectures_in

Symmetries = Annotated[tuple[Literal["rotation", "mirror_x", "mirror_y", "mirror_z"], ...], Strict(False)]
SYMMETRIES: Path = ("dataset_parameters", "augmentation", "symmetries")
AVERAGE_OVER: Path = ("prediction", "average_over")


class DirectionAugmentation(Section):
    symmetries: Symmetries = Field(
        ("rotation",),
        description="Symmetries of the drift frame, each applied with probability prob_per_flip: rotation (half a turn about "
        "the drift) is exact, the mirrors are exact for labels but not for pulses and gains.",
    )
    noise_adc: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="RMS of Gaussian noise on pixels with charge (electronics: 15 to 17 ADC); null: none.",
    )
    energy_scale: float | None = Field(
        None, gt=0, lt=1, description="Charge and energies vary by up to this share either way; null: not."
    )
    mix_up: float | None = Field(
        None,
        gt=0,
        le=10,
        description="Blend pairs of images, shares by Beta(mix_up, mix_up), directions spherically; null: not.",
    )


class DirectionDataset(DatasetParameters):
    augmentation: DirectionAugmentation = Field(
        DirectionAugmentation(), description="How training samples are varied, with their labels."
    )
    frame: Literal["drift", "old", "raw"] = Field(
        "drift",
        description="Orientation of images and labels: the drift frame, or, for comparison only, those that older code "
        "stored, with labels in detector axes: old with its flips, in which y and -y look alike, raw without.",
    )


class Selection(Section):
    channel: Literal["es", "cc", "mixed"] = Field("es", description="Interactions to take.")
    main_track: bool = Field(True, description="Take only the main track of each event.")
    complete_match: bool = Field(True, description="Take only clusters that are matched on all three planes.")
    min_energy: float | None = Field(
        None, ge=0, description="Least reconstructed energy of the X cluster, MeV; null: any."
    )
    max_energy: float | None = Field(None, gt=0, description="Largest reconstructed energy, MeV; null: any.")


class Prediction(Section):
    average_over: Symmetries = Field(
        ("rotation",), description="Symmetries over whose images a prediction is averaged; [] for none."
    )


class DirectionConfig(RunConfig):
    dataset_parameters: DirectionDataset = Field(DirectionDataset(), description="The samples and their split.")
    selection: Selection = Field(Selection(), description="Which clusters to take.")
    prediction: Prediction = Field(Prediction(), description="How the trained network is asked.")


def rules(config: DirectionConfig, architecture: Architecture) -> Iterator[Problem]:
    """What must hold between keys of this task."""
    inputs = architecture.inputs(config.model_parameters.build_parameters)
    augmentation, selection = config.dataset_parameters.augmentation, config.selection
    names = {SYMMETRIES: augmentation.symmetries, AVERAGE_OVER: config.prediction.average_over}
    if config.dataset_parameters.frame != "drift":
        said, frame = config.dataset_parameters.frame, ("dataset_parameters", "frame")
        for path, symmetries in names.items():
            if symmetries:
                yield Problem(
                    path, f"must be [] where frame is {said}: that orientation has no symmetry", (path, frame)
                )
        if architecture.images == ImageKind.VOLUMES:
            yield Problem(frame, f"is {said}, but volumes are there in the drift frame only", (frame,))
        beyond = [name for name in ("points", "offsets") if name in inputs]
        if beyond:
            yield Problem(frame, f"is {said}, but {' and '.join(beyond)} are there in the drift frame only", (frame,))
    if "image" not in inputs and config.plane != "X":
        text = f"is {config.plane}, but this network takes all three planes; leave plane out"
        yield Problem(("plane",), text, (("plane",),))
    if "image" in inputs and config.plane != "X":
        for path, symmetries in names.items():
            swapping = [name for name in symmetries if name in ("mirror_y", "mirror_z")]
            if swapping:
                text = f"{' and '.join(swapping)} exchange U and V, and the network takes plane {config.plane} alone"
                yield Problem(path, text, (path, ("plane",)))
    if augmentation.mix_up and "points" in inputs:
        path = ("dataset_parameters", "augmentation", "mix_up")
        yield Problem(path, "blends images; points cannot be blended, set it to null", (path,))
    if architecture.images == ImageKind.VOLUMES and config.dataset_parameters.old_flips is not None:
        path = ("dataset_parameters", "old_flips")
        yield Problem(path, "is of images of clusters, not of volumes; leave it out", (path,))
    low, high = selection.min_energy, selection.max_energy
    if low is not None and high is not None and low >= high:
        path = ("selection", "min_energy")
        yield Problem(path, f"{low:g} is not below max_energy, {high:g}", (path, ("selection", "max_energy")))


SCHEMA = TaskSchema(
    name="electron_direction",
    architectures=architectures_in(models),
    monitors=("val_loss", "val_angle"),
    config=DirectionConfig,
    rules=rules,
    older=OLDER,
)
