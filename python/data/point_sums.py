"""Sums over the points around a cluster: of how many there are, of their charge, of the heights of their pulses."""

from __future__ import annotations

import numpy as np

from python.data.point_clouds import PointClouds
from python.detector.geometry import X

GROUPS = ("on X, in the cluster", "on X, elsewhere", "on U and V")
SUMS = {"points": "", "integral": "ADC tick", "height": "ADC"}  # with units


def point_sums(clouds: PointClouds) -> np.ndarray:
    """Return the SUMS of each of the GROUPS of points of N clouds, float32 (N, 3, 3).

    None of them changes when an axis is turned round. Pulses that are low for their charge have drifted far.
    """
    on_x, inside = clouds.column("plane") == X, clouds.column("in_cluster") == 1
    group = np.select([on_x & inside, on_x], [0, 1], 2)
    place, n_groups = clouds.owner * len(GROUPS) + group, len(clouds) * len(GROUPS)
    weights = (np.ones(len(group)), clouds.column("integral"), clouds.column("height"))
    sums = [np.bincount(place, weights=each, minlength=n_groups) for each in weights]
    return np.stack(sums, axis=1).reshape(len(clouds), len(GROUPS), len(SUMS)).astype(np.float32)
