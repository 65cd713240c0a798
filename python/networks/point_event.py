"""The trunk of a network on points: a set of trigger primitives, in no order, becomes the features of one event.

Each point is told what the planes see at its drift time, then passes through dense layers; the event is the sum and the largest
of what the points say, and every point is read again in the light of the event. Sets of points were taken in this way by
C. R. Qi et al., arXiv:1612.00593.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from python.networks.point_layers import N_COLUMNS, PointFeatures, PointPool
from python.networks.point_parameters import PointNetworkParameters


def point_input(parameters: PointNetworkParameters, n_columns: int = N_COLUMNS) -> keras.KerasTensor:
    """The input "points", (N, max_points, 9) float32, or with more columns as `PointFeatures` knows them."""
    return keras.Input((parameters.max_points, n_columns), name="points")


def event_of_points(
    points: keras.KerasTensor, known: Sequence[keras.KerasTensor], parameters: PointNetworkParameters
) -> keras.KerasTensor:
    """Features (N, F) of the event whose `points` are (N, P, 9 or 10), and of which the features `known` are there besides."""
    units = parameters.n_point_units

    def dense(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return layers.Dense(units, activation="relu", name=name)(features)

    read = PointFeatures(parameters.drift_widths, name="point_features")(points)
    for number in (1, 2):
        read = dense(read, f"point_{number}")
    for number in range(1, parameters.n_context_rounds + 1):
        pooled = PointPool(name=f"pool_{number}")(read, points)
        event = dense(layers.Concatenate(name=f"event_{number}")([pooled, *known]), f"context_{number}")
        spread = layers.Reshape((1, units), name=f"to_points_{number}")(
            layers.Dense(units, name=f"context_{number}_weights")(event)
        )
        mixed = layers.Add(name=f"in_context_{number}")(
            [layers.Dense(units, name=f"point_{number}_weights")(read), spread]
        )
        again = dense(layers.ReLU(name=f"in_context_{number}_relu")(mixed), f"read_again_{number}")
        read = again if number == 1 else layers.Add(name=f"read_{number}")([read, again])
    features = layers.Concatenate(name="event")([PointPool(name="pool")(read, points), *known])
    for number, size in enumerate(parameters.dense_units, start=1):
        features = layers.Dense(size, activation="relu", name=f"dense_{number}")(features)
        if parameters.dropout_rate > 0:
            features = layers.Dropout(parameters.dropout_rate, name=f"dropout_{number}")(features)
    return features
