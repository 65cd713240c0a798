"""Attention: where in an image to look, and what the planes have to say to each other."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="pointing")
class SpatialAttention(layers.Layer):
    """Weighs each place of the features (N, H, W, C) with a number from 0 to 1; the shape stays.

    The weight is the sigmoid of a 1 x 1 convolution of the mean and the largest of the place's channels, after the spatial
    half of CBAM (Woo et al., arXiv:1807.06521).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weighting = layers.Conv2D(1, 1, activation="sigmoid", name="weighting")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.weighting.build((*input_shape[:-1], 2))

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        mean = ops.mean(features, axis=-1, keepdims=True)
        largest = ops.max(features, axis=-1, keepdims=True)
        return features * self.weighting(ops.concatenate([mean, largest], axis=-1))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


@keras.saving.register_keras_serializable(package="pointing")
class TokenPlaces(layers.Layer):
    """Adds to each of the tokens (N, T, C) a learned vector of its own, which tells its plane and place; the shape stays."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.places = self.add_weight(
            shape=tuple(input_shape[1:]), initializer=keras.initializers.RandomNormal(stddev=0.02), name="places"
        )

    def call(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        return tokens + self.places

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def encoder_layer(
    tokens: keras.KerasTensor, n_heads: int, head_units: int, dropout_rate: float, name: str
) -> keras.KerasTensor:
    """Attention among the tokens (N, T, C) and two dense layers on each, both normalised and added; the shape stays."""
    width = tokens.shape[-1]
    normal = layers.LayerNormalization(name=f"{name}_norm_1")(tokens)
    heads = layers.MultiHeadAttention(n_heads, head_units, dropout=dropout_rate, name=name)
    tokens = layers.Add(name=f"{name}_sum_1")([tokens, heads(normal, normal)])
    normal = layers.LayerNormalization(name=f"{name}_norm_2")(tokens)
    inner = layers.Dense(2 * width, activation="relu", name=f"{name}_dense_1")(normal)
    return layers.Add(name=f"{name}_sum_2")([tokens, layers.Dense(width, name=f"{name}_dense_2")(inner)])


def attended(
    maps: dict[str, keras.KerasTensor], *, n_layers: int, n_heads: int, head_units: int, dropout_rate: float
) -> keras.KerasTensor:
    """The places of all planes' maps {plane: (N, H, W, C)} after attending to each other, side by side: (N, features).

    Each place becomes a token of n_heads * head_units numbers, by a dense layer of its plane.
    """
    planes = []
    for plane, features in maps.items():
        _, height, width, channels = features.shape
        places = layers.Reshape((height * width, channels), name=f"{plane}_places")(features)
        planes.append(layers.Dense(n_heads * head_units, name=f"{plane}_tokens")(places))
    tokens = TokenPlaces(name="token_places")(layers.Concatenate(axis=1, name="tokens")(planes))
    for number in range(1, n_layers + 1):
        tokens = encoder_layer(tokens, n_heads, head_units, dropout_rate, f"attention_{number}")
    return layers.Flatten(name="planes")(layers.LayerNormalization(name="attended")(tokens))
