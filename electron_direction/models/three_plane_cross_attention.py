"""Branches of convolutions, then attention across the planes: each event decides which plane tells most.

The places that are left of each plane's image after the poolings become tokens, and all tokens of the three planes attend to
each other (Vaswani et al., arXiv:1706.03762).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from electron_direction.image_parameters import ThreePlaneParameters, three_plane_inputs
from python.config.task_schema import Architecture, InputShape
from python.directions.find import loss_parameters
from python.networks.image_parameters import KERNEL_SIZE, SPATIAL_DROPOUT
from python.networks.pooling import pooling_fits

if TYPE_CHECKING:
    import keras

    from python.directions.answer import Answer

MAX_TOKENS = 768  # attention keeps the square of this for each head and event: 2.4 MB


class ThreePlaneCrossAttentionParameters(ThreePlaneParameters):
    kernel_size: int = KERNEL_SIZE
    spatial_dropout: float = SPATIAL_DROPOUT
    n_attention_layers: int = Field(1, ge=1, le=8, description="Layers of attention, each with its dense layers.")
    n_attention_heads: int = Field(4, ge=1, le=32, description="Heads of each layer of attention.")
    attention_head_units: int = Field(32, ge=1, le=512, description="Units of a head; a token has heads times these.")


def check(input_shape: InputShape, parameters: ThreePlaneCrossAttentionParameters) -> str | None:
    """Why the image is too small for the poolings or leaves too many places to attend to, or None when neither."""
    height, width = (side >> parameters.n_conv_layers for side in input_shape[:2])
    n_tokens = 3 * height * width
    if n_tokens > MAX_TOKENS:
        return (
            f"{parameters.n_conv_layers} poolings leave {n_tokens} places on the three planes, and attention takes up to "
            f"{MAX_TOKENS}: n_conv_layers must be larger"
        )
    return pooling_fits(input_shape, parameters)


def build(input_shape: InputShape, answer: Answer, parameters: ThreePlaneCrossAttentionParameters) -> keras.Model:
    """The network from images (N, H, W, 1) of the planes to the output of `answer`."""
    from python.networks.attention import attended  # validating a configuration must not load TensorFlow
    from python.networks.image_network import Eyes, image_network
    from python.networks.plane_branches import doubling_branch

    def join(maps: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
        return attended(
            maps,
            n_layers=parameters.n_attention_layers,
            n_heads=parameters.n_attention_heads,
            head_units=parameters.attention_head_units,
            dropout_rate=parameters.dropout_rate,
        )

    return image_network(
        "three_plane_cross_attention",
        three_plane_inputs(parameters),
        input_shape,
        answer,
        parameters,
        Eyes(doubling_branch(parameters), join),
    )


ARCHITECTURE = Architecture(
    parameters=ThreePlaneCrossAttentionParameters,
    build=build,
    losses=loss_parameters(default="angular"),
    check=check,
    inputs=three_plane_inputs,
)
