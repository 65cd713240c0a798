"""Parameters that networks on images share, whatever the task: sizes, and how much is seen of a volume."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from python.config.schema import BuildParameters
from python.config.task_schema import InputShape

KERNEL_SIZE = Field(3, ge=1, le=15, description="Side of the convolution kernels in pixels.")
SPATIAL_DROPOUT = Field(
    0.0, ge=0, lt=1, description="Share of the maps that are dropped as a whole after each pooling."
)
Side = Annotated[int, Field(ge=1, le=8192)]
Sides = Annotated[tuple[Side, Side], Strict(False)]


def global_pooling(default: bool) -> Any:
    """Declares whether a network takes averages over the image by default."""
    return Field(
        default,
        description="Take the average of each of the last maps over the whole image, so that the network knows what is there "
        "and not where; false: every place is a feature of its own.",
    )


class SightParameters(BuildParameters):
    """How much is seen of a volume, and how finely."""

    input_mode: Literal["full", "cropped", "resized"] = Field(
        "full",
        description="What is seen of a volume. full: every pixel. cropped: the window crop_shape about its middle, where the "
        "main cluster is; photons that interact further out are lost. resized: all of it in coarser pixels of resize_factor; "
        "the shapes of pulses and tracks within such a pixel are lost.",
    )
    crop_shape: Sides = Field(
        (104, 622), description="Channels and ticks that cropped keeps; the default is half a metre each way."
    )
    resize_factor: Sides = Field(
        (1, 6), description="Channels and ticks that resized joins; the default makes square pixels, 0.48 cm each way."
    )
    resize_by: Literal["average", "max"] = Field(
        "average", description="How resized joins: average keeps the charge, max the height of small, isolated pulses."
    )


def seen_shape(input_shape: InputShape, parameters: SightParameters) -> InputShape:
    """The shape of what the network sees of images of `input_shape`."""
    rows, columns, depth = input_shape
    if parameters.input_mode == "cropped":
        rows, columns = parameters.crop_shape
    elif parameters.input_mode == "resized":
        rows, columns = (
            -(-side // factor) for side, factor in zip((rows, columns), parameters.resize_factor, strict=True)
        )
    return rows, columns, depth


def sight_fits(input_shape: InputShape, parameters: SightParameters) -> str | None:
    """Why the window of a cropped input, or the pixel of a resized one, is larger than the image, or None when it is not."""
    of_mode = {"cropped": ("crop_shape", parameters.crop_shape), "resized": ("resize_factor", parameters.resize_factor)}
    name, window = of_mode.get(parameters.input_mode, ("", (1, 1)))
    sides = input_shape[:2]
    if all(inner <= outer for inner, outer in zip(window, sides, strict=True)):
        return None
    return f"{name} {window[0]} x {window[1]} is larger than the images, {sides[0]} x {sides[1]}"
