"""Whether an image is large enough for the poolings of a network."""

from __future__ import annotations

from typing import Protocol

from python.config.task_schema import InputShape


class Convolutions(Protocol):
    @property
    def n_conv_layers(self) -> int: ...


def pooling_fits(
    input_shape: InputShape, parameters: Convolutions, *, further: int = 0, layers_per_pooling: int = 1
) -> str | None:
    """Why the image cannot be halved as often as the network does, or None when it can.

    The network halves once every `layers_per_pooling` convolutions, and `further` times.
    """
    halvings = min(input_shape[:2]).bit_length() - 1
    most = (halvings - further) * layers_per_pooling
    if parameters.n_conv_layers <= most:
        return None
    height, width, _ = input_shape
    return f"images of {height} x {width} can be halved {halvings} times, so n_conv_layers must be at most {most}"
