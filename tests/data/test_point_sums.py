"""Sums over the points around clusters."""

import numpy as np

from python.data.point_clouds import STORED_COLUMNS, PointClouds
from python.data.point_sums import point_sums
from python.detector.geometry import U, V, X


def test_points_are_counted_and_summed_by_plane_and_cluster():
    rows = [  # plane, in the cluster, integral, height
        *[(X, 1, 1000, 100), (X, 1, 3000, 200), (X, 0, 500, 80), (U, 1, 700, 60), (V, 0, 300, 90)],
        *[(V, 0, 250, 70)],
    ]
    points = np.zeros((len(rows), len(STORED_COLUMNS)), np.float32)
    for column, values in zip(("plane", "in_cluster", "integral", "height"), zip(*rows, strict=True), strict=True):
        points[:, STORED_COLUMNS.index(column)] = values
    found = point_sums(PointClouds(np.array([0, 5, 5, 6]), points))
    assert found[0].tolist() == [[2, 4000, 300], [1, 500, 80], [2, 1000, 150]]
    assert not found[1].any()
    assert found[2].tolist() == [[0, 0, 0], [0, 0, 0], [1, 250, 70]]
    assert point_sums(PointClouds(np.array([0]), points[:0])).shape == (0, 3, 3)
