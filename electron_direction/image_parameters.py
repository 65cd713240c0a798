"""What the networks on images have in common: their parameters and what they take."""

from __future__ import annotations

from pydantic import Field

from python.config.schema import BuildParameters


class ImageParameters(BuildParameters):
    n_conv_layers: int = Field(4, ge=1, le=8, description="Convolutions of a plane, each followed by a 2x2 pooling.")
    n_filters: int = Field(64, ge=1, le=1024, description="Filters of the first convolution; they double in each next.")
    n_dense_layers: int = Field(2, ge=0, le=8, description="Dense layers between the convolutions and the output.")
    n_dense_units: int = Field(256, ge=1, le=8192, description="Units of each dense layer.")
    dropout_rate: float = Field(0.0, ge=0, lt=1, description="Share of units dropped after each dense layer.")
    use_batch_norm: bool = Field(False, description="Batch normalisation after each convolution.")


class ThreePlaneParameters(ImageParameters):
    use_offsets: bool = Field(
        False, description="Also take the offsets between the planes in time and height, which separate images lose."
    )


def three_plane_inputs(parameters: ThreePlaneParameters) -> tuple[str, ...]:
    """The names of the inputs: the images of the planes, and the offsets between them where they are used."""
    return ("u", "v", "x", "offsets") if parameters.use_offsets else ("u", "v", "x")
