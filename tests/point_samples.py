"""Invented points of events, as a network takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from python.data.point_clouds import POINT_COLUMNS, PointClouds


def clouds(counts: Sequence[int], seed: int = 0) -> PointClouds:
    """Clouds of `counts` points, tracks of some centimetres and deposits up to half a metre away, on the planes in turn."""
    rng = np.random.default_rng(seed)
    n = sum(counts)
    in_cluster = rng.random(n) < 0.5
    reach = np.where(in_cluster, 5.0, 50.0)
    start = reach * rng.uniform(-1, 1, n)
    peak = start + rng.uniform(0.2, 0.6, n)
    columns = {
        "plane": np.arange(n) % 3,
        "across": reach * rng.uniform(-1, 1, n),
        "start": start,
        "peak": peak,
        "end": peak + rng.uniform(0.2, 0.9, n),
        "integral": rng.exponential(3000, n) + 100,
        "height": rng.exponential(400, n) + 60,
        "in_cluster": in_cluster,
    }
    points = np.column_stack([columns[name] for name in POINT_COLUMNS]).astype(np.float32)
    return PointClouds(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), points)


def padded_points(counts: Sequence[int], size: int, seed: int = 0) -> np.ndarray:
    """The same with padding, float32 (n, size, 9)."""
    return clouds(counts, seed).padded(np.arange(len(counts)), size)
