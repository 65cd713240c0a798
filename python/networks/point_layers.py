"""How points enter a network, and how many points become one event.

Points are (N, P, 9) as `python.data.point_clouds` pads them: plane, across, start, peak, end (cm), integral (ADC tick), height
(ADC), in_cluster, present. Rows that are not present are zero in every column and have no influence. Where a network is told in
which cluster a point is, they are (N, P, 10): cluster_energy (MeV, 0: in none) comes before present.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin
from typing import Any

import keras
from keras import ops

from python.data.point_clouds import POINT_COLUMNS
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PLANES, WIRE_ANGLE_DEG

MEV_PER_ADC = tuple(1 / float(adc) for adc in adc_per_mev("measured"))
N_COLUMNS = len(POINT_COLUMNS) + 1
TYPICAL_POINTS = 16.0  # sums over points are brought to order one by it
LEAST_MEV = 0.02
SINE, COSINE = sin(radians(WIRE_ANGLE_DEG)), cos(radians(WIRE_ANGLE_DEG))
SOFT_CM2 = 0.05  # a fifth of a wire spacing, squared: within it no angle is resolved


def present(points: Any) -> Any:
    """1 where there is a point, 0 in the padding, (N, P, 1)."""
    return points[..., -1:]


@keras.saving.register_keras_serializable(package="pointing")
class PointFeatures(keras.layers.Layer):
    """Points (N, P, 9 or 10) to features (N, P, F) of order one, apart for each plane; 0 in the padding.

    Lengths are given twice, fine near the reference point, where the track is, and coarse for what lies around; both also as
    angles from the reference. The planes share the drift coordinate: for each of `widths` (cm) a point also knows where on
    every plane the charge of about its own drift distance lies, and thereby its place in space. Each plane has its own columns,
    since across means another direction on each.
    """

    def __init__(self, widths: Sequence[float] = (), **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.widths = tuple(widths)

    def call(self, points: Any) -> Any:
        plane, across, start, peak, end, integral, height, in_cluster, *more, here = (
            points[..., column : column + 1] for column in range(points.shape[-1])
        )
        planes = [ops.cast(plane == number, "float32") * here for number in range(len(PLANES))]
        energy = integral * sum(is_plane * mev for is_plane, mev in zip(planes, MEV_PER_ADC, strict=True))
        of_plane = ops.concatenate(planes, axis=-1)
        distance = ops.sqrt(across * across + peak * peak + SOFT_CM2)
        lengths = [across, start, peak, end]
        features = [
            *(fine(length) for length in lengths),
            *(coarse(length) for length in lengths),
            across / 25.0,
            peak / 25.0,
            across / distance,
            peak / distance,
            ops.log(distance) / 2.0,
            0.7 * (end - start),
            2.0 * peak - start - end,  # skewness of the pulse
            ops.log(energy + 0.02) / 2.0,
            ops.minimum(energy, 5.0) / 2.0,
            ops.log(height + 50.0) / 2.0 - 2.5,
            in_cluster,
            *(feature for cluster_energy in more for feature in _of_another(cluster_energy, in_cluster)),
        ]
        for width in self.widths:
            features += _same_drift(across, peak, of_plane * energy, width)
        features = ops.concatenate(features, axis=-1)
        return ops.concatenate([*(features * is_plane for is_plane in planes), of_plane], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "widths": list(self.widths)}


def _of_another(cluster_energy: Any, in_cluster: Any) -> list[Any]:
    """Whether a point is in another cluster than the one that is asked about, and how much energy that has."""
    other = ops.relu(cluster_energy * (1.0 - in_cluster))
    return [ops.minimum(other, 1.0), ops.log(1.0 + other) / 2.0]  # ONNX has no log1p


def fine(length: Any) -> Any:
    """Lengths in cm on a scale that grows slowly beyond half a centimetre."""
    return ops.arcsinh(2.0 * length) / 2.0


def coarse(length: Any) -> Any:
    """Lengths in cm on a scale that ends at a few centimetres."""
    return 2.0 * length / (3.0 + ops.abs(length))


def _same_drift(across: Any, peak: Any, charge: Any, width: float) -> list[Any]:
    """Of the charge (N, P, planes) within about `width` cm along the drift of each point: how much, and where on each plane."""
    apart = (peak - ops.transpose(peak, (0, 2, 1))) / width
    near = ops.exp(-0.5 * apart * apart)
    amount = ops.matmul(near, charge)
    place = ops.matmul(near, charge * across) / (amount + LEAST_MEV)
    u, v, z = (place[..., plane : plane + 1] for plane in range(len(PLANES)))
    height = (v - u) / (2.0 * SINE)
    return [
        0.3 * ops.log(amount + LEAST_MEV),
        fine(place),
        coarse(place),
        fine(across - place),
        fine(height),
        fine(u + v - 2.0 * COSINE * z),  # 0 where the three planes see one deposit
    ]


@keras.saving.register_keras_serializable(package="pointing")
class PointPool(keras.layers.Layer):
    """Features (N, P, F), none negative, and points (N, P, C) to the sum and the largest over the points, (N, 2 F)."""

    def call(self, features: Any, points: Any) -> Any:
        kept = features * ops.cast(present(points), features.dtype)
        return ops.concatenate([ops.sum(kept, axis=1) / TYPICAL_POINTS, ops.max(kept, axis=1)], axis=-1)
