"""Convolutions that read one plane's image. Each function adds named Keras layers to the features (N, H, W, C) it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import keras
from keras import layers

Branch = Callable[[keras.KerasTensor, str], keras.KerasTensor]


class Doubling(Protocol):
    @property
    def n_conv_layers(self) -> int: ...
    @property
    def n_filters(self) -> int: ...
    @property
    def kernel_size(self) -> int: ...
    @property
    def use_batch_norm(self) -> bool: ...
    @property
    def spatial_dropout(self) -> float: ...


def convolution(
    features: keras.KerasTensor,
    n_filters: int,
    kernel_size: int,
    use_batch_norm: bool,
    name: str,
    activation: str | None = "relu",
) -> keras.KerasTensor:
    """A convolution that keeps height and width, and its batch normalisation: (N, H, W, n_filters)."""
    features = layers.Conv2D(n_filters, kernel_size, padding="same", activation=activation, name=name)(features)
    return layers.BatchNormalization(name=f"{name}_norm")(features) if use_batch_norm else features


def pooled_convolution(
    features: keras.KerasTensor, n_filters: int, kernel_size: int, use_batch_norm: bool, name: str
) -> keras.KerasTensor:
    """A convolution and the largest of each 2 x 2: (N, H // 2, W // 2, n_filters)."""
    features = convolution(features, n_filters, kernel_size, use_batch_norm, f"{name}_conv")
    return layers.MaxPooling2D(2, name=f"{name}_pool")(features)


def doubling_branch(parameters: Doubling) -> Branch:
    """The branch of the three-plane CNN: pooled convolutions, each with twice the filters of the one before.

    Of what each gives, the share spatial_dropout of its maps is dropped as a whole (Tompson et al., arXiv:1411.4280).
    """

    def branch(image: keras.KerasTensor, plane: str) -> keras.KerasTensor:
        features = image
        for number in range(parameters.n_conv_layers):
            n_filters = parameters.n_filters * 2**number
            name = f"{plane}_{number + 1}"
            features = pooled_convolution(features, n_filters, parameters.kernel_size, parameters.use_batch_norm, name)
            if parameters.spatial_dropout > 0:
                features = layers.SpatialDropout2D(parameters.spatial_dropout, name=f"{name}_dropout")(features)
        return features

    return branch


def residual_block(
    features: keras.KerasTensor, n_filters: int, kernel_size: int, use_batch_norm: bool, name: str
) -> keras.KerasTensor:
    """Two convolutions around a pooling, added to a straight way: (N, H // 2, W // 2, n_filters).

    The pooling lies between the convolutions, so that the second costs a quarter of what it would before it. The straight
    way is the pooled input, its filters matched by a 1 x 1 convolution (He et al., arXiv:1512.03385).
    """
    straight = layers.MaxPooling2D(2, name=f"{name}_straight_pool")(features)
    straight = convolution(straight, n_filters, 1, use_batch_norm, f"{name}_straight", activation=None)
    bent = pooled_convolution(features, n_filters, kernel_size, use_batch_norm, f"{name}_first")
    bent = convolution(bent, n_filters, kernel_size, use_batch_norm, f"{name}_second", activation=None)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([straight, bent]))


def multi_scale_block(
    features: keras.KerasTensor, n_filters: int, kernel_sizes: Sequence[int], use_batch_norm: bool, name: str
) -> keras.KerasTensor:
    """Convolutions with several kernels side by side, and a pooling: (N, H // 2, W // 2, n_filters).

    The kernels share the filters out. Each sees the input through a 1 x 1 convolution to its share of the channels, so that
    3, 5 and 7 together cost what a 3 alone does on everything (Szegedy et al., arXiv:1409.4842).
    """
    channels, n_kernels = features.shape[-1], len(kernel_sizes)
    scales = []
    for number, kernel_size in enumerate(kernel_sizes):
        share = (n_filters + number) // n_kernels
        seen = features
        if channels > n_kernels:
            seen = convolution(features, channels // n_kernels, 1, use_batch_norm, f"{name}_to_{kernel_size}")
        scales.append(convolution(seen, share, kernel_size, use_batch_norm, f"{name}_conv_{kernel_size}"))
    together = layers.Concatenate(name=f"{name}_scales")(scales)
    return layers.MaxPooling2D(2, name=f"{name}_pool")(together)
